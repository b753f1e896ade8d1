"""Control `inventory-is-complete`."""

from backup_auditor.domain.control import Control, Family, Guidance, Verdict, compliant, non_compliant
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.text import pluralize


def evaluate(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    failures = subject.inventory.read_failures
    evidence: dict[str, object] = {"read_error_count": len(failures)}
    if not failures:
        return compliant("Everything was read.", evidence)
    first_failure = failures[0]
    reason = f"{pluralize(len(failures), 'fact')} could not be read, first {first_failure.call}: {first_failure.error}"
    return non_compliant(reason, {**evidence, "first": first_failure.call, "error": first_failure.error})


INVENTORY_IS_COMPLETE = Control(
    id="inventory-is-complete",
    title="Everything about the project could be read",
    fails_when="A call did not tell what it should have. This control is never without sufficient data.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="What was not read was not judged: an index without protection may hide there.",
    remediation="Look at `read_errors` in the report of {name} for the calls and their errors: give the key the role"
    " ControlPlaneViewer if it was refused, and repeat the audit if the service did not answer.",
    guidance=Guidance(
        looks_at="Every call of the audit and its answer.",
        console=("Open API keys, and give the auditor's key the role ControlPlaneViewer, if it was refused.",),
        api=("Repeat the call that `read_errors` names with the same key.",),
        false_positives="An outage of the service while the audit ran: the next audit shows.",
    ),
    evaluate=evaluate,
)
