"""One call of Pinecone's API as data, and what it sets a schedule to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Schedule
from backup_auditor.domain.moments import days


@dataclass(frozen=True, slots=True)
class Call:
    """One call of Pinecone's API."""

    method: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write it as documents do."""
        return f"{self.method} {self.path}" + (f" {json.dumps(self.body)}" if self.body else "")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a schedule is set to; `None` leaves as it is, or is not known."""

    enabled: bool | None = None
    frequency: Frequency | None = None
    retention: timedelta | None = None

    @property
    def body(self) -> dict[str, object]:
        """What a change to this sends."""
        found: dict[str, object] = {}
        if self.enabled is not None:
            found["enabled"] = self.enabled
        if self.frequency is not None:
            found["frequency"] = self.frequency.value
        if self.retention is not None:
            found["retention"] = {"expire_after_days": days(self.retention)}
        return found

    def within(self, other: "Settings") -> "Settings":
        """Return of these settings those that the other speaks of."""
        return Settings(
            None if other.enabled is None else self.enabled,
            None if other.frequency is None else self.frequency,
            None if other.retention is None else self.retention,
        )

    def merged(self, other: "Settings") -> "Settings":
        """Return these settings, and the other ones where these leave something as it is."""
        return Settings(
            other.enabled if self.enabled is None else self.enabled,
            other.frequency if self.frequency is None else self.frequency,
            other.retention if self.retention is None else self.retention,
        )

    def applied_to(self, schedule: Schedule) -> Schedule:
        """Return a schedule as it is once it is changed to this."""
        return replace(
            schedule,
            enabled=schedule.enabled if self.enabled is None else self.enabled,
            frequency=schedule.frequency if self.frequency is None else self.frequency.value,
            retention=schedule.retention if self.retention is None else self.retention,
        )


def settings_of(schedule: Schedule) -> Settings:
    """Return what a schedule is set to, as far as it tells."""
    return Settings(schedule.enabled, Frequency.of(schedule.frequency), schedule.retention)
