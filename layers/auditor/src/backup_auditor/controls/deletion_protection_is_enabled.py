"""Control `deletion-protection-is-enabled`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)


def _evaluate(subject: IndexContext) -> Verdict:
    if not subject.requirements.protection.deletion_protection:
        return not_applicable("The policy does not require deletion protection.")
    is_protected = subject.index.deletion_protection
    evidence = {"deletion_protection": is_protected}
    if is_protected is None:
        raise InsufficientDataError("It is unknown whether deletion protection is enabled.", evidence)
    if is_protected:
        return compliant("Deletion protection is enabled.", evidence)
    return non_compliant("Deletion protection is disabled, and the policy requires it.", evidence)


DELETION_PROTECTION_IS_ENABLED = Control(
    id="deletion-protection-is-enabled",
    title="Deletion protection is enabled where the policy requires it",
    fails_when="The policy requires deletion protection, and it is disabled.",
    severity=Severity.MEDIUM,
    family=Family.PROTECTION,
    rationale="One wrong call deletes an index together with its schedules. Only its backups remain.",
    remediation="Enable deletion protection of {name} in the console, in the settings of the index, or with PATCH"
    ' /indexes/{name} and {"deletion_protection": "enabled"}.',
    looks_at="The deletion protection of the index.",
    console=("Open the settings of {name}.", "Enable deletion protection."),
    api=('PATCH /indexes/{name} with {"deletion_protection": "enabled"}.',),
    false_positives="An index that a pipeline creates and deletes: add a rule that does not require deletion"
    " protection.",
    corresponds_to=(
        "AWS Config dynamodb-table-deletion-protection-enabled",
        "AWS Config rds-instance-deletion-protection-enabled",
    ),
    evaluate=_evaluate,
    parameters={"protection.deletion_protection": "whether deletion protection is required"},
)
