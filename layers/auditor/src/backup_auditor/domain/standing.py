"""How one backup stands at the moment of the audit, put together from every listing that shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_auditor.domain.cadence import Frequency
from backup_auditor.domain.facts import Backup, Schedule
from backup_auditor.domain.phase import Phase, phase_of_status, run_moment


@dataclass(frozen=True, slots=True)
class Standing:
    """A backup as it stands at the moment of the audit."""

    backup: Backup
    """The row that shows it furthest along."""
    phase: Phase
    captured_at: datetime | None
    """When the data was, or is to be, taken; `None` where no row tells any time."""
    is_listed: bool
    """Whether it stands in a backup listing; a row of a history alone is a run, not a recovery point."""
    schedule: Schedule | None
    """The schedule whose history lists it."""
    run_is_unnamed: bool = False
    """Whether it is a run that does not tell its own moment: only `created_at`, when it was planned, is known."""


def standings(
    listed: Iterable[Backup],
    runs: Iterable[tuple[Schedule, Backup]],
    observed_at: datetime,
    grace: timedelta,
) -> dict[str, Standing]:
    """Put the rows of backup listings and of histories together, by backup id."""
    listed_rows = {backup.backup_id: backup for backup in listed}
    run_rows = {backup.backup_id: (schedule, backup) for schedule, backup in runs}
    found: dict[str, Standing] = {}
    for backup_id, backup in listed_rows.items():
        schedule, run = run_rows.get(backup_id, (None, None))
        found[backup_id] = _stand(backup, run, schedule, observed_at, grace, is_listed=True)
    for backup_id, (schedule, run) in run_rows.items():
        if backup_id not in found:
            found[backup_id] = _stand(run, None, schedule, observed_at, grace, is_listed=False)
    return found


def _stand(  # noqa: PLR0913  the two rows of one backup, and the moment they are seen at
    first: Backup,
    second: Backup | None,
    schedule: Schedule | None,
    observed_at: datetime,
    grace: timedelta,
    *,
    is_listed: bool,
) -> Standing:
    row = first
    if second is not None and phase_of_status(second.status) > phase_of_status(first.status):
        row = second
    due = run_moment(first) or (run_moment(second) if second else None)
    created_at = first.created_at or (second.created_at if second else None)
    phase = phase_of_status(row.status)
    if phase is Phase.UNDER_WAY and _is_still_planned(due, created_at, schedule, observed_at, grace):
        phase = Phase.PLANNED
    return Standing(row, phase, due or created_at, is_listed, schedule, schedule is not None and due is None)


def _is_still_planned(
    due: datetime | None,
    created_at: datetime | None,
    schedule: Schedule | None,
    observed_at: datetime,
    grace: timedelta,
) -> bool:
    """Tell whether a run shown as under way has not begun: its time is to come, or it tells none and is young."""
    if due is not None:
        return due > observed_at
    if schedule is None or created_at is None:
        return False
    frequency = Frequency.of(schedule.frequency)
    return frequency is not None and observed_at - created_at < frequency.interval + grace


def newest_first(found: Iterable[Standing]) -> list[Standing]:
    """Sort dated backups by capture time, newest first; those without any time are left out."""
    dated = [(it.captured_at, it.backup.backup_id, it) for it in found if it.captured_at is not None]
    return [it for _, _, it in sorted(dated, key=lambda key: key[:2], reverse=True)]


def by_name(backups: Iterable[Backup]) -> Mapping[str, list[Backup]]:
    """Group backups by the name of their source index, in one pass."""
    found: dict[str, list[Backup]] = {}
    for backup in backups:
        found.setdefault(backup.index_name, []).append(backup)
    return found
