"""The contents of the simulated project, when its schedules run, and the error that refuses a call."""

from calendar import monthrange
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any

from backup_auditor_simulator.damages import Damage, DamageKind

_MONTHS_PER_YEAR = 12


class Frequency(StrEnum):
    """The frequencies of the service."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


_FIXED_INTERVALS = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(days=7)}


def find_next_run(anchor: datetime, frequency: Frequency, moment: datetime) -> datetime:
    """Return the time of the first run after a time; the anchor itself is not a run."""
    start = max(anchor, moment)
    interval = _FIXED_INTERVALS.get(frequency)
    if interval is not None:
        return anchor + ((start - anchor) // interval + 1) * interval
    month_count = (start.year - anchor.year) * _MONTHS_PER_YEAR + start.month - anchor.month
    run = _add_months(anchor, month_count)
    return run if run > start else _add_months(anchor, month_count + 1)


def _add_months(anchor: datetime, month_count: int) -> datetime:
    """Return the anchor's day and time in a later month, or the last day of a shorter month."""
    years, month = divmod(anchor.month - 1 + month_count, _MONTHS_PER_YEAR)
    year = anchor.year + years
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


class IndexKind(StrEnum):
    """Where an index runs. Pods have no backups."""

    SERVERLESS = "serverless"
    BYOC = "byoc"
    POD = "pod"


class BackupState(Enum):
    """The state of a backup. Its spelling in an answer depends on the API version."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in progress"
    READY = "ready"
    FAILED = "failed"


class RunOutcome(Enum):
    """The outcome of a scheduled run."""

    SUCCEEDED = "succeeds"
    FAILED = "fails"
    STUCK = "is stuck"
    """It begins and never ends."""
    SKIPPED = "is skipped"
    """It leaves no trace, and the next one is planned as usual."""
    NOT_STARTED = "never starts"
    """It stays planned, and nothing after it is planned."""


_VECTOR_INDEX_FIELDS = frozenset({"_values", "_sparse_values"})


@dataclass(slots=True, eq=False)
class Index:
    """An index, live or deleted."""

    id: str
    name: str
    created_at: datetime
    ready_at: datetime
    records: int
    namespaces: int
    kind: IndexKind = IndexKind.SERVERLESS
    cloud: str = "aws"
    region: str = "us-east-1"
    environment: str = "aped-4627-b74a"
    fields: Mapping[str, Any] = field(
        default_factory=lambda: {"_values": {"type": "dense_vector", "dimension": 1536, "metric": "cosine"}}
    )
    """Its schema: field name to field."""
    tags: dict[str, str] = field(default_factory=dict)
    deletion_protection: bool = False
    deleted_at: datetime | None = None
    is_terminating: bool = False
    """Whether its deletion has begun and not ended."""
    source_backup_id: str | None = None
    data_seed: str = ""
    """The seed of its generated records; a restored index has that of the index that was backed up."""
    damages: tuple[Damage, ...] = ()
    counted_polls: int = 0
    """How many answers had its counts, while they are late."""
    cmek_id: str | None = None
    pod_type: str = "p1.x1"
    schedules: dict[str, "Schedule"] = field(default_factory=dict)
    backups: dict[str, "Backup"] = field(default_factory=dict)

    @property
    def host_label(self) -> str:
        """Return the first part of its host, which names this index and no later one of its name."""
        return f"{self.name}-{self.id[:7]}"

    @property
    def holds_documents(self) -> bool:
        """Whether it holds documents: an index of vectors has a field with a reserved name."""
        return not self.fields.keys() & _VECTOR_INDEX_FIELDS

    def get_damage(self, kind: DamageKind) -> Damage | None:
        """Return its damage of a kind."""
        return next((it for it in self.damages if it.kind is kind), None)

    def find_state(self, now: datetime) -> str:
        """Return its state at a time, as the service spells it."""
        if self.is_terminating:
            return "Terminating"
        if now < self.ready_at:
            return "Initializing"
        return "Ready" if self.get_damage(DamageKind.FAILED_RESTORE) is None else "InitializationFailed"

    def has_host(self, now: datetime) -> bool:
        """Return whether it has a host at a time, at which its records are read."""
        return self.find_state(now) in {"Ready", "Terminating"}

    @property
    def vector_field(self) -> Mapping[str, Any]:
        """Return its vector field, or an empty one where it holds documents only."""
        vector_fields = (it for it in self.fields.values() if it.get("type") in {"dense_vector", "sparse_vector"})
        return next(vector_fields, {})


@dataclass(slots=True, eq=False)
class Schedule:
    """A backup schedule, enabled or paused."""

    id: str
    name: str
    index: Index
    frequency: Frequency
    retention: timedelta
    created_at: datetime
    anchor: datetime
    """The start of the cadence: creation, or the last resumption."""
    enabled: bool = True
    next_run: datetime | None = None
    scheduled_run: "Backup | None" = None
    runs: dict[str, "Backup"] = field(default_factory=dict)
    outcomes: deque[RunOutcome] = field(default_factory=deque)
    """The outcomes of the coming runs, the next one first; all later ones succeed."""


@dataclass(slots=True, eq=False)
class Backup:
    """A backup in any state; a scheduled backup is a run."""

    id: str
    index: Index
    state: BackupState
    created_at: datetime
    name: str | None = None
    description: str | None = None
    schedule: Schedule | None = None
    scheduled_for: datetime | None = None
    captured_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    record_count: int | None = None
    namespace_count: int | None = None
    size_bytes: int | None = None
    forced_status: str | None = None
    """The status to show instead of that of the state."""
    is_deleted: bool = False
    cached_rows: dict[str, bytes] = field(default_factory=dict)
    """Its row as written for an answer, by shape; emptied whenever the row changes."""


@dataclass(slots=True, eq=False)
class RestoreJob:
    """The restore of a backup into an index."""

    id: str
    backup: Backup
    index: Index
    created_at: datetime
    completed_at: datetime | None = None

    @property
    def status(self) -> str:
        """Return its status; a restore that runs is pending, too."""
        if self.completed_at is None:
            return "Pending"
        return "Completed" if self.index.get_damage(DamageKind.FAILED_RESTORE) is None else "Failed"


VIEWER = "viewer"
"""The role of a key that reads the control plane."""
EDITOR = "editor"
"""The role of a key that reads and changes the control plane."""
DRILLER = "driller"
"""The role of a key that also reads the data plane."""


ERROR_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "PAYMENT_REQUIRED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    422: "UNPROCESSABLE_ENTITY",
    429: "RESOURCE_EXHAUSTED",
    503: "SERVICE_UNAVAILABLE",
}


class ApiError(Exception):
    """The service refuses a call, with the status, code and message it answers."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        """Hold what the answer says; the code is that of the status unless another is given."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or ERROR_CODES.get(status, "UNKNOWN")
