"""Make a remediation plan: the least protected indexes first, within the quota and the limits of the policy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import label
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.evaluation.quota_usage import QuotaUsage, ScheduleUsage
from backup_auditor.domain.finding import Compliance, Finding, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Frequency, Index, Schedule
from backup_auditor.domain.policy import Mode, Policy, Remediation
from backup_auditor.domain.remediation.actions import (
    FIRST_BACKUP_PREFIX,
    Action,
    ActionKind,
    CreateBackup,
    CreateSchedule,
    ScheduleSettings,
    UpdateSchedule,
    settings_of,
)
from backup_auditor.domain.remediation.plan import ActionRecord, Plan, SkippedAction, failed_at, mode_of
from backup_auditor.domain.target_schedule import (
    ENABLED,
    FREQUENCY,
    MAXIMUM,
    NAME,
    RETENTION_CONTROLS,
    accepted_controls,
    shortcomings,
    target_schedule,
)
from backup_auditor.domain.text import quote_text

_READY = "ready"


def why_not_ready(index: Index) -> str | None:
    """Return why nothing is made of an index at this moment; `None` where it is ready."""
    if index.state is None:
        return "Pinecone does not say whether it is ready."
    return None if index.state.casefold() == _READY else f"It is not ready: Pinecone says {quote_text(index.state)}."


def is_being_deleted(index: Index) -> bool:
    """Tell whether an index is being deleted: the policy requires nothing of it any more."""
    return index.is_terminating


def skipped_by_exemption(finding: Finding) -> str | None:
    """Return the exemption by which a deviation is left as it is, if there is one."""
    it = finding.exemption
    return None if it is None else f"It is exempted until {it.expires} by {it.owner}: {it.reason}"


def withhold_reason(key: str, mode: Mode) -> str | None:
    """Return that the policy wants no such action, where it does not."""
    return f"The policy says {key}: never." if mode is Mode.NEVER else None


_JUDGED = (ENABLED, NAME, FREQUENCY, *RETENTION_CONTROLS, MAXIMUM)


def change_of(subject: IndexContext, findings: Mapping[str, Finding]) -> UpdateSchedule | SkippedAction | None:
    """Return the change that an index's schedule needs, or why it is left as it is; `None` where it needs none."""
    judged = [it for name in _JUDGED if (it := findings.get(name)) is not None]
    short = [it for it in judged if it.compliance is Compliance.NON_COMPLIANT]
    unknown = [it for it in judged if it.compliance is Compliance.INSUFFICIENT_DATA]
    if subject.unsupported is not None or not (short or (unknown and subject.schedules.known)):
        return None
    exempted = [why for it in short if (why := skipped_by_exemption(it)) is not None]
    if short and len(exempted) == len(short):
        return SkippedAction(subject.name, ActionKind.CHANGE_SCHEDULE, exempted[0])
    if unknown:
        return SkippedAction(subject.name, ActionKind.CHANGE_SCHEDULE, unknown[0].reason, is_unknown=True)
    why = withhold_reason("fix_schedules", subject.project.policy.remediation.fix_schedules) or why_not_ready(
        subject.index
    )
    is_paused = not subject.schedules.enabled
    chosen = subject.schedules.known if is_paused else subject.schedules.enabled
    if why is None and len(chosen) > 1:
        state = "paused" if is_paused else "enabled"
        why = f"It has {len(chosen)} {state} schedules, and nothing tells which is to be changed."
    if why is not None:
        return SkippedAction(subject.name, ActionKind.CHANGE_SCHEDULE, why)
    because = " ".join(it.reason for it in short if it.exemption is None)
    found = _changed(subject, chosen[0], because)
    return SkippedAction(subject.name, ActionKind.CHANGE_SCHEDULE, found) if isinstance(found, str) else found


def _changed(subject: IndexContext, schedule: Schedule, because: str) -> UpdateSchedule | str | None:
    """Return the change, or why there is none; `None` where the schedule satisfies the policy."""
    accepted = accepted_controls(subject.project.policy, subject.index, subject.observed_at)
    corrections: list[ScheduleSettings] = []
    for it in shortcomings(schedule, subject.require, accepted):
        if it.correction is None:
            return f"Its schedule {label(schedule)} {it.text}; {it.obstacle}."
        corrections.append(it.correction)
    if not corrections:
        return None
    changes = reduce(ScheduleSettings.merged, corrections)
    return UpdateSchedule(
        index=subject.name,
        schedule_id=schedule.schedule_id,
        name=label(schedule),
        changes=changes,
        before=settings_of(schedule),
        slots=_slots(subject, schedule, changes),
        because=because,
    )


def _slots(subject: IndexContext, schedule: Schedule, changes: ScheduleSettings) -> int:
    """Return how many more backups it comes to hold; one that is resumed takes a backup at once."""
    quota, schedule_id, before = subject.project.quota, schedule.schedule_id, settings_of(schedule)
    held = len(quota.runs.get(schedule_id, ()))

    def most(settings: ScheduleSettings, *, with_one_now: bool = False) -> int:
        if settings.frequency is None or settings.retention is None:
            return held
        interval = settings.frequency.interval
        return quota.comes_to_hold(schedule_id, settings.retention, interval, with_one_now=with_one_now)

    after = most(changes.merged(before), with_one_now=changes.enabled is True)
    return after - (most(before) if schedule.enabled else held)


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


def candidates_of(subject: IndexContext, findings: Findings) -> Iterator[Candidate | SkippedAction]:
    """Return what would put one index right, and what is left out of that."""
    if not subject.require.schedule.required:
        return
    newest = _newest(subject)
    created = _creation(subject, findings["index-has-schedule"])
    for found in (created, change_of(subject, findings)):
        if isinstance(found, SkippedAction):
            yield found
        elif found is not None:
            yield Candidate(found, newest)
    if subject.schedules.enabled or isinstance(created, CreateSchedule):
        backup = _first_backup(subject)
        if isinstance(backup, SkippedAction):
            yield backup
        elif backup is not None:
            yield Candidate(backup, newest)


def _creation(subject: IndexContext, finding: Finding) -> CreateSchedule | SkippedAction | None:
    why: str | None
    if subject.unsupported is not None:
        why = subject.unsupported
    elif finding.compliance is Compliance.COMPLIANT:
        why = _why_beside_none(subject)
    elif finding.compliance is not Compliance.NON_COMPLIANT:
        why = finding.reason  # the plan has no schedules, or not all could be read
    else:
        why = (
            skipped_by_exemption(finding)
            or why_not_ready(subject.index)
            or withhold_reason("create_schedules", subject.project.policy.remediation.create_schedules)
        )
    if why is not None:
        is_unknown = finding.compliance is Compliance.INSUFFICIENT_DATA or bool(subject.schedules.perhaps_enabled)
        return SkippedAction(subject.name, ActionKind.CREATE_SCHEDULE, why, is_unknown and subject.unsupported is None)
    if finding.compliance is Compliance.COMPLIANT:
        return None
    wanted = target_schedule(subject.require)
    name = subject.project.policy.remediation.schedule_name
    return CreateSchedule(subject.name, name, wanted.frequency, wanted.retention, wanted.slots, finding.reason)


def _why_beside_none(subject: IndexContext) -> str | None:
    """Return why an index that has schedules, none of them enabled, gets no other; `None` where one is enabled."""
    schedules = subject.schedules
    if schedules.enabled:
        return None
    for it in schedules.perhaps_enabled:
        return f"Pinecone does not say whether its schedule {label(it)} is enabled."
    return f"It has a paused schedule, {label(schedules.known[0])}: a pause is somebody's decision."


def _first_backup(subject: IndexContext) -> CreateBackup | SkippedAction | None:
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
            elif it.phase not in {BackupPhase.FAILED, BackupPhase.PLANNED}:
                why = f"A backup of it, {it.backup.name or it.backup.backup_id}, is {it.backup.status}."
    except InsufficientDataError as error:
        why, is_unknown = error.reason, True
    if why is not None:
        return SkippedAction(subject.name, ActionKind.FIRST_BACKUP, why, is_unknown)
    name = f"{FIRST_BACKUP_PREFIX}{subject.observed_at.astimezone(UTC):%Y%m%d}"
    return CreateBackup(subject.name, name, "It has no recovery point.")


def _newest(subject: IndexContext) -> datetime:
    try:
        found = subject.backups.recovery_points
    except InsufficientDataError:
        return _EVER
    return found[0].captured_at or _EVER if found else _EVER


@dataclass(slots=True)
class QuotaBudget:
    """What fills the quota; whatever is put into it stays."""

    filled: int
    quota: int | None
    unknown: str | None
    """What is not known of what fills it, if anything."""

    def why_none_for(self, slots: int) -> str | None:
        """Return why so many more do not fit; `None` where they do."""
        if self.quota is None or not slots:
            return None
        if self.unknown is not None:
            return f"what fills the quota of {self.quota:,} backups is not known: {self.unknown}"
        left = max(0, self.quota - self.filled)
        if slots > left:
            return f"it takes {slots:,} of the quota of {self.quota:,} backups, and {left:,} are left"
        return None

    def put(self, slots: int) -> None:
        """Take so many more."""
        self.filled += slots


def quota_budget(project: ProjectContext) -> QuotaBudget:
    """Return what fills the quota: what enabled schedules come to hold, and every other backup that is listed."""
    held = project.quota
    enabled = {it.schedule.schedule_id for it in held.holdings}
    filled = sum(_most(it, held) for it in held.holdings) + held.manual.total() + held.perhaps_manual
    filled += sum(len(runs) for schedule_id, runs in held.runs.items() if schedule_id not in enabled)
    unknown = [f"what schedule {it.schedule.schedule_id} holds" for it in held.holdings if it.slots is None]
    unknown += held.unread()
    broken = project.inventory.backups.broken
    if broken is not None:
        unknown.append(f"what else there is ({broken.what}: {broken.error})")
    return QuotaBudget(filled, project.policy.project.quota, unknown[0] if unknown else None)


def _most(holding: ScheduleUsage, held: QuotaUsage) -> int:
    schedule, frequency = holding.schedule, Frequency.of(holding.schedule.frequency)
    if frequency is None or schedule.retention is None:
        return holding.least
    return held.comes_to_hold(schedule.schedule_id, schedule.retention, frequency.interval)


_ORDER = (ActionKind.CREATE_SCHEDULE, ActionKind.CHANGE_SCHEDULE, ActionKind.FIRST_BACKUP)
"""In which order the kinds take what room there is; what is only proposed comes after all that is carried out."""
_NEVER = datetime.min.replace(tzinfo=UTC)


def make_plan(
    inventory: Inventory, policy: Policy, findings: Iterable[Finding], attempts: Iterable[ActionRecord] = ()
) -> Plan:
    """Return the plan for a project. The same facts, policy, findings and earlier attempts give the same plan."""
    project = ProjectContext(inventory, policy)
    by_index: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.resource.type is ResourceType.INDEX:
            by_index.setdefault(finding.resource.name, {})[finding.control] = finding
    left_out: list[SkippedAction] = []
    candidates: list[Candidate] = []
    for facts in project.inventory.indexes:
        for found in candidates_of(IndexContext(project, facts), by_index[facts.index.name]):
            if isinstance(found, Candidate):
                candidates.append(found)
            else:
                left_out.append(found)
    room = quota_budget(project)
    slots_before = room.filled
    candidates = _in_order(candidates, policy.remediation, failed_at(attempts))
    actions = _bounded(candidates, room, policy.remediation.max_creations, left_out)
    return Plan(
        project=inventory.project,
        policy_sha256=policy.sha256,
        made_at=inventory.observed_at,
        create_schedules=policy.remediation.create_schedules,
        fix_schedules=policy.remediation.fix_schedules,
        actions=tuple(actions),
        left_out=tuple(sorted(left_out)),
        slots_before=slots_before,
        slots_after=slots_before + sum(it.slots for it in actions),
        quota=room.quota,
        project_id=inventory.project_id,
    )


def _in_order(candidates: list[Candidate], allowed: Remediation, failed: Mapping[str, datetime]) -> list[Candidate]:
    """Sort them. What failed when it was tried last, and all else of its index, is behind the rest: it may for ever."""
    behind: dict[str, datetime] = {}
    for it in candidates:
        index = it.action.index
        behind[index] = max(behind.get(index, _NEVER), failed.get(it.action.key, _NEVER))

    def place(it: Candidate) -> tuple[bool, datetime, int, tuple[datetime, str]]:
        mode = mode_of(it.action.kind, allowed.create_schedules, allowed.fix_schedules)
        return mode is not Mode.APPLY, behind[it.action.index], _ORDER.index(it.action.kind), it.order

    return sorted(candidates, key=place)


def _bounded(candidates: list[Candidate], room: QuotaBudget, most: int, left_out: list[SkippedAction]) -> list[Action]:
    """Return what fits. What only has to wait for another run keeps its room, so that nothing less urgent takes it."""
    chosen: list[Action] = []
    created = 0
    waiting: set[str] = set()
    for candidate in candidates:
        action = candidate.action
        why = room.why_none_for(action.slots)
        is_unknown = why is not None and room.unknown is not None
        if why is None:
            room.put(action.slots)
            if action.is_creation and (created >= most or action.index in waiting):
                why = (
                    f"One run creates no more than {most:,} (max_creations){'; the next run goes on' if most else ''}."
                )
                waiting.add(action.index)
        if why is not None:
            reason = f"{why[0].upper()}{why[1:].removesuffix('.')}."
            left_out.append(SkippedAction(action.index, action.kind, reason, is_unknown))
            continue
        created += action.is_creation
        chosen.append(action)
    return chosen
