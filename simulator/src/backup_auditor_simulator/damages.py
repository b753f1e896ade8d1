"""Damage that is planted in the indexes that restores create."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class DamageKind(StrEnum):
    """The kinds of damage of a restored index."""

    FAILED_RESTORE = "failed_restore"
    """The restore job is `Failed` and the index `InitializationFailed`, when they would be complete and ready."""
    STUCK_RESTORE = "stuck_restore"
    """The restore job stays `Pending` and the index `Initializing`."""
    WRONG_SCHEMA = "wrong_schema"
    """The index has another dimension and another metric than the backup."""
    MISSING_RECORDS = "missing_records"
    """The last `count` records are missing, in counts and in reads."""
    MISSING_NAMESPACE = "missing_namespace"
    """The last namespace is missing, with its records."""
    UNREADABLE_RECORDS = "unreadable_records"
    """Records are counted and listed, and a fetch does not return them."""
    UNSEARCHABLE_RECORDS = "unsearchable_records"
    """Records are returned by a fetch, and no query finds them."""
    NAN_VALUES = "nan_values"
    """The last value of a record is `NaN`."""
    WRONG_DIMENSION = "wrong_dimension"
    """A record has one value less than the dimension of the index."""
    LATE_STATS = "late_stats"
    """Counts are too low in the first `polls` answers, or for `seconds` after the index is ready; else always."""


@dataclass(slots=True, kw_only=True)
class Damage:
    """A damage of the indexes that some restores create."""

    kind: DamageKind | str
    source: str = "*"
    """A shell pattern of the name of the index that was backed up."""
    times: int | None = None
    """How many restores it affects; `None` is without limit."""
    count: int = 1
    """How many records are missing."""
    every: int = 1
    """Of the records of each namespace, the first one and every so many after it are damaged."""
    polls: int | None = None
    seconds: float | None = None
    applied_count: int = field(default=0, init=False)
    """How many restores it affected so far."""

    def __post_init__(self) -> None:
        """Convert the kind. Raises `ValueError` if it is unknown, or if a number is not positive."""
        self.kind = DamageKind(self.kind)
        if self.count < 1 or self.every < 1:
            raise ValueError("count and every must be at least 1.")

    def applies_to(self, source_name: str) -> bool:
        """Return whether the damage applies to the restore of a backup of an index, and count the restore."""
        is_exhausted = self.times is not None and self.applied_count >= self.times
        if is_exhausted or not fnmatchcase(source_name, self.source):
            return False
        self.applied_count += 1
        return True
