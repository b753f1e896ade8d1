"""Control `deletion-protection-is-enabled`."""

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
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    if not subject.requirements.protection.deletion_protection:
        return not_applicable("The policy requires no deletion protection of it.")
    is_protected = subject.index.deletion_protection
    evidence = {"deletion_protection": is_protected}
    if is_protected is None:
        raise InsufficientDataError("Whether it is protected from deletion is not told.", evidence)
    if is_protected:
        return compliant("It is protected from deletion.", evidence)
    return non_compliant("It is not protected from deletion, and the policy requires that.", evidence)


DELETION_PROTECTION_IS_ENABLED = Control(
    id="deletion-protection-is-enabled",
    title="Every index that the policy protects has deletion protection on",
    fails_when="The policy requires deletion protection, and it is off.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.PROTECTION,
    rationale="One wrong call deletes an index, and its schedules with it; its backups are then all that is left.",
    remediation="Turn deletion protection of {name} on: in the console under the index's settings, or by PATCH"
    ' /indexes/{name} with {"deletion_protection": "enabled"}.',
    guidance=Guidance(
        looks_at="The deletion protection of the index.",
        console=("Open {name} and its settings.", "Turn deletion protection on."),
        api=('PATCH /indexes/{name} with {"deletion_protection": "enabled"}.',),
        false_positives="An index that is made and deleted by a pipeline: let a rule not require it.",
        corresponds_to=(
            "AWS Config dynamodb-table-deletion-protection-enabled",
            "AWS Config rds-instance-deletion-protection-enabled",
        ),
    ),
    evaluate=evaluate,
    parameters={"protection.deletion_protection": "whether an index must be protected from deletion"},
)
