"""Who calls AWS, and what was seen of it."""

from collections.abc import Callable
from dataclasses import dataclass

from support.aws_local.iam import Statement
from support.aws_local.requests import AwsCall


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a process of a function."""

    function: str
    statements: tuple[Statement, ...]
    kill: Callable[[], None]


@dataclass(frozen=True, slots=True)
class FunctionRequest:
    """A request of a function, and how it was answered."""

    function: str
    call: AwsCall
    status: int
    """0 where no answer was sent."""
