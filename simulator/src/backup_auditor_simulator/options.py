"""How the simulated service behaves where the real one leaves it open, or is known in more than one way."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class PausedNextRun(StrEnum):
    """What a paused schedule shows as its next run."""

    NULL = "null"
    ABSENT = "absent"
    STALE = "stale"


class CustomerKeySupport(StrEnum):
    """How backup calls of an index that is encrypted with a customer key are answered."""

    NONE = "refused"
    """With 400, all of them."""
    LISTING_ONLY = "listed"
    """Creation with 400; listings are empty."""
    FULL = "backed up"
    """As those of any other index."""


@dataclass(slots=True, kw_only=True)
class SimulatorOptions:
    """What a world may differ in."""

    plan: str = "standard"
    """`starter` and `builder` have neither backups nor schedules: creating and resuming one is refused."""
    plan_denies_listings: bool = False
    """Whether a plan without schedules is the answer to every other schedule call, too."""
    customer_key_support: CustomerKeySupport = CustomerKeySupport.NONE
    index_creation_duration: timedelta = timedelta()
    """How long a new index is `Initializing`."""
    index_deletion_duration: timedelta = timedelta()
    """How long a deleted index is `Terminating`; its schedules are gone at once."""
    backup_quota: int | None = 500
    """How many backups the project may hold, planned runs not counted; `None` is no limit."""
    max_retention: timedelta = timedelta(days=400)
    backup_duration: timedelta = timedelta(minutes=10)
    """How long a backup takes until it is ready, or has failed."""
    backup_deletion_duration: timedelta = timedelta(seconds=5)
    restore_duration: timedelta = timedelta(minutes=10)
    lists_scheduled_runs: bool = False
    """Whether planned runs stand in `GET /backups`."""
    scheduled_run_status: str | None = None
    """How a planned run is shown; `None` is as the version that asks has it."""
    paused_next_run: PausedNextRun = PausedNextRun.NULL
    keeps_expired_in_history: bool = False
    """Whether a schedule's history still shows the runs whose backup has expired or was deleted."""
    marks_deleted_sources: bool = True
    """Whether 2026-07 says in `GET /backups` that the source index was deleted."""
    is_newest_first: bool = True

    @property
    def has_backups(self) -> bool:
        """Whether the plan includes backups and schedules."""
        return self.plan not in {"starter", "builder"}
