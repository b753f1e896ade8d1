"""Control `project-is-expected`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import (
    InsufficientDataError,
    ResourceType,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.model import Deployment


def _evaluate(subject: ProjectContext) -> Verdict:
    expected_id = subject.policy.project.expected_id
    if expected_id is None:
        return not_applicable("The policy sets no expected project.")
    inventory = subject.inventory
    project_ids = sorted(inventory.project_ids)
    evidence: dict[str, object] = {"expected_id": expected_id, "ids": project_ids}
    if any(it != expected_id for it in project_ids):
        reason = f"The API key belongs to project {', '.join(project_ids)}, but the policy expects {expected_id}."
        return non_compliant(reason, evidence)
    if project_ids:
        return compliant(f"The project is {expected_id}, as the policy expects.", evidence)
    can_have_schedules = any(it.index.deployment is not Deployment.POD for it in inventory.indexes)
    if inventory.indexes_failure is None and (subject.plan_denial or not can_have_schedules):
        return not_applicable("The project cannot have schedules, and only schedules report the project id.", evidence)
    raise InsufficientDataError("The project id is unknown: no schedule reports it.", evidence)


PROJECT_IS_EXPECTED = Control(
    id="project-is-expected",
    title="The audited project is the expected one",
    fails_when="A schedule belongs to another project than expected_id.",
    severity=Severity.CRITICAL,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="The API key determines the project. With the wrong key, another project is audited every night, and"
    " the expected one is not.",
    remediation="Give the audit of {name} an API key of the expected project, or correct expected_id. The project id"
    " is shown in the console and in the response to GET /indexes/INDEX/backup-schedules.",
    looks_at="The project id that the schedules report. Pinecone reports it nowhere else.",
    console=("Open the expected project and compare its id.", "Open API keys and create a key of that project."),
    api=("GET /indexes/INDEX/backup-schedules returns the project id.",),
    false_positives="None are known. Without a schedule, the project id is unknown and so is the result.",
    evaluate=_evaluate,
    parameters={"project.expected_id": "the id of the expected project; null: any project"},
)
