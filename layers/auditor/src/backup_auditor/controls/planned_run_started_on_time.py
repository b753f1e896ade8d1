"""Control `planned-run-started-on-time`."""

from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, parse_phase
from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.evaluation.index_schedules import create_read_failure_error, require_interval, try_each
from backup_auditor.domain.finding import InsufficientDataError, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_lengths, to_hours


@for_each_enabled_schedule
def _evaluate(subject: IndexContext, schedule: Schedule) -> Verdict:
    planned_runs = [
        it for it in subject.backups.find_runs(schedule) if parse_phase(it.backup.status) is BackupPhase.SCHEDULED
    ]
    results = try_each(planned_runs, lambda it: _measure_lateness(subject, schedule, it))
    lateness_by_id = {run.backup.backup_id: lateness for run, lateness in results.results if lateness > subject.grace}
    evidence = {**schedule.identity, "grace_hours": to_hours(subject.grace)}
    if lateness_by_id:
        max_lateness = max(lateness_by_id.values())
        evidence |= {"late": sorted(lateness_by_id), "late_by_hours": to_hours(max_lateness)}
        lateness_text, limit_text = format_lengths(max_lateness, subject.grace)
        reason = f"A planned run of schedule {schedule.label} is {lateness_text} late (limit: {limit_text})."
        return non_compliant(reason, evidence)
    results.require_complete()
    failure = subject.backups.find_history_failure(schedule)
    if failure is not None:
        raise create_read_failure_error("planned runs", failure)
    return compliant(f"No planned run of schedule {schedule.label} is overdue.", evidence)


def _measure_lateness(subject: IndexContext, schedule: Schedule, run: BackupRecord) -> timedelta:
    """Return how long ago a run was due at the latest; a run without a time is due within one interval."""
    if run.run_at is not None:
        return subject.observed_at - run.run_at
    if run.captured_at is None:
        evidence = {**schedule.identity, "backup_id": run.backup.backup_id}
        reason = f"The due time of a planned run of schedule {schedule.label} is unknown."
        raise InsufficientDataError(reason, evidence)
    return subject.observed_at - run.captured_at - require_interval(schedule)


PLANNED_RUN_STARTED_ON_TIME = Control(
    id="planned-run-started-on-time",
    title="Planned runs of enabled schedules start on time",
    fails_when="A run of an enabled schedule is still planned more than the grace period after it was due.",
    severity=Severity.HIGH,
    family=Family.RUNS,
    rationale="A run that does not start makes no backup, and Pinecone does not report it.",
    remediation="Take a backup of {name} now, in the Backups tab of the index or with POST /indexes/{name}/backups."
    " Check with GET /backup-schedules/{schedule_id}/history whether the run starts; contact Pinecone support if it"
    " does not.",
    looks_at="The planned runs in the history of each enabled schedule.",
    console=(
        "Open the Backups tab of {name}.",
        "Create a backup.",
        "Check in the schedule's history whether the run starts.",
    ),
    api=(
        "POST /indexes/{name}/backups.",
        "GET /backup-schedules/{schedule_id}/history.",
    ),
    false_positives="The service may be late on a busy day: add a rule with a longer grace period.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"runs.grace": "how late a run may start"},
)
