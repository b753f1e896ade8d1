"""The recorded restore drills of one live index."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.results import MAX_RESTORES, EndedDrill, IndexDrills, RunningDrill
from backup_auditor.domain.finding import Evidence, InsufficientDataError
from backup_auditor.domain.model import Deployment
from backup_auditor.domain.project_state import DrillResult, KnownDrill
from backup_auditor.domain.timefmt import CLOCK_TOLERANCE, format_moment, shift_moment, to_seconds

PROOF_CONTROL = "restore-is-proven"
"""The control whose exemptions also leave an index out of the drills."""
_DUE_SHARE = 0.75
"""An index is due when this share of the time has passed: before its proof is too old, and with time to try again."""


def require_drills(subject: IndexContext) -> list[KnownDrill]:
    """Return the drills of the live index with a result, newest first. Drills that ended after the audit do not count.

    Raises `InsufficientDataError` if drills are recorded under its name and its live id is unknown.
    """
    ended_drills = [
        (it.ended_at, it.drill_id, it)
        for it in _require_recorded_drills(subject)
        if it.ended_at is not None and _is_past(it.ended_at, subject)
    ]
    return [it for _, _, it in sorted(ended_drills, key=lambda key: key[:2], reverse=True)]


def _require_recorded_drills(subject: IndexContext) -> Sequence[KnownDrill]:
    live_id, project = subject.backups.live_id, subject.project
    if live_id.unknown_reason is not None and subject.name in project.names_with_drills:
        subject.backups.require_live_id()
    return project.drills_by_index_id.get(live_id.id or project.find_presumed_id(subject.name) or "", ())


def _is_past(moment: datetime, subject: IndexContext) -> bool:
    return moment - subject.observed_at <= CLOCK_TOLERANCE


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
        "restore_seconds": to_seconds(drill.restore_time),
    }


def find_unreadable_reason(subject: IndexContext) -> str | None:
    """Return why the records of an index cannot be read from here; `None` if they can."""
    if subject.index.deployment is Deployment.BYOC:
        return "A BYOC index is read only from its own network, so it is restored and not read."
    return None


def find_last_success(subject: IndexContext, drills: Iterable[KnownDrill]) -> KnownDrill | None:
    """Return the newest drill after which the next one can wait, of drills with a result, newest first.

    It is one that passed. No drill of an index passes whose records cannot be read from here: there a completed restore
    is enough.
    """
    is_readable = find_unreadable_reason(subject) is None
    return next(
        (it for it in drills if it.result is DrillResult.PASSED or (not is_readable and it.restore_time is not None)),
        None,
    )


def compute_due_time(succeeded_at: datetime, within: timedelta) -> datetime:
    """Return when the next drill of an index is due, by the end of its last success and by how long a proof counts."""
    return shift_moment(succeeded_at, within * _DUE_SHARE)


def summarize_drills(subject: IndexContext) -> IndexDrills | None:
    """Return the drills of an index for the report; `None` if none is recorded and the policy requires none."""
    recovery = subject.requirements.recovery
    is_excluded = subject.unsupported_reason is not None or subject.name in subject.project.leftover_indexes.values()
    within = None if is_excluded else recovery.restore_drill_within
    limits = IndexDrills(subject.resource, restore_drill_within=within, max_restore_time=recovery.max_restore_time)
    try:
        recorded_drills = _require_recorded_drills(subject)
    except InsufficientDataError as error:
        return replace(limits, unknown_reason=error.reason)
    if not recorded_drills and within is None:
        return None
    drills = require_drills(subject)
    ended_drills = [it for drill in drills if (it := _build_ended_drill(drill)) is not None]
    last_proof = next((it for it in ended_drills if it.result is DrillResult.PASSED), None)
    restores = [it for it in ended_drills if it.restore_time is not None][:MAX_RESTORES]
    leftover_indexes = subject.project.leftover_indexes
    return replace(
        limits,
        last_proof=last_proof,
        last_drill=ended_drills[0] if ended_drills else None,
        running_drill=_find_running_drill(subject, recorded_drills),
        restores=tuple(reversed(restores)),
        due_at=_find_due_time(subject, within, find_last_success(subject, drills)),
        leftover_indexes=tuple(
            sorted(leftover_indexes[it.drill_id] for it in recorded_drills if it.drill_id in leftover_indexes)
        ),
    )


def _build_ended_drill(drill: KnownDrill) -> EndedDrill | None:
    if drill.result is None or drill.ended_at is None:
        return None
    return EndedDrill(
        drill.drill_id, drill.backup_id, drill.result, drill.started_at, drill.ended_at, drill.restore_time
    )


def _find_running_drill(subject: IndexContext, drills: Sequence[KnownDrill]) -> RunningDrill | None:
    """Return the running drill of an index that started last, if one runs."""
    running_drills = [it for it in drills if it.is_running(subject.observed_at) and _is_past(it.started_at, subject)]
    drill = max(running_drills, key=lambda it: (it.started_at, it.drill_id), default=None)
    if drill is None:
        return None
    return RunningDrill(drill.drill_id, drill.backup_id, drill.target_name, drill.started_at, drill.ends_by)


def _find_due_time(subject: IndexContext, within: timedelta | None, last_success: KnownDrill | None) -> datetime | None:
    if within is None or subject.project.find_exemption(PROOF_CONTROL, subject.resource) is not None:
        return None
    if last_success is None or last_success.ended_at is None:
        return subject.observed_at
    return compute_due_time(last_success.ended_at, within)
