"""Control `namespace-count-is-stable`."""

from backup_auditor.domain.control import Control, Family, Verdict
from backup_auditor.domain.decline import judge_decline
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.guidance import INTACT, Guidance
from backup_auditor.domain.index_subject import IndexSubject


def judge(subject: IndexSubject) -> Verdict:
    """Judge one index."""
    return judge_decline(
        subject, subject.require.content.max_namespace_drop_percent, "namespace", lambda it: it.namespace_count
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
        frameworks=INTACT,
    ),
    judge=judge,
    parameters={"content.max_namespace_drop_percent": "by how many percent the namespaces may be fewer than is usual"},
)
