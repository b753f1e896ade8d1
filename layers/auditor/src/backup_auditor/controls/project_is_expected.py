"""Control `project-is-expected`."""

from backup_auditor.domain.control import (
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.model import Deployment


def evaluate(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    expected_id = subject.policy.project.expected_id
    if expected_id is None:
        return not_applicable("The policy does not say which project it expects.")
    inventory = subject.inventory
    project_ids = sorted(inventory.project_ids)
    evidence: dict[str, object] = {"expected_id": expected_id, "ids": project_ids}
    if any(it != expected_id for it in project_ids):
        reason = (
            f"The key opens project {', '.join(project_ids)}, the policy expects {expected_id}:"
            " another project was audited."
        )
        return non_compliant(reason, evidence)
    if project_ids:
        return compliant(f"It is project {expected_id}, as the policy expects.", evidence)
    if inventory.indexes_failure is None and (subject.plan_denial or not _can_have_schedules(subject)):
        return not_applicable("The project can have no schedules, and nothing else tells its id.", evidence)
    raise InsufficientDataError("No schedule tells the id of the project, and nothing else does.", evidence)


def _can_have_schedules(subject: ProjectContext) -> bool:
    return any(facts.index.deployment is not Deployment.POD for facts in subject.inventory.indexes)


PROJECT_IS_EXPECTED = Control(
    id="project-is-expected",
    title="The project that was audited is the one that was meant",
    fails_when="A schedule names another project than expected_id.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="A key implies its project: with the wrong key a healthy project is audited night after night, and the"
    " one that was meant never.",
    remediation="Give the audit of {name} the key of the project that the policy expects, or correct expected_id; the"
    " project's id stands in the console, and in the answer to GET /indexes/INDEX/backup-schedules.",
    guidance=Guidance(
        looks_at="The project id that the schedules tell; Pinecone tells it nowhere else.",
        console=(
            "Open the project that is meant, and compare its id.",
            "Open API keys, and create a key of that project.",
        ),
        api=("GET /indexes/INDEX/backup-schedules tells the project's id.",),
        false_positives="None are known. Without a schedule the id cannot be told, and the verdict is not given.",
    ),
    evaluate=evaluate,
    parameters={"project.expected_id": "the id of the project that is meant; null for any"},
)
