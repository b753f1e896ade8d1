"""Which indexes get a schedule, another setting, or a first backup, as far as each index by itself decides that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.finding import Compliance, Finding
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.phase import Phase
from backup_auditor.domain.policy import Mode
from backup_auditor.domain.remediation.actions import FIRST_BACKUP_PREFIX, Action, CreateSchedule, Kind, TakeBackup
from backup_auditor.domain.remediation.changes import change_of
from backup_auditor.domain.remediation.plan import LeftOut
from backup_auditor.domain.remediation.reasons import left_out_by_exemption, why_not_ready, withheld
from backup_auditor.domain.remediation.wanted import wanted_of
from backup_auditor.domain.schedule_facts import label

type Findings = Mapping[str, Finding]
"""The findings of one index, by control."""
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An action, and how badly it is needed."""

    action: Action
    newest: datetime
    """Of when the newest recovery point is; of the beginning of time where none is known."""

    @property
    def order(self) -> tuple[datetime, str]:
        """Sort by this: the worst protected first."""
        return self.newest, self.action.index


def candidates_of(subject: IndexSubject, findings: Findings) -> Iterator[Candidate | LeftOut]:
    """Return what would put one index right, and what is left out of that."""
    if not subject.require.schedule.required:
        return
    newest = _newest(subject)
    created = _creation(subject, findings["index-has-schedule"])
    for found in (created, change_of(subject, findings)):
        if isinstance(found, LeftOut):
            yield found
        elif found is not None:
            yield Candidate(found, newest)
    if subject.schedules.enabled or isinstance(created, CreateSchedule):
        backup = _first_backup(subject)
        if isinstance(backup, LeftOut):
            yield backup
        elif backup is not None:
            yield Candidate(backup, newest)


def _creation(subject: IndexSubject, finding: Finding) -> CreateSchedule | LeftOut | None:
    why: str | None
    if subject.unsupported is not None:
        why = subject.unsupported
    elif finding.compliance is Compliance.COMPLIANT:
        why = _why_beside_none(subject)
    elif finding.compliance is not Compliance.NON_COMPLIANT:
        why = finding.reason  # the plan has no schedules, or not all could be read
    else:
        why = (
            left_out_by_exemption(finding)
            or why_not_ready(subject.index)
            or withheld("create_schedules", subject.project.policy.remediation.create_schedules)
        )
    if why is not None:
        is_unknown = finding.compliance is Compliance.INSUFFICIENT_DATA or bool(subject.schedules.perhaps_enabled)
        return LeftOut(subject.name, Kind.CREATE_SCHEDULE, why, is_unknown and subject.unsupported is None)
    if finding.compliance is Compliance.COMPLIANT:
        return None
    wanted = wanted_of(subject.require)
    name = subject.project.policy.remediation.schedule_name
    return CreateSchedule(subject.name, name, wanted.frequency, wanted.retention, wanted.slots, finding.reason)


def _why_beside_none(subject: IndexSubject) -> str | None:
    """Return why an index that has schedules, none of them enabled, gets no other; `None` where one is enabled."""
    schedules = subject.schedules
    if schedules.enabled:
        return None
    for it in schedules.perhaps_enabled:
        return f"Pinecone does not say whether its schedule {label(it)} is enabled."
    return f"It has a paused schedule, {label(schedules.known[0])}: a pause is somebody's decision."


def _first_backup(subject: IndexSubject) -> TakeBackup | LeftOut | None:
    policy = subject.project.policy
    remediation = policy.remediation
    if not remediation.first_backup or remediation.create_schedules is Mode.NEVER:
        return None
    if subject.project.exemption_for("index-has-recovery-point", subject.resource) is not None:
        return None
    backups, is_unknown = subject.backups, False
    try:
        backups.need_listing()
        if backups.recovery_points or backups.undated_recovery_points:
            return None
        why = why_not_ready(subject.index)
        for it in backups.all:
            if it.backup.name is not None and it.backup.name.startswith(FIRST_BACKUP_PREFIX):
                why = f"A first backup was taken of it, {it.backup.name}, and it is {it.backup.status}."
            elif it.phase not in {Phase.FAILED, Phase.PLANNED}:
                why = f"A backup of it, {it.backup.name or it.backup.backup_id}, is {it.backup.status}."
    except InsufficientError as error:
        why, is_unknown = error.reason, True
    if why is not None:
        return LeftOut(subject.name, Kind.FIRST_BACKUP, why, is_unknown)
    name = f"{FIRST_BACKUP_PREFIX}{subject.observed_at.astimezone(UTC):%Y%m%d}"
    return TakeBackup(subject.name, name, "It has no recovery point.")


def _newest(subject: IndexSubject) -> datetime:
    try:
        found = subject.backups.recovery_points
    except InsufficientError:
        return _EVER
    return found[0].captured_at or _EVER if found else _EVER
