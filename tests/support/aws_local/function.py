"""A built function as the template has it: where it is, and under what conditions it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the application."""

    name: str
    """Its physical name, by which it is invoked."""
    arn: str
    role: str
    """The logical name of its role."""
    handler: str
    task: Path
    layers: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=3)
    memory: int = 128
    """Mebibytes."""
    logs_json: bool = True
    retries: int = 2
    """How often an asynchronous invocation that failed is repeated."""
    dead_letters: str | None = None
    """The ARN of the queue that takes the event of an invocation that failed to the end."""
