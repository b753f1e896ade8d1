"""Control `plan-allows-schedules`."""

from backup_auditor.domain.control import BACKUP_FRAMEWORKS, Control, Family
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
from backup_auditor.domain.listing import Denial, DenialReason, Listing
from backup_auditor.domain.text import pluralize


def _evaluate(subject: ProjectContext) -> Verdict:
    answers = [it.schedules for it in subject.inventory.indexes if it.schedules is not None]
    denials = [it for it in answers if isinstance(it, Denial) and it.kind is DenialReason.PLAN]
    listings = [it for it in answers if isinstance(it, Listing)]
    answered_count = sum(it.failure is None or bool(it.rows) for it in listings)
    required_count = len(subject.required_schedules)
    evidence = {"refused": len(denials), "answered": answered_count, "required": required_count}
    if not required_count:
        if (index_failure := subject.inventory.indexes_failure) is not None:
            reason = f"It is unknown whether an index requires a schedule: {index_failure}"
            raise InsufficientDataError(reason, {**evidence, "call": index_failure.call, "error": index_failure.error})
        if not answers:
            return not_applicable(NO_INDEX_REASON, evidence)
        return not_applicable("The policy requires no schedule of an index that can have one.", evidence)
    if denials:
        calls_text = pluralize(len(denials), "schedule call")
        reason = f"Pinecone refused {calls_text} because of the organization's plan: {denials[0].message}"
        return non_compliant(reason, evidence)
    if answered_count:
        return compliant(f"Pinecone answered {pluralize(answered_count, 'schedule call')}.", evidence)
    failure = subject.inventory.indexes_failure or next((it.failure for it in listings if it.failure), None)
    if failure is not None:
        reason = f"No schedule call was answered: {failure}"
        raise InsufficientDataError(reason, {**evidence, "call": failure.call, "error": failure.error})
    return not_applicable(NO_INDEX_REASON, evidence)


NO_INDEX_REASON = "The project has no index that can have schedules."


PLAN_ALLOWS_SCHEDULES = Control(
    id="plan-allows-schedules",
    title="The organization's plan includes backup schedules",
    fails_when="Pinecone refuses schedule calls because of the organization's plan, and the policy requires a"
    " schedule of an index that can be backed up. The schedule controls of these indexes are then not applicable.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="On a plan without backup schedules, every recovery point depends on manual backups.",
    remediation="Move the organization to a plan with backup schedules (console: Settings, Plan), or take backups"
    " with your own job: POST /indexes/INDEX/backups for each index.",
    looks_at="The responses to the calls that list schedules.",
    console=("Open Settings, Plan.", "Choose a plan with backup schedules."),
    api=("No call changes the plan. POST /indexes/INDEX/backups takes a backup without a schedule.",),
    false_positives="Projects that your own job backs up: set required: false in the policy.",
    frameworks=BACKUP_FRAMEWORKS,
    evaluate=_evaluate,
    parameters={"schedule.required": "whether a schedule is required"},
)
