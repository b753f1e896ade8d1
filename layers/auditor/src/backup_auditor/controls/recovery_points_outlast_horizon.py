"""Control `recovery-points-outlast-horizon`."""

from datetime import datetime, timedelta

from backup_auditor.domain.control import RECOVERY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, find_enabled_schedule
from backup_auditor.domain.evaluation.index_backups import NO_RECOVERY_POINT_REASON, UNDATED_POINTS_REASON
from backup_auditor.domain.evaluation.index_schedules import require_interval
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_distance, format_length, format_minute, format_moment, to_hours


def _is_replenishing(subject: IndexContext, schedule: Schedule) -> bool:
    """Return whether a schedule makes recovery points: the newest is within its interval plus the grace."""
    max_age = require_interval(schedule) + subject.grace
    newest_at = subject.backups.require_newest_capture_time()
    if newest_at is not None and subject.observed_at - newest_at <= max_age:
        return True
    if subject.backups.require_undated_recovery_points():
        raise InsufficientDataError(UNDATED_POINTS_REASON)
    return False


def _evaluate(subject: IndexContext) -> Verdict:
    backups, horizon = subject.backups, subject.requirements.recovery.horizon
    if horizon is None:
        return not_applicable("The policy sets no horizon.")
    summary = backups.require_expiry_summary()
    last_known = summary.last_known
    if not summary.point_count:
        backups.require_backup_listing()
        return not_applicable(NO_RECOVERY_POINT_REASON)
    evidence: dict[str, object] = {
        "recovery_points": summary.point_count,
        "never_expire": summary.never_expiring_count,
        "unknown_expiry": summary.unknown_count,
        "last_recovery_point_expires_at": format_moment(summary.last_expires_at) if summary.last_expires_at else None,
        "horizon_hours": to_hours(horizon),
    }
    if summary.never_expiring_count:
        return compliant(
            f"The index has {pluralize(summary.never_expiring_count, 'recovery point')} without expiry (manual).",
            evidence,
        )
    if last_known is not None and last_known - subject.observed_at > horizon:
        expiry_text = f"{'not before' if summary.unknown_count else 'on'} {format_minute(last_known)}"
        return compliant(
            f"The last recovery point expires {expiry_text} (horizon: {format_length(horizon)}).", evidence
        )
    try:
        replenishing_schedule = find_enabled_schedule(subject, lambda it: _is_replenishing(subject, it))
    except InsufficientDataError as error:
        raise InsufficientDataError(error.reason, {**evidence, **error.evidence}) from None
    if replenishing_schedule is not None:
        return compliant("An enabled schedule makes new recovery points.", evidence)
    if summary.last_expires_at is None:
        raise InsufficientDataError("The expiry of the last recovery point is unknown.", evidence)
    return non_compliant(
        _describe_last_expiry(subject, summary.last_expires_at, horizon),
        evidence,
        depends_on_absence_in=(*backups.listings, *subject.schedules.listings),
    )


def _describe_last_expiry(subject: IndexContext, last_expires_at: datetime, horizon: timedelta) -> str:
    distance = last_expires_at - subject.observed_at
    verb = "expires" if last_expires_at > subject.observed_at else "was due to expire"
    cause = "there is no schedule"
    if subject.schedules.enabled_schedules:
        cause = "the schedule makes no new ones"
    elif subject.schedules.known_schedules:
        cause = "the schedule is paused"
    return (
        f"The last recovery point {verb} on {format_minute(last_expires_at)}, {format_distance(distance)}"
        f" (horizon: {format_length(horizon)}), and {cause}."
    )


RECOVERY_POINTS_OUTLAST_HORIZON = Control(
    id="recovery-points-outlast-horizon",
    title="Recovery points last beyond the horizon, or new ones are made",
    fails_when="The last recovery point expires within the horizon, and nothing makes new ones: no schedule is"
    " enabled, or the newest recovery point is older than the longest interval of the enabled schedule plus the grace"
    " period. Manual backups never expire. Indexes that are still being created are not evaluated.",
    severity=Severity.HIGH,
    family=Family.RECOVERY,
    rationale="Recovery points that are not replaced expire one after another, until the index cannot be restored.",
    remediation="Take a manual backup of {name}, which never expires, in the Backups tab of the index or with POST"
    " /indexes/{name}/backups. Then make sure that a schedule makes new ones: create one, resume it with PATCH"
    ' /backup-schedules/{schedule_id} and {"enabled": true}, or check its history for why it does not run.',
    looks_at="The expiry of every recovery point (capture time plus the retention of its schedule), the enabled"
    " schedules, and the age of the newest recovery point.",
    console=(
        "Open the Backups tab of {name}.",
        "Resume the schedule, or create one.",
        "Create a backup, if the schedule cannot run in time.",
    ),
    api=('PATCH /backup-schedules/{schedule_id} with {"enabled": true}.', "POST /indexes/{name}/backups."),
    false_positives="An index that will be deleted soon: exempt it until then.",
    frameworks=RECOVERY_FRAMEWORKS,
    corresponds_to=("AWS Config backup-recovery-point-minimum-retention-check",),
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.horizon": "how long recovery points must last if nothing makes new ones",
        "runs.grace": "how late a run may be",
    },
)
