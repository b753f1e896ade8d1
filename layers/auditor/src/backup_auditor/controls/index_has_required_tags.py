"""Control `index-has-required-tags`."""

from backup_auditor.domain.control import Control, Family
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.finding import Severity, Verdict, compliant, non_compliant, not_applicable


def _evaluate(subject: IndexContext) -> Verdict:
    required_tags = subject.requirements.protection.required_tags
    if not required_tags:
        return not_applicable("The policy requires no tags.")
    missing_tags = [it for it in required_tags if it not in subject.index.tags]
    evidence = {"required": list(required_tags), "missing": missing_tags}
    if missing_tags:
        return non_compliant(f"Required tags are missing: {', '.join(missing_tags)}.", evidence)
    return compliant(f"All required tags are set: {', '.join(required_tags)}.", evidence)


INDEX_HAS_REQUIRED_TAGS = Control(
    id="index-has-required-tags",
    title="Every index has the tags that the policy requires",
    fails_when="The index lacks a required tag. The value of the tag does not matter.",
    severity=Severity.LOW,
    family=Family.PROTECTION,
    rationale="Policy rules match tags. An index without its tags may be evaluated against weaker requirements than"
    " intended.",
    remediation="Add the missing tags to {name} in the console, in the settings of the index, or with PATCH"
    ' /indexes/{name} and {"tags": {"KEY": "VALUE"}}.',
    looks_at="The tags of the index.",
    console=("Open the settings of {name}.", "Add the tags that the finding names."),
    api=('PATCH /indexes/{name} with {"tags": {"KEY": "VALUE"}}.',),
    false_positives="A new index whose owner is not decided yet: exempt it for some days.",
    corresponds_to=("AWS Config required-tags",),
    evaluate=_evaluate,
    parameters={"protection.required_tags": "the required tags"},
)
