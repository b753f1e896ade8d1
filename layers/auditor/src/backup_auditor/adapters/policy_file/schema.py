"""The schema of the policy file: every key, its default, its values and its meaning; and its JSON Schema."""

import re
from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import DocumentIndexes, Mode, PineconePlan

MAX_DAYS = 36_500
"""Days in a hundred years: a moment less these is still a moment."""

_DURATION_PATTERN = r"^[0-9]{1,9}[mhd]$"
_POSITIVE_DURATION_PATTERN = r"^0*[1-9][0-9]*[mhd]$"
_DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `90m`, `26h` or `7d`. Raises `ValueError` when it is none, or above `MOST` days."""
    if not re.fullmatch(_DURATION_PATTERN, text, re.ASCII) or text.endswith("\n"):
        raise ValueError(text)
    duration = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if duration > timedelta(days=MAX_DAYS):
        raise ValueError(text)
    return duration


def parse_day(text: str) -> date:
    """Read a day such as `2027-03-31`. Raises `ValueError` when the text is none."""
    if not re.fullmatch(_DAY_PATTERN, text, re.ASCII) or text.endswith("\n"):
        raise ValueError(text)
    return date.fromisoformat(text)


def _check_duration(value: object) -> object:
    try:
        parse_duration(_require_text(value))
    except ValueError:
        raise PydanticCustomError("wanted", f"a duration such as 90m, 26h or 7d, of at most {MAX_DAYS}d") from None
    return value


def _check_positive_duration(text: str) -> str:
    if not parse_duration(text):
        raise PydanticCustomError("wanted", "a duration above zero, such as 26h")
    return text


def _check_day(value: object) -> object:
    try:
        parse_day(_require_text(value))
    except ValueError:
        raise PydanticCustomError("wanted", "a day such as 2027-03-31") from None
    return value


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  for pydantic it is a value that does not fit
    return value


def _check_location(text: str) -> str:
    if "/" not in text and "*" not in text:
        raise PydanticCustomError("wanted", "a pattern of cloud/region, such as aws/eu-*")
    return text


def _check_not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("wanted", "a text that says something")
    return text


def _check_true(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("wanted", "true, or leave it out")
    return value


Duration = Annotated[str, BeforeValidator(_check_duration), Field(json_schema_extra={"pattern": _DURATION_PATTERN})]
PositiveDuration = Annotated[
    Duration, AfterValidator(_check_positive_duration), Field(json_schema_extra={"pattern": _POSITIVE_DURATION_PATTERN})
]
Day = Annotated[str, BeforeValidator(_check_day), Field(json_schema_extra={"pattern": _DAY_PATTERN, "format": "date"})]
Text = Annotated[str, AfterValidator(_check_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
# The service accepts a longer one, and then every run fails.
ScheduleName = Annotated[
    str, Field(max_length=28, json_schema_extra={"pattern": r"\S"}), AfterValidator(_check_not_blank)
]
Location = Annotated[Text, AfterValidator(_check_location), Field(json_schema_extra={"pattern": "[/*]"})]
OnlyTrue = Annotated[bool, AfterValidator(_check_true), Field(json_schema_extra={"const": True})]
Count = Annotated[int, Field(ge=0, le=MAX_DAYS)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Percent = Annotated[float, Field(ge=0, le=100)]
Texts = Annotated[list[Text], Field(min_length=1)]


class Shape(BaseModel):
    """A mapping of the file: nothing is converted, and no key is there that is not known."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class RetentionDaysShape(Shape):
    """Between which retentions a schedule must lie."""

    min: Annotated[Days | None, Field(description="shortest retention, in days; null for no such limit")] = 7
    max: Annotated[Days | None, Field(description="longest retention, in days; null for no such limit")] = 400


class ScheduleShape(Shape):
    """What backup schedules must be."""

    required: Annotated[bool, Field(description="whether an index must have a schedule")] = True
    frequency: Annotated[Frequency, Field(strict=False, description="slowest frequency")] = Frequency.DAILY
    retention_days: RetentionDaysShape = Field(
        default_factory=RetentionDaysShape, description="how long backups are kept"
    )


class RecoveryShape(Shape):
    """What recovery points must be."""

    max_age: Annotated[
        PositiveDuration | None,
        Field(
            description="oldest that the newest recovery point may be; null for the frequency's interval + runs.grace"
        ),
    ] = None
    min_copies: Annotated[Count | None, Field(description="fewest recovery points; null for no such limit")] = 2
    horizon: Annotated[
        Duration | None,
        Field(
            description="how long recovery points must still last once nothing makes new ones; null for no such limit"
        ),
    ] = "7d"


class RunsShape(Shape):
    """How late a run may be, and how long it may take."""

    grace: Annotated[Duration, Field(description="how late a run may be")] = "6h"
    stuck_after: Annotated[
        Duration | None, Field(description="how long a run may be under way; null for no such limit")
    ] = "12h"


class ContentShape(Shape):
    """How far a recovery point may differ from those before it."""

    allow_empty: Annotated[bool, Field(description="whether a recovery point may hold no records")] = False
    max_record_drop_percent: Annotated[
        Percent | None, Field(description="how many records may go from one to the next; null for no such limit")
    ] = 20
    max_namespace_drop_percent: Annotated[
        Percent | None, Field(description="how many namespaces may go from one to the next; null for no such limit")
    ] = 5
    max_size_factor: Annotated[
        float | None, Field(ge=1, description="by what factor the size may change; null for no such limit")
    ] = 3


class ProtectionShape(Shape):
    """Where backups may lie, how long, and what an index must carry."""

    deletion_protection: Annotated[bool, Field(description="whether an index must be protected from deletion")] = False
    locations: Annotated[
        list[Location], Field(description="patterns of cloud/region where backups may lie; none for anywhere")
    ] = []
    required_tags: Annotated[list[Text], Field(description="tags that an index must have")] = []
    max_backup_age_days: Annotated[
        Days | None, Field(description="oldest that any backup may be, in days; null for no such limit")
    ] = None


class OrphanedBackupsShape(Shape):
    """What is required of deleted indexes. They have the defaults only: in a rule this changes nothing."""

    max_age_days: Annotated[
        Count | None,
        Field(description="how long backups of deleted indexes may be kept, in days; null for no such limit"),
    ] = 30


class RequirementsShape(Shape):
    """What is required of an index."""

    schedule: ScheduleShape = Field(default_factory=ScheduleShape, description="what backup schedules must be")
    recovery: RecoveryShape = Field(default_factory=RecoveryShape, description="what recovery points must be")
    runs: RunsShape = Field(default_factory=RunsShape, description="how late a run may be, and how long it may take")
    content: ContentShape = Field(default_factory=ContentShape, description="how far recovery points may differ")
    protection: ProtectionShape = Field(
        default_factory=ProtectionShape, description="where backups may lie, and what indexes carry"
    )
    orphaned_backups: OrphanedBackupsShape = Field(
        default_factory=OrphanedBackupsShape, description="what is required of deleted indexes"
    )


class ProjectShape(Shape):
    """What is required of the project as a whole."""

    plan: Annotated[PineconePlan, Field(strict=False, description="the organization's plan, which gives the quota")] = (
        PineconePlan.STANDARD
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
_INDEX_SUBJECT: JsonValue = {"anyOf": [{"required": ["names"]}, {"required": ["tags"]}]}
_ONE_SUBJECT: list[JsonValue] = [_INDEX_SUBJECT, {"required": ["backups"]}, {"required": ["project"]}]


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


def _require_one_subject(shape: ExemptionShape) -> ExemptionShape:
    subjects = [
        subject_keys for kind in _SUBJECTS if (subject_keys := [it for it in kind if it in shape.model_fields_set])
    ]
    if not subjects:
        raise PydanticCustomError("no_subject", "names, tags, backups or project")
    if len(subjects) > 1:
        context = {"first": " and ".join(subjects[0]), "second": subjects[1][0]}
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
    exemptions: list[Annotated[ExemptionShape, AfterValidator(_require_one_subject)]] = Field(
        default_factory=list, description="accepted deviations"
    )
    remediation: RemediationShape = Field(default_factory=RemediationShape, description="what may be changed")


def build_policy_schema() -> JsonSchemaValue:
    """Return the schema, in the 2020-12 dialect. What a policy says against itself no schema can find."""
    schema = TypeAdapter(PolicyShape).json_schema(schema_generator=_UntitledJsonSchema)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "Policy of backup-auditor, version 1",
        **{key: value for key, value in schema.items() if key != "title"},
    }


class _UntitledJsonSchema(GenerateJsonSchema):
    """Leaves out the titles that would only repeat each key."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  the same for all
        """Say no for every key."""
        return False
