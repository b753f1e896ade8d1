"""The callers of AWS and their requests."""

from collections.abc import Callable
from dataclasses import dataclass

from support.aws_local.iam import Statement
from support.aws_local.requests import AwsCall


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller of AWS: a process of a function."""

    function: str
    statements: tuple[Statement, ...]
    kill: Callable[[], None]


@dataclass(frozen=True, slots=True)
class FunctionRequest:
    """A request of a function and the status of its response."""

    function: str
    call: AwsCall
    status: int
    """0 if no response was sent."""
