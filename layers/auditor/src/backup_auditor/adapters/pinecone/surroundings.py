"""The clocks, the sleep and the chance that calls depend on, so that tests can hold them in hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom

from backup_auditor.adapters.pinecone.backoff import Uniform
from backup_auditor.adapters.pinecone.deadline import Monotonic


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What calls need of the machine they run on."""

    monotonic: Monotonic = time.monotonic
    now: Callable[[], datetime] = _now
    """Asked only for what a `Retry-After` that is a date means; no fact depends on it."""
    sleep: Callable[[float], None] = time.sleep
    uniform: Uniform = SystemRandom().uniform
