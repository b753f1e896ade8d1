"""The shape of a policy file as a whole."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from backup_auditor.adapters.policy_file.requirement_shape import RequirementsShape, Shape
from backup_auditor.adapters.policy_file.terms import Count, Day, OnlyTrue, Percent, ScheduleName, Text, Texts
from backup_auditor.domain.policy import DocumentIndexes, Mode, Plan


class ProjectShape(Shape):
    """What is required of the project as a whole."""

    plan: Annotated[Plan, Field(strict=False, description="the organization's plan, which gives the quota")] = (
        Plan.STANDARD
    )
    backup_quota: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="how many backups the project may hold; null for the plan's")
    ] = None
    quota_warn_percent: Annotated[
        Percent | None, Field(description="how full the quota may be; null for no such limit")
    ] = 80
    expected_id: Annotated[Text | None, Field(description="the project's id; null when any will do")] = None
    document_indexes: Annotated[
        DocumentIndexes,
        Field(strict=False, description="whether indexes with full-text or semantic-text fields are judged"),
    ] = DocumentIndexes.INCLUDED


class MatchShape(Shape):
    """Which indexes a rule is for. Names and tags must both fit; what is absent fits every index."""

    names: Texts = Field(
        default_factory=list, description="shell patterns, one of which the name must fit; absent: every name fits"
    )
    tags: dict[str, Texts] = Field(
        default_factory=dict,
        description="tags that the index must have, each with one of the listed values; absent: every index fits",
    )


class RuleShape(Shape):
    """Requirements for some indexes. The first rule that matches wins."""

    name: Annotated[Text, Field(description="what reports call the rule")]
    match: MatchShape = Field(default_factory=MatchShape, description="which indexes it is for")
    require: RequirementsShape = Field(
        default_factory=RequirementsShape, description="lies over the defaults, key by key"
    )


_SUBJECTS = (("names", "tags"), ("backups",), ("project",))
_OF_INDEXES: JsonValue = {"anyOf": [{"required": ["names"]}, {"required": ["tags"]}]}
_ONE_SUBJECT: list[JsonValue] = [_OF_INDEXES, {"required": ["backups"]}, {"required": ["project"]}]


class ExemptionShape(Shape):
    """An accepted deviation. Its findings keep their verdict and no longer count.

    Exactly one of `names` or `tags` (both may be there, and both must fit), `backups`, and `project` says of what.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_SUBJECT})

    names: Texts = Field(default_factory=list, description="shell patterns of indexes and deleted indexes")
    tags: Annotated[
        dict[str, Texts],
        Field(min_length=1, description="tags that a live index must have, each with one of the listed values"),
    ] = Field(default_factory=dict)
    backups: Texts = Field(default_factory=list, description="ids of single backups")
    project: Annotated[OnlyTrue, Field(description="true for controls that are judged for the project as a whole")] = (
        False
    )
    controls: Annotated[Texts, Field(description="shell patterns of control ids")]
    owner: Annotated[Text, Field(description="who accepts the deviation")]
    reason: Annotated[Text, Field(description="why it is accepted")]
    expires: Annotated[Day, Field(description="its last day, in UTC, such as 2027-03-31")]


def _about_one_thing(shape: ExemptionShape) -> ExemptionShape:
    named = [found for kind in _SUBJECTS if (found := [it for it in kind if it in shape.model_fields_set])]
    if not named:
        raise PydanticCustomError("no_subject", "names, tags, backups or project")
    if len(named) > 1:
        context = {"first": " and ".join(named[0]), "second": named[1][0]}
        raise PydanticCustomError("several_subjects", "{first} and {second}", context)
    return shape


class RemediationShape(Shape):
    """What may be changed, and how much of it in one run."""

    create_schedules: Annotated[Mode, Field(strict=False, description="whether missing schedules are made")] = (
        Mode.NEVER
    )
    fix_schedules: Annotated[Mode, Field(strict=False, description="whether schedules are changed")] = Mode.NEVER
    first_backup: Annotated[bool, Field(description="whether one backup is taken of an index that has none")] = False
    max_creations: Annotated[Count, Field(description="how many schedules and first backups one run may make")] = 5
    schedule_name: Annotated[ScheduleName, Field(description="what a schedule that is made is called")] = "auditor"


class PolicyShape(Shape):
    """What the owner of a Pinecone project requires of its backups."""

    version: Annotated[int, Field(ge=1, le=1, description="version of this format", json_schema_extra={"const": 1})] = 1
    defaults: RequirementsShape = Field(
        default_factory=RequirementsShape, description="what is required of every index"
    )
    project: ProjectShape = Field(default_factory=ProjectShape, description="what is required of the project")
    rules: list[RuleShape] = Field(
        default_factory=list, description="other requirements for some indexes; the first match wins"
    )
    exemptions: list[Annotated[ExemptionShape, AfterValidator(_about_one_thing)]] = Field(
        default_factory=list, description="accepted deviations"
    )
    remediation: RemediationShape = Field(default_factory=RemediationShape, description="what may be changed")
