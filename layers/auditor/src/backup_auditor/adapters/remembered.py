"""Remembers for five minutes what was fetched: Powertools Parameters, with a fetching of our own."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import BaseProvider

_SECONDS = 300


class Reading[Value](Protocol):
    """Reads something by its name."""

    def __call__(self, name: str, *, fresh: bool = False) -> Value:
        """Return it; `fresh` as it is now, whatever is remembered."""


class Remembered[Value]:
    """What was fetched by name. It lives as long as a function's process, from one invocation to the next."""

    def __init__(self, fetch: Callable[[str], Value]) -> None:
        """Take what fetches, which raises what it will."""
        self._fetch: Callable[[str], Value] = fetch

    def __call__(self, name: str, *, fresh: bool = False) -> Value:
        """Return what is remembered, or fetch it; `fresh` fetches in any case. What failed is not remembered."""
        from aws_lambda_powertools.utilities.parameters import GetParameterError  # noqa: PLC0415  it imports boto3

        try:
            return cast("Value", self._provider.get(name, max_age=_SECONDS, force_fetch=fresh))
        except GetParameterError as error:
            raise (error.__context__ or error) from None

    @cached_property
    def _provider(self) -> "BaseProvider":
        from aws_lambda_powertools.utilities.parameters import BaseProvider  # noqa: PLC0415  it imports boto3

        fetch: Callable[[str], Any] = self._fetch

        class Provider(BaseProvider):
            def _get(self, name: str, **_: object) -> Any:  # noqa: ANN401  whatever is fetched
                return fetch(name)

            def _get_multiple(self, path: str, **_: object) -> dict[str, str]:
                raise NotImplementedError(path)

        return Provider()  # type: ignore[no-untyped-call]
