"""A built function as defined in the template: its paths, limits and permissions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of the application."""

    name: str
    """The physical name of the function."""
    arn: str
    role: str
    """The logical name of the function's role."""
    handler: str
    task: Path
    layers: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=3)
    memory: int = 128
    """In mebibytes."""
    logs_json: bool = True
