"""Control `namespace-count-is-stable`."""

from backup_auditor.domain.control import INTEGRITY_FRAMEWORKS, Control, Family, Guidance, Verdict
from backup_auditor.domain.evaluation.content_trend import evaluate_content_drop
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    return evaluate_content_drop(
        subject, subject.requirements.content.max_namespace_drop_percent, "namespace", lambda it: it.namespace_count
    )


NAMESPACE_COUNT_IS_STABLE = Control(
    id="namespace-count-is-stable",
    title="The newest recovery point of every index has about as many namespaces as those before it",
    fails_when="The newest recovery point has fewer namespaces than the median of the up to 7 before it, by more than"
    " the percentage. Those that do not tell are skipped.",
    severity=Severity.HIGH,
    scopes=(ResourceType.INDEX,),
    family=Family.CONTENT,
    rationale="A namespace that is gone is a tenant or a data set that is gone; the records of the others hide it.",
    remediation="Find out which namespace of {name} is gone, and whether it should be; before the last healthy"
    " recovery point expires, restore it under another name, by POST"
    " /backups/{last_healthy.backup_id}/create-index.",
    guidance=Guidance(
        looks_at="The namespace count of the newest recovery point and of the up to 7 before it.",
        console=(
            "Open {name} and look at its namespaces.",
            "Open its Backups tab, and find the last healthy backup that the finding names.",
            "Restore that one under another name, and compare.",
        ),
        api=(
            "GET /backups/{last_healthy.backup_id}, the last healthy one.",
            'POST /backups/{last_healthy.backup_id}/create-index with {"name": "NAME"}.',
        ),
        false_positives="Namespaces that come and go, one for each session say: let a rule allow a greater drop.",
        frameworks=INTEGRITY_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"content.max_namespace_drop_percent": "by how many percent the namespaces may be fewer than is usual"},
)
