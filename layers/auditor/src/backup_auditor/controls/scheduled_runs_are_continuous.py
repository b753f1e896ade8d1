"""Control `scheduled-runs-are-continuous`."""

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
from backup_auditor.domain.evaluation.index_schedules import evidence_of, label, settings_evidence, unread_error
from backup_auditor.domain.evaluation.run_gaps import RunGaps
from backup_auditor.domain.evaluation.schedule_checks import judge_enabled_schedules
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import pluralize
from backup_auditor.domain.timefmt import format_length, format_lengths, format_moment, format_to_second, hours


def judge(subject: IndexContext) -> Verdict:
    """Judge one index."""

    def judge_one(schedule: Schedule) -> Verdict:
        settings = subject.project.settings[schedule.schedule_id]
        seen = RunGaps(schedule, subject.backups.runs(schedule), subject.observed_at, subject.grace, settings)
        gaps = seen.gaps()
        evidence: dict[str, object] = {
            **evidence_of(schedule),
            "runs": len(seen.runs),
            "gaps": len(gaps),
            "allowed_hours": hours(seen.allowed),
        }
        if gaps:
            widest = max(gaps, key=lambda gap: (gap.length, gap.start))
            evidence |= {
                "missing_runs": sum(it.missing for it in gaps),
                "from": format_moment(widest.start),
                "to": format_moment(widest.end),
                "gap_hours": hours(widest.length),
                "frequency": widest.frequency,
                "allowed_hours": hours(widest.allowed),
                "settings": [settings_evidence(it) for it in settings.since(seen.since)],
            }
            shown, allowed = format_lengths(widest.length, widest.allowed)
            reason = (
                f"Its schedule {label(schedule)} did not run for {shown} from"
                f" {format_to_second(widest.start)}, {allowed} are allowed"
                f" ({pluralize(len(gaps), 'gap')})."
            )
            return non_compliant(reason, evidence, rests_on=subject.backups.history_listings([schedule]))
        unread = subject.backups.history_unread(schedule)
        if unread is not None and not seen.is_covered:
            raise unread_error(f"runs of schedule {label(schedule)}", unread)
        if seen.has_undated and not seen.is_covered:
            raise InsufficientDataError(f"Some runs of its schedule {label(schedule)} tell no time.", evidence)
        return compliant(_why_compliant(schedule, seen), evidence)

    return judge_enabled_schedules(subject, judge_one)


def _why_compliant(schedule: Schedule, seen: RunGaps) -> str:
    name = label(schedule)
    if not seen.runs:
        return f"The first run of its schedule {name} is not yet due."
    if seen.widest <= seen.allowed:
        return f"The runs of its schedule {name} are never more than {format_length(seen.allowed)} apart."
    shown, allowed = format_lengths(seen.widest, seen.allowed)
    return (
        f"The runs of its schedule {name} are up to {shown} apart ({allowed} are allowed now), which a slower frequency"
        " or a pause at that time explains, or may explain before the first audit."
    )


SCHEDULED_RUNS_ARE_CONTINUOUS = Control(
    id="scheduled-runs-are-continuous",
    title="No run of an enabled schedule is missing",
    fails_when="Two neighbouring runs of an enabled schedule, or its last run and now, are further apart than its"
    " longest interval and the grace; its creation and its first run, where an audit saw it within a day of its"
    " creation. Looked at are the last 14 intervals, no further back than its retention or its creation, by the"
    " frequency, the retention and the pauses that audits saw at the time. A failed run is a run; a planned run and a"
    " manual backup are none.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.RUNS,
    rationale="A schedule that skips runs leaves days that cannot be gone back to, and is about to stop altogether.",
    remediation="Take a backup of {name} by hand, in the console under the index's Backups tab or by"
    " POST /indexes/{name}/backups; look for what kept the runs from starting by GET"
    " /backup-schedules/{schedule_id}/history"
    " (a pause, the project's quota, the schedule's name), and ask Pinecone's support if nothing shows.",
    guidance=Guidance(
        looks_at="The history of each enabled schedule, over its last 14 intervals.",
        console=(
            "Open {name} and its Backups tab.",
            "Look at the schedule's history for the gap in the evidence.",
            "Create a backup, if the gap reaches to today.",
        ),
        api=(
            "GET /backup-schedules/{schedule_id}/history.",
            "POST /indexes/{name}/backups.",
        ),
        false_positives="A schedule that was paused and resumed between two audits.",
        frameworks=BACKED_UP,
    ),
    judge=judge,
    parameters={"runs.grace": "how late a run may be"},
)
