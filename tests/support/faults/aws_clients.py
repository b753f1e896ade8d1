"""Faults of an AWS client: before a call has its effect, after it, or instead of its answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

SERVICE_URL = "https://service.eu-central-1.amazonaws.com"


class KilledError(BaseException):
    """The simulated end of the process; no code catches it."""


def make_unreachable_error() -> BaseException:
    """Return the error of a request that was not sent."""
    return EndpointConnectionError(endpoint_url=SERVICE_URL)


def make_timeout_error() -> BaseException:
    """Return the error of a request without an answer."""
    return ReadTimeoutError(endpoint_url=SERVICE_URL)


def make_client_error(code: str, status: int = 400, **fields: Any) -> ClientError:
    """Return the error of a request that AWS rejected."""
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}, **fields}
    return ClientError(response, "Operation")


class NthCallFault:
    """A fault that counts the calls of a client, and acts at one of them, or from that one on."""

    def __init__(
        self, action: Callable[[], object], call_number: int, *, is_permanent: bool = False, operation: str = ""
    ) -> None:
        """Act at the call with this number, counted from 0; only count calls of `operation` if it is set."""
        self._action = action
        self._call_number = call_number
        self._is_permanent = is_permanent
        self._operation = operation
        self._is_acting = False
        self.call_count = 0

    def __call__(self, model: Any, **_: object) -> None:
        """Count a call, and act if its number is reached."""
        if self._is_acting or self._operation not in ("", model.name):
            return
        number, self.call_count = self.call_count, self.call_count + 1
        if number == self._call_number or (self._is_permanent and number > self._call_number):
            self._is_acting = True  # the calls of the action itself are not counted
            try:
                self._action()
            finally:
                self._is_acting = False


def make_raiser(error: Callable[[], BaseException]) -> Callable[[], None]:
    """Return an action that raises an error."""

    def raise_error() -> None:
        raise error()

    return raise_error


@contextmanager
def inject_fault(client: Any, fault: NthCallFault, *, after: bool = False) -> Iterator[NthCallFault]:
    """Inject a fault before calls have their effect, or after it."""
    event = f"{'after' if after else 'before'}-call.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, fault)
    try:
        yield fault
    finally:
        client.meta.events.unregister(event, fault)


@contextmanager
def repeat_calls(client: Any) -> Iterator[None]:
    """Make every call twice, as when an answer is lost and the client sends the request again."""
    is_inner = False

    def call_first(params: dict[str, Any], model: Any, **_: object) -> None:
        nonlocal is_inner
        if is_inner:
            return
        is_inner = True
        try:
            name = "".join(f"_{it.lower()}" if it.isupper() else it for it in model.name).removeprefix("_")
            with suppress(ClientError):
                getattr(client, name)(**params)
        finally:
            is_inner = False

    client.meta.events.register("provide-client-params.dynamodb", call_first)
    try:
        yield
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb", call_first)
