"""Settings for behavior that the documentation of the real service does not define."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class PausedNextRun(StrEnum):
    """The next run that a paused schedule reports."""

    NULL = "null"
    ABSENT = "absent"
    STALE = "stale"


class CustomerKeySupport(StrEnum):
    """The answers to backup calls of an index that is encrypted with a customer key."""

    NONE = "refused"
    """With 400, all of them."""
    LISTING_ONLY = "listed"
    """Creation with 400; listings are empty."""
    FULL = "backed up"
    """As those of any other index."""


@dataclass(slots=True, kw_only=True)
class SimulatorOptions:
    """Settings of a simulated project."""

    plan: str = "standard"
    """`starter` and `builder` have neither backups nor schedules: the service refuses to create and resume one."""
    plan_denies_listings: bool = False
    """Whether a plan without schedules is the answer to every other schedule call, too."""
    customer_key_support: CustomerKeySupport = CustomerKeySupport.NONE
    index_creation_duration: timedelta = timedelta()
    """How long a new index is `Initializing`."""
    index_deletion_duration: timedelta = timedelta()
    """How long a deleted index is `Terminating`; its schedules are gone at once."""
    backup_quota: int | None = 500
    """The limit of backups, planned runs not counted; `None` is no limit."""
    max_retention: timedelta = timedelta(days=400)
    backup_duration: timedelta = timedelta(minutes=10)
    """How long a backup takes until it is ready, or has failed."""
    backup_deletion_duration: timedelta = timedelta(seconds=5)
    restore_duration: timedelta = timedelta(minutes=10)
    """How long a restore takes until the index is ready."""
    restore_job_duration: timedelta | None = None
    """How long a restore job is `Pending`; `None` is as long as the restore."""
    index_quota: int | None = 20
    """The limit of indexes for calls that create one (5, 10, 20 or 200 by plan); `None` is no limit."""
    default_namespace: str = "__default__"
    """The name of the default namespace in answers, where others write an empty name."""
    lists_scheduled_runs: bool = False
    """Whether `GET /backups` lists planned runs."""
    scheduled_run_status: str | None = None
    """The status of a planned run; `None` is the status of the API version."""
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
