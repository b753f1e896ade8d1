"""Control `index-can-be-backed-up`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable


def _evaluate(subject: IndexContext) -> Verdict:
    if not subject.requirements.schedule.required:
        return not_applicable("The policy does not require a schedule.")
    support, schedules = subject.support, subject.schedules
    if support.unknown_error is not None:
        raise support.unknown_error
    if support.reason is not None:
        reason = f"{support.reason.removesuffix('.')}; the policy requires a schedule."
        return non_compliant(reason, support.evidence, depends_on_absence_in=support.depends_on_absence_in)
    if schedules.known_schedules or subject.backups.confirmed_backups:
        return compliant("Pinecone lists a schedule or a backup of the index.")
    if schedules.plan_denial is not None:
        return not_applicable(f"The organization's plan has no backup schedules: {schedules.plan_denial.message}")
    schedules.require_listing()
    return compliant("Pinecone answers the backup calls of the index.")


INDEX_CAN_BE_BACKED_UP = Control(
    id="index-can-be-backed-up",
    title="Every index that requires backups can be backed up",
    fails_when="The policy requires a schedule, and Pinecone cannot back up the index: it is a pod index, its backup"
    " calls return 400, or it is encrypted with a customer key and has no listed schedule or backup. Every"
    " other control is then not applicable to the index.",
    severity=Severity.MEDIUM,
    family=Family.RECOVERY,
    rationale="An index without backups cannot be restored, and no other control reports an index that cannot be"
    " backed up.",
    remediation="Call GET /indexes/{name} to find out why it cannot be backed up, and move its data to a serverless"
    " index without a customer key. If the data can be rebuilt, add a policy rule with required: false.",
    looks_at="The deployment of the index, its customer key (cmek_id), and the responses to the calls that list its"
    " schedules and backups.",
    console=(
        "Open {name} and check its type and encryption.",
        "Create a serverless index without a customer key.",
        "Copy the records to it, and configure the applications to use it.",
    ),
    api=(
        "GET /indexes/{name} for its deployment and cmek_id.",
        "GET /indexes/{name}/backup-schedules: returns 400 if backups are not supported.",
    ),
    false_positives="An index that can be rebuilt from another source: add a rule with required: false. Indexes"
    " with document fields are not evaluated if the policy excludes document indexes.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"schedule.required": "whether a schedule is required"},
    is_evaluated_without_support=True,
)
