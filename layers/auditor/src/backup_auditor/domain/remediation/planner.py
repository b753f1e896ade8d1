"""Create a remediation plan and proposals: the least protected indexes first, within the quota and the policy."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

from backup_auditor.domain.backup_status import BackupPhase
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.project import ProjectContext, QuotaUsage, ScheduleUsage
from backup_auditor.domain.finding import Compliance, Finding, InsufficientDataError, ResourceType
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.model import Frequency, Index, Schedule, ScheduleSettings
from backup_auditor.domain.policy import Mode, Policy, RemediationPolicy
from backup_auditor.domain.remediation.plan import (
    FIRST_BACKUP_PREFIX,
    Action,
    ActionKind,
    ActionRecord,
    CreateBackup,
    CreateSchedule,
    Proposal,
    RemediationPlan,
    SkippedAction,
    UpdateSchedule,
    extract_settings,
    find_failure_times,
)
from backup_auditor.domain.target_schedule import (
    ENABLED_CONTROL,
    FREQUENCY_CONTROL,
    MAX_RETENTION_CONTROL,
    NAME_CONTROL,
    RETENTION_CONTROLS,
    build_target_schedule,
    find_accepted_controls,
    find_shortcomings,
)
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import EARLIEST_MOMENT


def explain_not_ready(index: Index) -> str | None:
    """Return why an index cannot be backed up now; `None` if it is ready."""
    if index.state is None:
        return "Pinecone does not say whether the index is ready."
    return None if index.state.casefold() == "ready" else f"The index is not ready (state: {quote_text(index.state)})."


def _explain_exemption(finding: Finding) -> str | None:
    exemption = finding.exemption
    return None if exemption is None else f"Exempted by {exemption.owner} until {exemption.expires}: {exemption.reason}"


def _explain_mode_never(key: str, mode: Mode) -> str | None:
    return f"The policy sets {key} to never." if mode is Mode.NEVER else None


_CHANGE_CONTROLS = (ENABLED_CONTROL, NAME_CONTROL, FREQUENCY_CONTROL, *RETENTION_CONTROLS, MAX_RETENTION_CONTROL)


def _propose_change(subject: IndexContext, findings: Mapping[str, Finding]) -> UpdateSchedule | SkippedAction | None:
    """Return the change that the schedule of an index needs, or why it is skipped; `None` if it needs none."""

    def skip(reason: str, *, is_unknown: bool = False) -> SkippedAction:
        return SkippedAction(subject.name, ActionKind.UPDATE_SCHEDULE, reason, is_unknown)

    evaluated_findings = [it for name in _CHANGE_CONTROLS if (it := findings.get(name)) is not None]
    violations = [it for it in evaluated_findings if it.compliance is Compliance.NON_COMPLIANT]
    unknown_findings = [it for it in evaluated_findings if it.compliance is Compliance.INSUFFICIENT_DATA]
    if subject.unsupported_reason is not None or not (
        violations or (unknown_findings and subject.schedules.known_schedules)
    ):
        return None
    enabled_schedules = subject.schedules.enabled_schedules
    schedules = enabled_schedules or subject.schedules.known_schedules
    exemption_texts = [text for it in violations if (text := _explain_exemption(it)) is not None]
    if violations and len(exemption_texts) == len(violations):
        skip_reason: str | None = exemption_texts[0]
    elif unknown_findings:
        return skip(unknown_findings[0].reason, is_unknown=True)
    else:
        mode = subject.project.policy.remediation.fix_schedules
        skip_reason = _explain_mode_never("fix_schedules", mode) or explain_not_ready(subject.index)
    if skip_reason is None and len(schedules) > 1:
        state = "enabled" if enabled_schedules else "paused"
        skip_reason = f"The index has {len(schedules)} {state} schedules; it is unknown which one to change."
    if skip_reason is not None:
        return skip(skip_reason)
    schedule = schedules[0]
    accepted_ids = find_accepted_controls(subject.project.policy, subject.index, subject.observed_at)
    shortcomings = list(find_shortcomings(schedule, subject.requirements, accepted_ids))
    corrections = [it.correction for it in shortcomings if it.correction is not None]
    if len(corrections) < len(shortcomings):
        obstacle = next(it for it in shortcomings if it.correction is None)
        return skip(f"Its schedule {schedule.label} {obstacle.text}; {obstacle.obstacle}.")
    if not corrections:
        return None
    changes = reduce(ScheduleSettings.merge, corrections)
    return UpdateSchedule(
        index=subject.name,
        schedule_id=schedule.schedule_id,
        name=schedule.label,
        changes=changes,
        before=extract_settings(schedule),
        slots=_count_added_slots(subject, schedule, changes),
        reason=" ".join(it.reason for it in violations if it.exemption is None),
    )


def _count_added_slots(subject: IndexContext, schedule: Schedule, changes: ScheduleSettings) -> int:
    """Return how many more backups a changed schedule will hold. A resumed one takes a backup at once."""
    quota_usage, schedule_id = subject.project.quota_usage, schedule.schedule_id
    current_settings = extract_settings(schedule)
    current_slots = len(quota_usage.run_times.get(schedule_id, ()))

    def compute_peak(settings: ScheduleSettings, *, has_immediate_backup: bool = False) -> int:
        if settings.frequency is None or settings.retention is None:
            return current_slots
        interval = settings.frequency.interval
        return quota_usage.compute_peak_usage(
            schedule_id, settings.retention, interval, has_immediate_backup=has_immediate_backup
        )

    new_slots = compute_peak(changes.merge(current_settings), has_immediate_backup=changes.enabled is True)
    return new_slots - (compute_peak(current_settings) if schedule.enabled else current_slots)


def _find_proposals(subject: IndexContext, findings: Mapping[str, Finding]) -> Iterator[Action | SkippedAction]:
    if not subject.requirements.schedule.required:
        return
    creation = _propose_creation(subject, findings["index-has-schedule"])
    proposals: list[Action | SkippedAction | None] = [creation, _propose_change(subject, findings)]
    if subject.schedules.enabled_schedules or isinstance(creation, CreateSchedule):
        proposals.append(_propose_first_backup(subject))
    yield from (it for it in proposals if it is not None)


def _propose_creation(subject: IndexContext, finding: Finding) -> CreateSchedule | SkippedAction | None:
    reason: str | None
    if subject.unsupported_reason is not None:
        reason = subject.unsupported_reason
    elif finding.compliance is Compliance.COMPLIANT:
        reason = _explain_paused_schedules(subject)
    elif finding.compliance is not Compliance.NON_COMPLIANT:
        reason = finding.reason  # the plan has no schedules, or not all could be read
    else:
        reason = (
            _explain_exemption(finding)
            or explain_not_ready(subject.index)
            or _explain_mode_never("create_schedules", subject.project.policy.remediation.create_schedules)
        )
    if reason is not None:
        is_unknown = finding.compliance is Compliance.INSUFFICIENT_DATA or bool(
            subject.schedules.possibly_enabled_schedules
        )
        return SkippedAction(
            subject.name, ActionKind.CREATE_SCHEDULE, reason, is_unknown and subject.unsupported_reason is None
        )
    if finding.compliance is Compliance.COMPLIANT:
        return None
    target = build_target_schedule(subject.requirements)
    name = subject.project.policy.remediation.schedule_name
    return CreateSchedule(subject.name, name, target.frequency, target.retention, target.slots, finding.reason)


def _explain_paused_schedules(subject: IndexContext) -> str | None:
    """Return why an index whose schedules are all paused gets no other schedule; `None` if one is enabled."""
    schedules = subject.schedules
    if schedules.enabled_schedules:
        return None
    for schedule in schedules.possibly_enabled_schedules:
        return f"Pinecone does not say whether its schedule {schedule.label} is enabled."
    return f"Its schedule {schedules.known_schedules[0].label} is paused; remediation does not override a pause."


def _propose_first_backup(subject: IndexContext) -> CreateBackup | SkippedAction | None:
    policy = subject.project.policy
    remediation = policy.remediation
    if not remediation.first_backup or remediation.create_schedules is Mode.NEVER:
        return None
    if subject.project.find_exemption("index-has-recovery-point", subject.resource) is not None:
        return None
    backups, is_unknown = subject.backups, False
    try:
        backups.require_backup_listing()
        if backups.require_recovery_points() or backups.require_undated_recovery_points():
            return None
        reason = explain_not_ready(subject.index)
        for record in backups.require_backups():
            if record.backup.name is not None and record.backup.name.startswith(FIRST_BACKUP_PREFIX):
                reason = f"Its first backup {record.backup.name} exists already ({record.backup.status})."
            elif record.phase not in {BackupPhase.FAILED, BackupPhase.SCHEDULED}:
                reason = f"Its backup {record.backup.label} is {record.backup.status}."
    except InsufficientDataError as error:
        reason, is_unknown = error.reason, True
    if reason is not None:
        return SkippedAction(subject.name, ActionKind.FIRST_BACKUP, reason, is_unknown)
    name = f"{FIRST_BACKUP_PREFIX}{subject.observed_at.astimezone(UTC):%Y%m%d}"
    return CreateBackup(subject.name, name, "The index has no recovery point.")


def _find_newest_capture_time(subject: IndexContext) -> datetime:
    """Return the capture time of the newest recovery point; the earliest possible time if none is known."""
    try:
        return subject.backups.require_newest_capture_time() or EARLIEST_MOMENT
    except InsufficientDataError:
        return EARLIEST_MOMENT


@dataclass(slots=True)
class QuotaBudget:
    """The used part of the quota, and what the actions of a plan reserve."""

    used_slots: int
    quota: int | None
    unknown_reason: str | None
    """Which part of the usage is unknown, if any."""

    def explain_shortage(self, slots: int) -> str | None:
        """Return why so many more backups do not fit; `None` if they do."""
        if self.quota is None or not slots:
            return None
        if self.unknown_reason is not None:
            return f"The usage of the quota of {self.quota:,} backups is unknown: {self.unknown_reason}."
        free_slots = max(0, self.quota - self.used_slots)
        if slots > free_slots:
            return f"It needs {slots:,} backups of the quota; {free_slots:,} of {self.quota:,} are free."
        return None


def build_quota_budget(project: ProjectContext) -> QuotaBudget:
    """Return the budget of a project: what enabled schedules will hold and every other listed backup are used."""
    quota_usage = project.quota_usage
    enabled_ids = {it.schedule.schedule_id for it in quota_usage.schedule_usages}
    other_run_counts = (len(runs) for key, runs in quota_usage.run_times.items() if key not in enabled_ids)
    used_slots = (
        sum(_compute_peak_usage(it, quota_usage) for it in quota_usage.schedule_usages)
        + sum(other_run_counts)
        + quota_usage.manual_counts.total()
        + quota_usage.possibly_manual_count
    )
    unknown_reasons = [
        f"how many backups schedule {it.schedule.schedule_id} holds"
        for it in quota_usage.schedule_usages
        if it.slots is None
    ]
    unknown_reasons += quota_usage.describe_unknown_usage()
    failure = project.inventory.backups.failure
    if failure is not None:
        unknown_reasons.append(f"not all backups could be read ({failure})")
    return QuotaBudget(used_slots, project.policy.project.quota, unknown_reasons[0] if unknown_reasons else None)


def _compute_peak_usage(usage: ScheduleUsage, quota_usage: QuotaUsage) -> int:
    schedule, frequency = usage.schedule, Frequency.parse(usage.schedule.frequency)
    if frequency is None or schedule.retention is None:
        return usage.min_slots
    return quota_usage.compute_peak_usage(schedule.schedule_id, schedule.retention, frequency.interval)


def make_plan(
    inventory: Inventory, policy: Policy, findings: Iterable[Finding], attempts: Iterable[ActionRecord] = ()
) -> RemediationPlan:
    """Return the plan for a project. The same facts, policy, findings and attempts give the same plan."""
    project = ProjectContext(inventory, policy)
    findings_by_index: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.resource.type is ResourceType.INDEX:
            findings_by_index.setdefault(finding.resource.name, {})[finding.control] = finding
    skipped_actions: list[SkippedAction] = []
    candidates: list[tuple[datetime, Action]] = []
    for facts in project.inventory.indexes:
        subject = IndexContext(project, facts)
        for proposal in _find_proposals(subject, findings_by_index[subject.name]):
            if isinstance(proposal, SkippedAction):
                skipped_actions.append(proposal)
            else:
                candidates.append((_find_newest_capture_time(subject), proposal))
    budget = build_quota_budget(project)
    slots_before = budget.used_slots
    sorted_actions = _sort_actions(candidates, policy.remediation, find_failure_times(attempts))
    actions = _select_actions(sorted_actions, budget, policy.remediation.max_creations, skipped_actions)
    return RemediationPlan(
        project=inventory.project,
        policy_sha256=policy.sha256,
        created_at=inventory.observed_at,
        create_schedules=policy.remediation.create_schedules,
        fix_schedules=policy.remediation.fix_schedules,
        actions=tuple(actions),
        skipped_actions=tuple(sorted(skipped_actions)),
        slots_before=slots_before,
        slots_after=slots_before + sum(it.slots for it in actions),
        quota=budget.quota,
        project_id=inventory.project_id,
    )


def _sort_actions(
    candidates: list[tuple[datetime, Action]], remediation: RemediationPolicy, failure_times: Mapping[str, datetime]
) -> list[Action]:
    """Return the actions in order. Those of an index whose last attempt failed come later: it may fail again.

    Of the others, those of the least protected index come first: its newest capture time is the oldest. Actions that
    are only proposed come last.
    """
    latest_failures: dict[str, datetime] = {}
    for _, action in candidates:
        failed_at = failure_times.get(action.key, EARLIEST_MOMENT)
        latest_failures[action.index] = max(latest_failures.get(action.index, EARLIEST_MOMENT), failed_at)

    def build_sort_key(candidate: tuple[datetime, Action]) -> tuple[bool, datetime, int, datetime, str]:
        captured_at, action = candidate
        mode = remediation.create_schedules if action.is_creation else remediation.fix_schedules
        kind_position = tuple(ActionKind).index(action.kind)
        return mode is not Mode.APPLY, latest_failures[action.index], kind_position, captured_at, action.index

    return [action for _, action in sorted(candidates, key=build_sort_key)]


def _select_actions(
    sorted_actions: list[Action], budget: QuotaBudget, max_creations: int, skipped_actions: list[SkippedAction]
) -> list[Action]:
    """Return the actions that fit. One that has to wait for the next run keeps its slots for then."""
    actions: list[Action] = []
    creation_count = 0
    waiting_indexes: set[str] = set()
    for action in sorted_actions:
        obstacle = budget.explain_shortage(action.slots)
        is_unknown = obstacle is not None and budget.unknown_reason is not None
        if obstacle is None:
            budget.used_slots += action.slots
            if action.is_creation and (creation_count >= max_creations or action.index in waiting_indexes):
                next_run = "; the next run continues" if max_creations else ""
                obstacle = f"The limit of creations per run is {max_creations:,} (max_creations){next_run}."
                waiting_indexes.add(action.index)
        if obstacle is not None:
            skipped_actions.append(SkippedAction(action.index, action.kind, obstacle, is_unknown))
            continue
        creation_count += action.is_creation
        actions.append(action)
    return actions


def make_proposals(inventory: Inventory, policy: Policy, findings: Iterable[Finding]) -> tuple[Proposal, ...] | None:
    """Return the actions that correct a project, the least protected index first; `None` if the policy wants none.

    Nothing is proposed for a project whose indexes are unknown, or that is not the expected one.
    """
    remediation = policy.remediation
    if {remediation.create_schedules, remediation.fix_schedules} == {Mode.NEVER}:
        return None
    all_findings = tuple(findings)
    if inventory.indexes_failure is not None or any(map(_is_of_another_project, all_findings)):
        return ()
    plan = make_plan(inventory, policy, all_findings)
    return tuple(
        Proposal(
            plan_id=plan.plan_id,
            kind=it.kind,
            index=it.index,
            mode=plan.find_mode(it.kind).value,
            reason=it.reason,
            method=it.call.method,
            path=it.call.path,
            body=it.call.body,
        )
        for it in plan.actions
    )


def _is_of_another_project(finding: Finding) -> bool:
    return finding.control == "project-is-expected" and finding.compliance is Compliance.NON_COMPLIANT
