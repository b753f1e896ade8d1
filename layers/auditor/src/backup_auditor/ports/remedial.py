"""What putting a project right on AWS needs of the world."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from backup_auditor.domain.policy import Policy
from backup_auditor.domain.registry import RegisteredProject, Registry
from backup_auditor.ports.delivery import Bus
from backup_auditor.ports.nightly import Emit, KeyedLog
from backup_auditor.ports.reading import ProjectReader
from backup_auditor.ports.writing import ProjectWriter, ToldLog


@dataclass(frozen=True, slots=True)
class RemedialWorld:
    """What one run needs. The functions raise what is said of them."""

    registry: Callable[[str], Registry]
    """Raises `RegistryError` and `DocumentError`."""
    policy: Callable[[RegisteredProject], Policy]
    """Raises `PolicyError` and `DocumentError`."""
    key: Callable[[RegisteredProject], str]
    """Returns the key that may write, which is another than the audit's. Raises `SecretError`."""
    open_reader: Callable[[str], AbstractContextManager[ProjectReader]]
    open_writer: Callable[[str], AbstractContextManager[ProjectWriter]]
    remembered: ToldLog
    bus: Bus
    emit: Emit
    log: KeyedLog
    now: Callable[[], datetime]
    seconds_left: Callable[[], float]
    who: str
    """Who acts, for the records."""
