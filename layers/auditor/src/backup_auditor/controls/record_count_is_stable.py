"""Control `record-count-is-stable`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.content_trend import evaluate_content_drop
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict


def _evaluate(subject: IndexContext) -> Verdict:
    return evaluate_content_drop(
        subject, subject.requirements.content.max_record_drop_percent, "record", lambda it: it.record_count
    )


RECORD_COUNT_IS_STABLE = Control(
    id="record-count-is-stable",
    title="The record count of the newest recovery point is similar to earlier ones",
    fails_when="The newest recovery point has fewer records than the median of up to 7 earlier ones, by more than the"
    " percentage. Recovery points with an unknown count are skipped.",
    severity=Severity.HIGH,
    family=Family.CONTENT,
    rationale="A mistaken deletion is often noticed late: the healthy recovery points expire, and newer ones lack the"
    " same records.",
    remediation="Find out what deleted records from {name}. Before the last healthy recovery point expires, restore"
    " it under another name with POST /backups/{last_healthy.backup_id}/create-index, or lengthen the retention of"
    " its schedule.",
    looks_at="The record count of the newest recovery point and of up to 7 earlier ones.",
    console=(
        "Open {name} and check its record count.",
        "Open its Backups tab and find the last healthy backup that the finding names.",
        "Restore it under another name and compare.",
    ),
    api=(
        "GET /backups/{last_healthy.backup_id}, the last healthy one.",
        'POST /backups/{last_healthy.backup_id}/create-index with {"name": "NAME"}.',
    ),
    false_positives="Records that were deleted on purpose: the finding is resolved when the median has followed.",
    frameworks=INTEGRITY_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"content.max_record_drop_percent": "the largest allowed drop below the median, in percent"},
)
