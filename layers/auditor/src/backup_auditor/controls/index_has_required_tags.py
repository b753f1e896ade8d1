"""Control `index-has-required-tags`."""

from backup_auditor.domain.control import Control, Family, Guidance, Verdict, compliant, non_compliant, not_applicable
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import ResourceType, Severity


def evaluate(subject: IndexContext) -> Verdict:
    """Judge one index."""
    required_tags = subject.requirements.protection.required_tags
    if not required_tags:
        return not_applicable("The policy requires no tags of it.")
    missing_tags = [it for it in required_tags if it not in subject.index.tags]
    evidence = {"required": list(required_tags), "missing": missing_tags}
    if missing_tags:
        return non_compliant(f"It lacks what the policy requires as tags: {', '.join(missing_tags)}.", evidence)
    return compliant(f"It has every tag that the policy requires: {', '.join(required_tags)}.", evidence)


INDEX_HAS_REQUIRED_TAGS = Control(
    id="index-has-required-tags",
    title="Every index has the tags that the policy requires",
    fails_when="The index lacks one of the required tags, whatever their values.",
    severity=Severity.LOW,
    scopes=(ResourceType.INDEX,),
    family=Family.PROTECTION,
    rationale="Rules of the policy go by tags: an index without them may have less asked of it than was meant.",
    remediation='Tag {name}: in the console under the index\'s settings, or by PATCH /indexes/{name} with {"tags":'
    ' {"KEY": "VALUE"}}.',
    guidance=Guidance(
        looks_at="The tags of the index.",
        console=("Open {name} and its settings.", "Add the tags that the finding names."),
        api=('PATCH /indexes/{name} with {"tags": {"KEY": "VALUE"}}.',),
        false_positives="An index that belongs to nobody yet: exempt it for some days.",
        corresponds_to=("AWS Config required-tags",),
    ),
    evaluate=evaluate,
    parameters={"protection.required_tags": "the tags that an index must have"},
)
