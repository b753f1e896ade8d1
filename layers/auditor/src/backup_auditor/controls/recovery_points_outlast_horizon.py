"""Control `recovery-points-outlast-horizon`."""

from datetime import datetime

from backup_auditor.domain.control import (
    RECOVERY_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import require_interval, try_each
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_distance, format_length, format_minute, format_moment, to_hours


def is_replenished(subject: IndexContext) -> bool:
    """Tell whether an enabled schedule makes recovery points: the newest is no older than its interval and the grace.

    Raises `InsufficientDataError` where that is not known.
    """
    results = try_each(subject.schedules.enabled_schedules, lambda it: _is_replenishing(subject, it))
    if any(is_replenishing for _, is_replenishing in results.results):
        return True
    results.require_complete()
    subject.schedules.require_listing()
    for schedule in subject.schedules.possibly_enabled_schedules:
        if _is_replenishing(subject, schedule):
            raise subject.schedules.create_unknown_enabled_error(schedule)
    return False


def _is_replenishing(subject: IndexContext, schedule: Schedule) -> bool:
    max_age = require_interval(schedule) + subject.grace
    newest_at = next((it.captured_at for it in subject.backups.recovery_points), None)
    if newest_at is not None and subject.observed_at - newest_at <= max_age:
        return True
    if subject.backups.undated_recovery_points:
        raise InsufficientDataError("Some of its Ready backups tell no time at which they were taken.")
    return False


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, horizon = subject.backups, subject.requirements.recovery.horizon
    if horizon is None:
        return not_applicable("The policy sets no horizon for it.")
    recovery_points = [*backups.recovery_points, *backups.undated_recovery_points]
    if not recovery_points:
        backups.require_backup_listing()
        return not_applicable("It has no recovery point.")
    expiries = [backups.find_expiry(it) for it in recovery_points]
    last_expires_at = max((it.expires_at for it in expiries if it.expires_at is not None), default=None)
    never_expiring_count = sum(it.expires is False for it in expiries)
    unknown_count = sum(it.expires is not False and it.expires_at is None for it in expiries)
    evidence: dict[str, object] = {
        "recovery_points": len(recovery_points),
        "never_expire": never_expiring_count,
        "unknown_expiry": unknown_count,
        "last_recovery_point_expires_at": format_moment(last_expires_at)
        if last_expires_at and not never_expiring_count and not unknown_count
        else None,
        "horizon_hours": to_hours(horizon),
    }
    if never_expiring_count:
        return compliant("It has a recovery point that was taken by hand: such a one never expires.", evidence)
    if last_expires_at is not None and last_expires_at - subject.observed_at > horizon:
        expiry_text = (
            f"not before {format_minute(last_expires_at)}" if unknown_count else f"on {format_minute(last_expires_at)}"
        )
        return compliant(
            f"Its last recovery point expires {expiry_text}, later than in {format_length(horizon)}.", evidence
        )
    try:
        has_new_points = is_replenished(subject)
    except InsufficientDataError as error:
        raise InsufficientDataError(error.reason, {**evidence, **error.evidence}) from None
    if has_new_points:
        return compliant("Its schedule makes new recovery points before the last one expires.", evidence)
    if last_expires_at is None or unknown_count:
        raise InsufficientDataError("When its last recovery point expires is not known.", evidence)
    return non_compliant(
        _describe_last_expiry(subject, last_expires_at),
        evidence,
        depends_on_absence_in=(*backups.listings, *subject.schedules.listings),
    )


def _describe_last_expiry(subject: IndexContext, last_expires_at: datetime) -> str:
    distance = last_expires_at - subject.observed_at
    verb = "expires" if last_expires_at > subject.observed_at else "was to expire"
    remedy = "create a schedule"
    if subject.schedules.enabled_schedules:
        remedy = "find out why its schedule makes no new one"
    elif subject.schedules.known_schedules:
        remedy = "resume the schedule"
    return (
        f"The last recovery point of `{subject.name}` {verb} on"
        f" {format_minute(last_expires_at)}, {format_distance(distance)};"
        f" {remedy}, or take a manual backup, which never expires."
    )


RECOVERY_POINTS_OUTLAST_HORIZON = Control(
    id="recovery-points-outlast-horizon",
    title="The recovery points of every index outlast the horizon, or new ones are being made",
    fails_when="The last recovery point expires within the horizon and nothing makes new ones: no schedule is enabled,"
    " or the newest recovery point is older than the longest interval of the enabled one and the grace. A manual"
    " backup never expires. An index that is still being created is not judged.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="Recovery points that are not replaced expire one after the other, and then nothing can be restored.",
    remediation="Take a backup of {name} by hand, which never expires: in the console under the index's Backups tab, or"
    " by POST /indexes/{name}/backups; then see that a schedule makes new ones: create one, resume it by PATCH"
    ' /backup-schedules/{schedule_id} with {"enabled": true}, or look in its history for why it does not run.',
    guidance=Guidance(
        looks_at="The expiry of every recovery point (capture time and the present retention of its schedule), the"
        " enabled schedules, and the age of the newest recovery point.",
        console=(
            "Open {name} and its Backups tab.",
            "Resume the schedule, or create one.",
            "Create a backup, if the schedule cannot run in time.",
        ),
        api=('PATCH /backup-schedules/{schedule_id} with {"enabled": true}.', "POST /indexes/{name}/backups."),
        false_positives="An index that is about to be deleted: exempt it until then.",
        frameworks=RECOVERY_FRAMEWORKS,
        corresponds_to=("AWS Config backup-recovery-point-minimum-retention-check",),
    ),
    evaluate=evaluate,
    is_evaluated_while_initializing=False,
    parameters={
        "recovery.horizon": "how long there are to be recovery points, should nothing make new ones",
        "runs.grace": "how late a run may be",
    },
)
