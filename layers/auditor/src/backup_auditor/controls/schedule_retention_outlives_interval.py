"""Control `schedule-retention-outlives-interval`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.evaluation.index_schedules import (
    build_retention_evidence,
    describe_retention,
    require_interval,
    require_retention,
)
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_length, to_days


@for_each_enabled_schedule
def _evaluate(_: IndexContext, schedule: Schedule) -> Verdict:
    interval = require_interval(schedule)
    evidence = {**build_retention_evidence(schedule), "interval_days": to_days(interval)}
    reason = f"{describe_retention(schedule)}, and its runs are up to {format_length(interval)} apart"
    if require_retention(schedule) <= interval:
        return non_compliant(f"{reason}, so there are times without a backup.", evidence)
    return compliant(f"{reason}.", evidence)


SCHEDULE_RETENTION_OUTLIVES_INTERVAL = Control(
    id="schedule-retention-outlives-interval",
    title="Enabled schedules keep each backup until the next one is made",
    fails_when="The retention of an enabled schedule is not longer than its longest interval: 1 day, 7 days, or 31"
    " days for a monthly schedule.",
    severity=Severity.CRITICAL,
    family=Family.SCHEDULES,
    rationale="If a backup expires before the next one is made, the index cannot be restored on the days between.",
    remediation="Set a retention of the schedule of {name} that is longer than its interval, or increase its"
    " frequency, in the Backups tab of the index or with PATCH /backup-schedules/{schedule_id}.",
    looks_at="The retention and the frequency of each enabled schedule.",
    console=(
        "Open the Backups tab of {name}.",
        "Edit the schedule: lengthen its retention, or choose a higher frequency.",
    ),
    api=(
        (
            'PATCH /backup-schedules/{schedule_id} with {"retention": {"expire_after_days": DAYS}} for a longer'
            " retention."
        ),
        'PATCH /backup-schedules/{schedule_id} with {"frequency": "FREQUENCY"} for more runs.',
    ),
    false_positives="None: days without a backup are certain. Manual backups may cover them, but nothing"
    " guarantees it.",
    frameworks=BACKUP_FRAMEWORKS,
    corresponds_to=("AWS Config backup-plan-min-frequency-and-min-retention-check",),
    evaluate=_evaluate,
)
