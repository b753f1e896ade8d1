"""What an audit on AWS needs of the world, beside what every audit needs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.ports.delivery import Log
from backup_auditor.ports.evidence import Evidence
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.ports.state import StateStore


class KeyedLog(Log, Protocol):
    """A log whose lines all hold what is known by then of the audit."""

    def append_keys(self, **keys: object) -> None:
        """Put these on every line from now on."""


class Keys(Protocol):
    """Knows the keys of projects."""

    def __call__(self, project: RegisteredProject, *, fresh: bool = False) -> str:
        """Return the key of a project; `fresh` looks where it is kept, whatever is remembered. Raises `SecretError`."""


class Emit(Protocol):
    """Takes metrics."""

    def __call__(
        self, project: str | None, values: Mapping[str, float | None], *, more: Mapping[str, str] = ...
    ) -> None:
        """Emit metrics of a project, or of none; `more` are further dimensions."""


@dataclass(frozen=True, slots=True)
class NightlyWorld:
    """What one audit needs. The functions raise what is said of them, and nothing is asked for before it is needed."""

    registry: Callable[[str | None], Registry]
    """Returns the registry in which a project is looked for. Raises `RegistryError` and `DocumentError`."""
    policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    key: Keys
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    """Opens a project by its key, for as long as there is time."""
    store: Callable[[], StateStore]
    evidence: Callable[[], Evidence]
    tell: Callable[[str], None]
    """Puts the events of a project's audits on the bus."""
    ping: Callable[[], None]
    """Tells whoever waits for it that an audit was complete."""
    emit: Emit
    log: KeyedLog
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
