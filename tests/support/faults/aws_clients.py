"""Things that go wrong with a client of AWS: before a call has its effect, after it, or instead of an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

URL = "https://service.eu-central-1.amazonaws.com"


class KilledError(BaseException):
    """The process ends here: nothing catches it."""


def unreachable() -> BaseException:
    """Return what is raised where nothing was sent."""
    return EndpointConnectionError(endpoint_url=URL)


def unanswered() -> BaseException:
    """Return what is raised where an answer did not come."""
    return ReadTimeoutError(endpoint_url=URL)


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    """Return what is raised where AWS says no."""
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "Operation")


class Strike:
    """Counts the calls of a client, and does something at one of them, or from it on."""

    def __init__(self, act: Callable[[], object], at: int, *, until_end: bool = False, operation: str = "") -> None:
        """Act at the call of that number, the first being 0; of one operation, where it is named."""
        self._act = act
        self._at = at
        self._until_end = until_end
        self._operation = operation
        self._is_acting = False
        self.calls = 0

    def __call__(self, model: Any, **_: object) -> None:
        """Count a call, and strike."""
        if self._is_acting or self._operation not in ("", model.name):
            return
        number, self.calls = self.calls, self.calls + 1
        if number == self._at or (self._until_end and number > self._at):
            self._is_acting = True  # what it does itself is left in peace
            try:
                self._act()
            finally:
                self._is_acting = False


def raising(error: Callable[[], BaseException]) -> Callable[[], None]:
    """Return an act that raises."""

    def act() -> None:
        raise error()

    return act


@contextmanager
def struck(client: Any, strike: Strike, *, after: bool = False) -> Iterator[Strike]:
    """Let calls be struck before they have their effect, or after it."""
    event = f"{'after' if after else 'before'}-call.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, strike)
    try:
        yield strike
    finally:
        client.meta.events.unregister(event, strike)


@contextmanager
def twice(client: Any) -> Iterator[None]:
    """Let every call have its effect before it is made: as when an answer was lost, and the client sent it again."""
    is_inner = False

    def first(params: dict[str, Any], model: Any, **_: object) -> None:
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

    client.meta.events.register("provide-client-params.dynamodb", first)
    try:
        yield
    finally:
        client.meta.events.unregister("provide-client-params.dynamodb", first)
