"""Control `plan-allows-schedules`."""

from backup_auditor.domain.control import (
    BACKED_UP,
    Control,
    Family,
    Guidance,
    InsufficientDataError,
    Verdict,
    compliant,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.evaluation.index import why_excluded
from backup_auditor.domain.evaluation.project import ProjectContext
from backup_auditor.domain.finding import ResourceType, Severity
from backup_auditor.domain.listing import Denial, DenialReason, Listing
from backup_auditor.domain.model import Schedule
from backup_auditor.domain.text import pluralize


def judge(subject: ProjectContext) -> Verdict:
    """Judge the project."""
    answers = [it.schedules for it in subject.inventory.indexes if it.schedules is not None]
    refused = [it for it in answers if isinstance(it, Denial) and it.kind is DenialReason.PLAN]
    listings = [it for it in answers if isinstance(it, Listing)]
    answered = sum(_was_answered(it) for it in listings)
    required = sum(_is_required(subject, name) for name in subject.facts)
    evidence = {"refused": len(refused), "answered": answered, "required": required}
    if not required:
        if (unlisted := subject.inventory.indexes_unread) is not None:
            reason = f"Whether any index must have a schedule is not known: {unlisted.what}: {unlisted.error}"
            raise InsufficientDataError(reason, {**evidence, "unread": unlisted.what, "error": unlisted.error})
        if not answers:
            return not_applicable("The project has no index that can have schedules.", evidence)
        return not_applicable("The policy requires a schedule of no index that can have one.", evidence)
    if refused:
        shown = pluralize(len(refused), "schedule call")
        reason = f"Pinecone refused {shown} because of the organization's plan: {refused[0].message}"
        return non_compliant(reason, evidence)
    if answered:
        return compliant(f"Pinecone answered {pluralize(answered, 'schedule call')}.", evidence)
    unread = subject.inventory.indexes_unread or next((it.broken for it in listings if it.broken), None)
    if unread is not None:
        reason = f"No schedule call was answered: {unread.what}: {unread.error}"
        raise InsufficientDataError(reason, {**evidence, "unread": unread.what, "error": unread.error})
    return not_applicable("The project has no index that can have schedules.", evidence)


def _is_required(subject: ProjectContext, name: str) -> bool:
    """Tell whether the policy requires a schedule of an index that can be backed up, or may be."""
    is_left_out = why_excluded(subject.facts[name].index, subject.policy) or subject.supports[name].reason
    return subject.required_of(name).schedule.required and not is_left_out


def _was_answered(listing: Listing[Schedule]) -> bool:
    return listing.broken is None or bool(listing.rows)


PLAN_ALLOWS_SCHEDULES = Control(
    id="plan-allows-schedules",
    title="The organization's plan has backup schedules",
    fails_when="Pinecone refuses schedule calls because of the organization's plan, and the policy requires a schedule"
    " of an index that can be backed up. What is required of schedules is then not applicable to the indexes"
    " concerned.",
    severity=Severity.HIGH,
    scopes=(ResourceType.PROJECT,),
    family=Family.AUDIT,
    rationale="On a plan without backup schedules every recovery point depends on somebody who remembers to take it.",
    remediation="Move the organization to a plan with backup schedules (console: Settings, Plan), or take backups by a"
    " job of your own: POST /indexes/INDEX/backups, for each index.",
    guidance=Guidance(
        looks_at="The answers to the calls that list schedules.",
        console=(
            "Open Settings, Plan.",
            "Choose a plan that has backup schedules.",
        ),
        api=("There is no call that changes the plan; POST /indexes/INDEX/backups takes a backup without a schedule.",),
        false_positives="Projects that are backed up by a job of your own: let the policy say required: false.",
        frameworks=BACKED_UP,
    ),
    judge=judge,
    parameters={"schedule.required": "whether an index must have a schedule"},
)
