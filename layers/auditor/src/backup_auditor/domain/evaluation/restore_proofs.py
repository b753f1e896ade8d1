"""The recorded restore drills of one live index."""

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.project_state import KnownDrill
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, format_moment, to_hours
from backup_auditor.domain.verdict import InsufficientDataError


def require_drills(subject: IndexContext) -> list[KnownDrill]:
    """Return the drills of the live index with a result, newest first. Drills that ended after the audit do not count.

    Raises `InsufficientDataError` if drills are recorded under its name and its live id is unknown.
    """
    live_id, state = subject.backups.live_id, subject.project.state
    if live_id.unknown_reason is not None and any(it.index_name == subject.name for it in state.drills.values()):
        subject.backups.require_live_id()
    index_id = live_id.id or subject.project.find_presumed_id(subject.name)
    ended_drills = [
        (it.ended_at, it.drill_id, it)
        for it in state.drills.values()
        if it.index_id == index_id and it.ended_at is not None and it.ended_at - subject.observed_at <= CLOCK_TOLERANCE
    ]
    return [it for _, _, it in sorted(ended_drills, key=lambda key: key[:2], reverse=True)]


def require_earlier_audit(subject: IndexContext, evidence: Evidence) -> None:
    """Raise `InsufficientDataError` if no earlier complete audit is recorded, so that earlier drills are unknown.

    The audit itself does not count, so that the same audit again has the same result.
    """
    state, observed_at = subject.project.state, subject.observed_at
    is_audited_before = (state.complete_at is not None and state.complete_at < observed_at) or any(
        it.is_complete for it in state.find_history_before(observed_at)
    )
    if not is_audited_before:
        raise InsufficientDataError("No earlier audit is recorded, so earlier restore drills are unknown.", evidence)


def build_drill_evidence(drill: KnownDrill | None) -> Evidence | None:
    """Return a drill as evidence; `None` without one."""
    if drill is None:
        return None
    return {
        "drill_id": drill.drill_id,
        "backup_id": drill.backup_id,
        "result": drill.result,
        "ended_at": format_moment(drill.ended_at) if drill.ended_at else None,
        "restore_hours": None if drill.restore_time is None else to_hours(drill.restore_time),
    }
