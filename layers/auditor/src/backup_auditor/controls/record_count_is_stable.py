"""Control `record-count-is-stable`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family, Guidance, Verdict
from backup_auditor.domain.evaluation.content_trend import evaluate_content_drop
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    return evaluate_content_drop(
        subject, subject.requirements.content.max_record_drop_percent, "record", lambda it: it.record_count
    )


RECORD_COUNT_IS_STABLE = Control(
    id="record-count-is-stable",
    title="The newest recovery point of every index has about as many records as those before it",
    fails_when="The newest recovery point has fewer records than the median of the up to 7 before it, by more than the"
    " percentage. Those that do not tell are skipped.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.CONTENT,
    rationale="Records that were deleted by mistake are noticed when it is too late: the healthy recovery points"
    " expire, and those after them lack the same records.",
    remediation="Find out what deleted records from {name}; before the last healthy recovery point expires, restore"
    " it under another name, by POST /backups/{last_healthy.backup_id}/create-index, or lengthen the retention of its"
    " schedule.",
    guidance=Guidance(
        looks_at="The record count of the newest recovery point and of the up to 7 before it.",
        console=(
            "Open {name} and look at its records.",
            "Open its Backups tab, and find the last healthy backup that the finding names.",
            "Restore that one under another name, and compare.",
        ),
        api=(
            "GET /backups/{last_healthy.backup_id}, the last healthy one.",
            'POST /backups/{last_healthy.backup_id}/create-index with {"name": "NAME"}.',
        ),
        false_positives="Records that were deleted on purpose: the finding ends when the median has followed.",
        frameworks=INTEGRITY_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"content.max_record_drop_percent": "by how many percent the records may be fewer than is usual"},
)
