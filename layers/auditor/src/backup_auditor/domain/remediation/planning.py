"""Makes a plan of what was read and judged: the worst protected first, within the quota and the policy's bounds."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from backup_auditor.domain.finding import Finding, ResourceType
from backup_auditor.domain.index_subject import IndexSubject
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.policy import Mode, Policy, Remediation
from backup_auditor.domain.project_subject import ProjectSubject
from backup_auditor.domain.remediation.actions import Action, Kind
from backup_auditor.domain.remediation.candidates import Candidate, candidates_of
from backup_auditor.domain.remediation.plan import LeftOut, Plan, mode_of
from backup_auditor.domain.remediation.record import ActionRecord, failed_at
from backup_auditor.domain.remediation.room import Room, room_of

_ORDER = (Kind.CREATE_SCHEDULE, Kind.CHANGE_SCHEDULE, Kind.FIRST_BACKUP)
"""In which order the kinds take what room there is; what is only proposed comes after all that is carried out."""
_NEVER = datetime.min.replace(tzinfo=UTC)


def plan_of(
    inventory: Inventory, policy: Policy, findings: Iterable[Finding], attempts: Iterable[ActionRecord] = ()
) -> Plan:
    """Return the plan for a project. The same facts, policy, findings and earlier attempts give the same plan."""
    project = ProjectSubject(inventory, policy)
    by_index: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if finding.resource.type is ResourceType.INDEX:
            by_index.setdefault(finding.resource.name, {})[finding.control] = finding
    left_out: list[LeftOut] = []
    candidates: list[Candidate] = []
    for facts in project.inventory.indexes:
        for found in candidates_of(IndexSubject(project, facts), by_index[facts.index.name]):
            if isinstance(found, Candidate):
                candidates.append(found)
            else:
                left_out.append(found)
    room = room_of(project)
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


def _bounded(candidates: list[Candidate], room: Room, most: int, left_out: list[LeftOut]) -> list[Action]:
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
            left_out.append(LeftOut(action.index, action.kind, reason, is_unknown))
            continue
        created += action.is_creation
        chosen.append(action)
    return chosen
