"""Control `recovery-points-outlast-horizon`."""

from datetime import datetime

from backup_auditor.domain.control import (
    RECOVERABLE,
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
from backup_auditor.domain.evaluation.index_schedules import interval_of, try_each
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_distance, format_length, format_minute, format_moment, hours


def is_replenished(subject: IndexContext) -> bool:
    """Tell whether an enabled schedule makes recovery points: the newest is no older than its interval and the grace.

    Raises `InsufficientDataError` where that is not known.
    """
    answers = try_each(subject.schedules.enabled, lambda it: _makes(subject, it))
    if any(makes for _, makes in answers.known):
        return True
    answers.need_all()
    subject.schedules.need_listing()
    for schedule in subject.schedules.perhaps_enabled:
        if _makes(subject, schedule):
            raise subject.schedules.doubt_about(schedule)
    return False


def _makes(subject: IndexContext, schedule: Schedule) -> bool:
    allowed = interval_of(schedule) + subject.grace
    newest = next((it.captured_at for it in subject.backups.recovery_points), None)
    if newest is not None and subject.observed_at - newest <= allowed:
        return True
    if subject.backups.undated_recovery_points:
        raise InsufficientDataError("Some of its Ready backups tell no time at which they were taken.")
    return False


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""
    backups, horizon = subject.backups, subject.require.recovery.horizon
    if horizon is None:
        return not_applicable("The policy sets no horizon for it.")
    points = [*backups.recovery_points, *backups.undated_recovery_points]
    if not points:
        backups.need_listing()
        return not_applicable("It has no recovery point.")
    expiries = [backups.expiry(it) for it in points]
    last = max((it.at for it in expiries if it.at is not None), default=None)
    never = sum(it.expires is False for it in expiries)
    unknown = sum(it.expires is not False and it.at is None for it in expiries)
    evidence: dict[str, object] = {
        "recovery_points": len(points),
        "never_expire": never,
        "unknown_expiry": unknown,
        "zero_recovery_points_at": format_moment(last) if last and not never and not unknown else None,
        "horizon_hours": hours(horizon),
    }
    if never:
        return compliant("It has a recovery point that was taken by hand: such a one never expires.", evidence)
    if last is not None and last - subject.observed_at > horizon:
        told = f"not before {format_minute(last)}" if unknown else f"on {format_minute(last)}"
        return compliant(f"Its last recovery point expires {told}, later than in {format_length(horizon)}.", evidence)
    try:
        makes_new_ones = is_replenished(subject)
    except InsufficientDataError as error:
        raise InsufficientDataError(error.reason, {**evidence, **error.evidence}) from None
    if makes_new_ones:
        return compliant("Its schedule makes new recovery points before the last one expires.", evidence)
    if last is None or unknown:
        raise InsufficientDataError("When its last recovery point expires is not known.", evidence)
    return non_compliant(_told(subject, last), evidence, rests_on=(*backups.listings, *subject.schedules.listings))


def _told(subject: IndexContext, last: datetime) -> str:
    away = last - subject.observed_at
    verb = "expires" if last > subject.observed_at else "was to expire"
    way_out = "create a schedule"
    if subject.schedules.enabled:
        way_out = "find out why its schedule makes no new one"
    elif subject.schedules.known:
        way_out = "resume the schedule"
    return (
        f"The last recovery point of `{subject.name}` {verb} on {format_minute(last)}, {format_distance(away)};"
        f" {way_out}, or take a manual backup, which never expires."
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
        frameworks=RECOVERABLE,
        corresponds_to=("AWS Config backup-recovery-point-minimum-retention-check",),
    ),
    judge=judge,
    is_judged_while_created=False,
    parameters={
        "recovery.horizon": "how long there are to be recovery points, should nothing make new ones",
        "runs.grace": "how late a run may be",
    },
)
