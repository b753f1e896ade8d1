"""Control `namespace-count-is-stable`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.content_trend import evaluate_content_drop
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict


def _evaluate(subject: IndexContext) -> Verdict:
    return evaluate_content_drop(
        subject, subject.requirements.content.max_namespace_drop_percent, "namespace", lambda it: it.namespace_count
    )


NAMESPACE_COUNT_IS_STABLE = Control(
    id="namespace-count-is-stable",
    title="The namespace count of the newest recovery point is similar to earlier ones",
    fails_when="The newest recovery point has fewer namespaces than the median of up to 7 earlier ones, by more than"
    " the percentage. Recovery points with an unknown count are skipped.",
    severity=Severity.HIGH,
    family=Family.CONTENT,
    rationale="A missing namespace is a missing tenant or data set. The record count of the others can hide it.",
    remediation="Find out which namespace of {name} is missing, and whether it should be. If not, restore the last"
    " healthy recovery point under another name before it expires, with POST"
    " /backups/{last_healthy.backup_id}/create-index.",
    looks_at="The namespace count of the newest recovery point and of up to 7 earlier ones.",
    console=(
        "Open {name} and check its namespaces.",
        "Open its Backups tab and find the last healthy backup that the finding names.",
        "Restore it under another name and compare.",
    ),
    api=(
        "GET /backups/{last_healthy.backup_id}, the last healthy one.",
        'POST /backups/{last_healthy.backup_id}/create-index with {"name": "NAME"}.',
    ),
    false_positives="Short-lived namespaces, for example one for each session: add a rule with a higher limit.",
    frameworks=INTEGRITY_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"content.max_namespace_drop_percent": "the largest allowed drop below the median, in percent"},
)
