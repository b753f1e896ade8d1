"""Control `planned-run-started-on-time`."""

from datetime import timedelta

from backup_auditor.domain.backup_status import BackupPhase, BackupRecord, phase_of_status
from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.index_schedules import evidence_of, interval_of, label, try_each, unread_error
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.timefmt import format_lengths, hours


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""

    def judge_one(schedule: Schedule) -> Verdict:
        runs = [it for it in subject.backups.runs(schedule) if phase_of_status(it.backup.status) is BackupPhase.PLANNED]
        answers = try_each(runs, lambda it: _lateness(subject, schedule, it))
        late = {run.backup.backup_id: lateness for run, lateness in answers.known if lateness > subject.grace}
        evidence = {**evidence_of(schedule), "grace_hours": hours(subject.grace)}
        if late:
            most = max(late.values())
            evidence |= {"late": sorted(late), "late_by_hours": hours(most)}
            shown, allowed = format_lengths(most, subject.grace)
            reason = f"A run of its schedule {label(schedule)} should have started {shown} ago, {allowed} are allowed."
            return non_compliant(reason, evidence)
        answers.need_all()
        unread = subject.backups.history_unread(schedule)
        if unread is not None:
            raise unread_error("planned runs", unread)
        return compliant(f"No planned run of its schedule {label(schedule)} is overdue.", evidence)

    return judge_enabled_schedules(subject, judge_one)


def _lateness(subject: IndexContext, schedule: Schedule, run: BackupRecord) -> timedelta:
    """Return how long ago a run was due at the latest; one that names no moment is due within an interval."""
    if run.run_at is not None:
        return subject.observed_at - run.run_at
    if run.captured_at is None:
        evidence = {**evidence_of(schedule), "backup_id": run.backup.backup_id}
        reason = f"When a planned run of its schedule {label(schedule)} is due is not known."
        raise InsufficientDataError(reason, evidence)
    return subject.observed_at - run.captured_at - interval_of(schedule)


PLANNED_RUN_STARTED_ON_TIME = Control(
    id="planned-run-started-on-time",
    title="Planned runs of enabled schedules start on time",
    fails_when="A run of an enabled schedule is still planned although it was due longer ago than the grace.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="A run that is still planned after its time is a backup that is not being made, and nothing reports it.",
    remediation="Take a backup of {name} by hand, in the console under the index's Backups tab or by"
    " POST /indexes/{name}/backups; watch whether the run starts by GET"
    " /backup-schedules/{schedule_id}/history, and ask"
    " Pinecone's support if it does not.",
    guidance=Guidance(
        looks_at="The planned runs in the history of each enabled schedule.",
        console=(
            "Open {name} and its Backups tab.",
            "Create a backup.",
            "Watch in the schedule's history whether the run starts.",
        ),
        api=(
            "POST /indexes/{name}/backups.",
            "GET /backup-schedules/{schedule_id}/history.",
        ),
        false_positives="The service may be late on a busy day: let a rule allow a longer grace.",
        frameworks=BACKED_UP,
    ),
    judge=judge,
    parameters={"runs.grace": "how late a run may start"},
)
