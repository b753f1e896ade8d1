"""Control `index-can-be-backed-up`."""

from backup_auditor.domain.control import (
    BACKUP_FRAMEWORKS,
    Control,
    Family,
    Guidance,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    if not subject.requirements.schedule.required:
        return not_applicable("The policy requires no schedule for it.")
    support, schedules = subject.support, subject.schedules
    if support.unknown_error is not None:
        raise support.unknown_error
    if support.reason is not None:
        reason = f"The policy requires a schedule for it. {support.reason}"
        return non_compliant(reason, support.evidence, depends_on_absence_in=support.depends_on_absence_in)
    if schedules.known_schedules or subject.backups.confirmed_backups:
        return compliant("Pinecone lists a schedule or a backup of it.")
    if schedules.plan_denial is not None:
        return not_applicable(f"The organization's plan has no backup schedules: {schedules.plan_denial.message}")
    schedules.require_listing()
    return compliant("Pinecone answers the calls about its backups.")


INDEX_CAN_BE_BACKED_UP = Control(
    id="index-can-be-backed-up",
    title="Every index that must be backed up can be backed up",
    fails_when="The policy requires a schedule, and Pinecone cannot back the index up: it is a pod index, its backup "
    "calls are answered with 400, or it is encrypted with a customer key and no schedule and no backup of it is "
    "listed. Every other control is then not applicable to the index.",
    severity=Severity.MEDIUM,
    scopes=(ResourceType.INDEX,),
    family=Family.RECOVERY,
    rationale="An index without backups is lost with the first mistake, and no other control reports one that can have "
    "none.",
    remediation="Find out by GET /indexes/{name} why it cannot be backed up, and move its data to an index that can"
    " be: serverless, and without a customer key. If the data can be rebuilt, let a rule of the policy say"
    " required: false.",
    guidance=Guidance(
        looks_at="Where the index runs, its customer key (cmek_id), and the answers to the calls that list its "
        "schedules and backups.",
        console=(
            "Open {name}, and read its type and its encryption.",
            "Create a serverless index without a customer key.",
            "Copy the records to it, and point the applications to it.",
        ),
        api=(
            "GET /indexes/{name} for its deployment and its cmek_id.",
            "GET /indexes/{name}/backup-schedules, which a 400 answers where there can be no backups.",
        ),
        false_positives="An index that can be rebuilt from another source: let a rule say required: false. An index "
        "with document fields is not judged where the policy excludes document indexes.",
        frameworks=BACKUP_FRAMEWORKS,
    ),
    evaluate=evaluate,
    parameters={"schedule.required": "whether an index must have a schedule"},
    is_evaluated_without_support=True,
)
