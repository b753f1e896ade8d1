"""Control `scheduled-runs-are-continuous`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext, for_each_enabled_schedule
from backup_auditor.domain.evaluation.index_schedules import build_settings_evidence, create_read_failure_error
from backup_auditor.domain.evaluation.run_gaps import RunGaps
from backup_auditor.domain.finding import InsufficientDataError, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_lengths, format_minute, format_moment, to_hours


@for_each_enabled_schedule
def _evaluate(subject: IndexContext, schedule: Schedule) -> Verdict:
    settings_history = subject.project.settings_histories[schedule.schedule_id]
    run_gaps = RunGaps(
        schedule, subject.backups.find_runs(schedule), subject.observed_at, subject.grace, settings_history
    )
    gaps = run_gaps.find_gaps()
    evidence: dict[str, object] = {
        **schedule.identity,
        "runs": len(run_gaps.run_times),
        "gaps": len(gaps),
        "limit_hours": to_hours(run_gaps.max_interval),
    }
    if gaps:
        widest_gap = max(gaps, key=lambda gap: (gap.length, gap.start))
        evidence |= {
            "missing_runs": sum(it.missing_runs for it in gaps),
            "from": format_moment(widest_gap.start),
            "to": format_moment(widest_gap.end),
            "gap_hours": to_hours(widest_gap.length),
            "frequency": widest_gap.frequency,
            "limit_hours": to_hours(widest_gap.max_length),
            "settings": [build_settings_evidence(it) for it in settings_history.find_settings_since(run_gaps.since)],
        }
        gap_text, limit_text = format_lengths(widest_gap.length, widest_gap.max_length)
        reason = (
            f"Schedule {schedule.label} did not run for {gap_text} from {format_minute(widest_gap.start)}"
            f" (limit: {limit_text}; {pluralize(len(gaps), 'gap')})."
        )
        return non_compliant(reason, evidence, depends_on_absence_in=subject.backups.find_history_listings([schedule]))
    failure = subject.backups.find_history_failure(schedule)
    if failure is not None and not run_gaps.is_covered:
        raise create_read_failure_error(f"runs of schedule {schedule.label}", failure)
    if run_gaps.undated_count and not run_gaps.is_covered:
        raise InsufficientDataError(f"Some runs of schedule {schedule.label} have no capture time.", evidence)
    return compliant(_describe_compliance(schedule, run_gaps), evidence)


def _describe_compliance(schedule: Schedule, run_gaps: RunGaps) -> str:
    schedule_label = schedule.label
    if not run_gaps.run_times:
        return f"The first run of schedule {schedule_label} is not due yet."
    if run_gaps.longest_interval <= run_gaps.max_interval:
        return f"The runs of schedule {schedule_label} are at most {format_length(run_gaps.max_interval)} apart."
    gap_text, limit_text = format_lengths(run_gaps.longest_interval, run_gaps.max_interval)
    return (
        f"The runs of schedule {schedule_label} are up to {gap_text} apart (current limit: {limit_text}); the schedule"
        " was slower or paused then, or may have been before the first audit."
    )


SCHEDULED_RUNS_ARE_CONTINUOUS = Control(
    id="scheduled-runs-are-continuous",
    title="No run of an enabled schedule is missing",
    fails_when="Two consecutive runs of an enabled schedule, or its last run and now, are further apart than its"
    " longest interval plus the grace period. The time from its creation to its first run counts if an audit saw the"
    " schedule within a day of its creation. The control checks the last 14 intervals, but nothing before the"
    " schedule's creation, and nothing older than its retention. It uses the settings that audits recorded at the time."
    " A failed run counts as a run; planned runs and manual backups do not.",
    severity=Severity.HIGH,
    family=Family.RUNS,
    rationale="Each skipped run is a day that cannot be restored. A schedule that skips runs may stop altogether.",
    remediation="Take a backup of {name} now, in the Backups tab of the index or with POST /indexes/{name}/backups."
    " Check with GET /backup-schedules/{schedule_id}/history why runs did not start (a pause, the project's quota,"
    " the schedule's name), and contact Pinecone support if there is no reason.",
    looks_at="The history of each enabled schedule, over its last 14 intervals.",
    console=(
        "Open the Backups tab of {name}.",
        "Check the schedule's history for the gap in the evidence.",
        "Create a backup, if the gap is still open.",
    ),
    api=(
        "GET /backup-schedules/{schedule_id}/history.",
        "POST /indexes/{name}/backups.",
    ),
    false_positives="A schedule that was paused and resumed between two audits.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"runs.grace": "how late a run may be"},
)
