"""Control `inventory-is-complete`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity, Verdict, compliant, non_compliant
from backup_auditor.domain.text import pluralize


def _evaluate(subject: ProjectContext) -> Verdict:
    failures = subject.inventory.read_failures
    evidence: dict[str, object] = {"read_error_count": len(failures)}
    if not failures:
        return compliant("All facts were read.", evidence)
    first_failure = failures[0]
    reason = f"{pluralize(len(failures), 'fact')} could not be read; first: {first_failure}"
    return non_compliant(reason, {**evidence, "call": first_failure.call, "error": first_failure.error})


INVENTORY_IS_COMPLETE = Control(
    id="inventory-is-complete",
    title="All facts about the project were read",
    fails_when="A call could not be completed. This control is never INSUFFICIENT_DATA.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="Facts that were not read were not evaluated. They may hide an unprotected index.",
    remediation="See `read_errors` in the report of {name} for the failed calls and their errors. If access was"
    " refused, give the API key the role ControlPlaneViewer. If the service did not respond, audit again.",
    looks_at="The result of every call of the audit.",
    console=("Open API keys and give the auditor's key the role ControlPlaneViewer, if access was refused.",),
    api=("Repeat the call that `read_errors` names with the same key.",),
    false_positives="An outage of the service during the audit: the next audit resolves the finding.",
    evaluate=_evaluate,
)
