"""The schema of the policy file: every key, its default, its values and its meaning; and its JSON Schema."""

import re
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import DocumentIndexes, Mode, PineconePlan, find_default
from backup_auditor.domain.target_schedule import SCHEDULE_NAME_MAX_LENGTH

MAX_DAYS = 36_500
"""The days of a hundred years. Any time minus this duration is still a valid `datetime`."""

_DURATION_PATTERN = r"^[0-9]{1,9}[mhd]$"
_POSITIVE_DURATION_PATTERN = r"^0*[1-9][0-9]*[mhd]$"
_DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return the duration of a text such as `90m`, `26h` or `7d`. Raises `ValueError`, also above `MAX_DAYS` days."""
    if not re.fullmatch(_DURATION_PATTERN, text, re.ASCII) or text.endswith("\n"):
        raise ValueError(text)
    duration = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if duration > timedelta(days=MAX_DAYS):
        raise ValueError(text)
    return duration


def parse_day(text: str) -> date:
    """Return the date of a text such as `2027-03-31`. Raises `ValueError`."""
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
        raise PydanticCustomError("wanted", "a text that is not blank")
    return text


def _check_true(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("wanted", "true, or leave it out")
    return value


def _to_number(value: float) -> float:
    """Return 20.0 as 20, as it was written: reports show the number."""
    return int(value) if value.is_integer() else value


Duration = Annotated[str, BeforeValidator(_check_duration), Field(json_schema_extra={"pattern": _DURATION_PATTERN})]
PositiveDuration = Annotated[
    Duration, AfterValidator(_check_positive_duration), Field(json_schema_extra={"pattern": _POSITIVE_DURATION_PATTERN})
]
Day = Annotated[str, BeforeValidator(_check_day), Field(json_schema_extra={"pattern": _DAY_PATTERN, "format": "date"})]
Text = Annotated[str, AfterValidator(_check_not_blank), Field(json_schema_extra={"pattern": r"\S"})]
# Pinecone accepts a longer name, but then every run fails.
ScheduleName = Annotated[
    str,
    Field(max_length=SCHEDULE_NAME_MAX_LENGTH, json_schema_extra={"pattern": r"\S"}),
    AfterValidator(_check_not_blank),
]
Location = Annotated[Text, AfterValidator(_check_location), Field(json_schema_extra={"pattern": "[/*]"})]
OnlyTrue = Annotated[bool, AfterValidator(_check_true), Field(json_schema_extra={"const": True})]
Count = Annotated[int, Field(ge=0, le=MAX_DAYS)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Percent = Annotated[float, Field(ge=0, le=100), AfterValidator(_to_number)]
Factor = Annotated[float, Field(ge=1), AfterValidator(_to_number)]
Texts = Annotated[list[Text], Field(min_length=1)]


def _define_key(key: str, description: str, **constraints: Any) -> Any:  # noqa: ANN401  as pydantic's own `Field`
    """Return the field of a policy key, with the default that `domain.policy` sets."""
    return Field(default=find_default(key), description=description, **constraints)


class Shape(BaseModel):
    """A mapping of the file. Values are not converted, and unknown keys are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class RetentionDaysShape(Shape):
    """The allowed retention of a schedule."""

    min: Days | None = _define_key("schedule.retention_days.min", "shortest retention, in days; null for no limit")
    max: Days | None = _define_key("schedule.retention_days.max", "longest retention, in days; null for no limit")


class ScheduleShape(Shape):
    """Requirements for backup schedules."""

    required: bool = _define_key("schedule.required", "whether an index must have a schedule")
    frequency: Frequency = _define_key("schedule.frequency", "slowest allowed frequency", strict=False)
    retention_days: RetentionDaysShape = Field(
        default_factory=RetentionDaysShape, description="how long backups are kept"
    )


class RecoveryShape(Shape):
    """Requirements for recovery points."""

    max_age: PositiveDuration | None = _define_key(
        "recovery.max_age", "maximum age of the newest recovery point; null for the frequency's interval + runs.grace"
    )
    min_copies: Count | None = _define_key(
        "recovery.min_copies", "minimum number of recovery points; null for no limit"
    )
    horizon: Duration | None = _define_key(
        "recovery.horizon", "how long recovery points must last when no new ones are created; null for no limit"
    )


class RunsShape(Shape):
    """Requirements for runs of a schedule."""

    grace: Duration = _define_key("runs.grace", "how late a run may be")
    stuck_after: Duration | None = _define_key(
        "runs.stuck_after", "how long a run may be in progress; null for no limit"
    )


class ContentShape(Shape):
    """How far the newest recovery point may differ from the median of those before it."""

    allow_empty: bool = _define_key("content.allow_empty", "whether a recovery point may have no records")
    max_record_drop_percent: Percent | None = _define_key(
        "content.max_record_drop_percent", "maximum drop in the number of records; null for no limit"
    )
    max_namespace_drop_percent: Percent | None = _define_key(
        "content.max_namespace_drop_percent", "maximum drop in the number of namespaces; null for no limit"
    )
    max_size_factor: Factor | None = _define_key(
        "content.max_size_factor", "maximum factor by which the size may grow or shrink; null for no limit"
    )


class ProtectionShape(Shape):
    """Requirements for the location and age of backups, and for the settings of the index."""

    deletion_protection: bool = _define_key(
        "protection.deletion_protection", "whether deletion protection of the index must be on"
    )
    locations: list[Location] = _define_key(
        "protection.locations", "patterns of cloud/region where backups may be stored; empty for no limit"
    )
    required_tags: list[Text] = _define_key("protection.required_tags", "tags that an index must have")
    max_backup_age_days: Days | None = _define_key(
        "protection.max_backup_age_days", "maximum age of any backup, in days; null for no limit"
    )


class OrphanedBackupsShape(Shape):
    """Requirements for backups of deleted indexes. Rules do not apply to deleted indexes, only the defaults do."""

    max_age_days: Count | None = _define_key(
        "orphaned_backups.max_age_days",
        "maximum age of the newest backup of a deleted index, in days; null for no limit",
    )


class RequirementsShape(Shape):
    """Requirements for an index."""

    schedule: ScheduleShape = Field(default_factory=ScheduleShape, description="requirements for backup schedules")
    recovery: RecoveryShape = Field(default_factory=RecoveryShape, description="requirements for recovery points")
    runs: RunsShape = Field(default_factory=RunsShape, description="requirements for runs of a schedule")
    content: ContentShape = Field(default_factory=ContentShape, description="how far recovery points may differ")
    protection: ProtectionShape = Field(
        default_factory=ProtectionShape, description="requirements for backups and index settings"
    )
    orphaned_backups: OrphanedBackupsShape = Field(
        default_factory=OrphanedBackupsShape, description="requirements for backups of deleted indexes"
    )


class ProjectShape(Shape):
    """Requirements for the project as a whole."""

    plan: PineconePlan = _define_key("project.plan", "the organization's plan, which sets the quota", strict=False)
    backup_quota: int | None = _define_key(
        "project.backup_quota", "maximum number of backups of the project; null for the plan's", ge=1, le=1_000_000
    )
    quota_warn_percent: Percent | None = _define_key(
        "project.quota_warn_percent", "maximum use of the quota; null for no limit"
    )
    expected_id: Text | None = _define_key("project.expected_id", "the id that the project must have; null for any id")
    document_indexes: DocumentIndexes = _define_key(
        "project.document_indexes", "whether indexes with full-text or semantic-text fields are evaluated", strict=False
    )


class MatchShape(Shape):
    """The indexes that a rule applies to. Both names and tags must match; an absent key matches every index."""

    names: Texts = Field(
        default_factory=list, description="shell patterns, one of which the name must match; absent: every name matches"
    )
    tags: dict[str, Texts] = Field(
        default_factory=dict,
        description="tags that the index must have, each with one of the listed values; absent: every index matches",
    )


class RuleShape(Shape):
    """Requirements for some indexes. The first rule that matches wins."""

    name: Annotated[Text, Field(description="name of the rule in reports")]
    match: MatchShape = Field(default_factory=MatchShape, description="the indexes that the rule applies to")
    require: RequirementsShape = Field(
        default_factory=RequirementsShape, description="replaces the defaults, key by key"
    )


_SUBJECTS = (("names", "tags"), ("backups",), ("project",))
_INDEX_SUBJECT: JsonValue = {"anyOf": [{"required": ["names"]}, {"required": ["tags"]}]}
_ONE_SUBJECT: list[JsonValue] = [_INDEX_SUBJECT, {"required": ["backups"]}, {"required": ["project"]}]


class ExemptionShape(Shape):
    """An accepted deviation. Its findings keep their verdict and no longer count.

    It has exactly one subject: indexes (`names`, `tags`, or both, which must then both match), `backups` or `project`.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_SUBJECT})

    names: Texts = Field(default_factory=list, description="shell patterns of indexes and deleted indexes")
    tags: Annotated[
        dict[str, Texts],
        Field(min_length=1, description="tags that a live index must have, each with one of the listed values"),
    ] = Field(default_factory=dict)
    backups: Texts = Field(default_factory=list, description="ids of single backups")
    project: Annotated[OnlyTrue, Field(description="true for controls of the project as a whole")] = False
    controls: Annotated[Texts, Field(description="shell patterns of control ids")]
    owner: Annotated[Text, Field(description="who accepts the deviation")]
    reason: Annotated[Text, Field(description="why it is accepted")]
    expires: Annotated[Day, Field(description="last day of the exemption, in UTC, such as 2027-03-31")]


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
    """The changes that remediation may make, and how many in one run."""

    create_schedules: Mode = _define_key(
        "remediation.create_schedules", "whether missing schedules are created", strict=False
    )
    fix_schedules: Mode = _define_key("remediation.fix_schedules", "whether schedules are corrected", strict=False)
    first_backup: bool = _define_key("remediation.first_backup", "whether an index without a backup gets one")
    max_creations: Count = _define_key(
        "remediation.max_creations", "maximum number of schedules and first backups that one run creates"
    )
    schedule_name: ScheduleName = _define_key("remediation.schedule_name", "name of the schedules that are created")


class PolicyShape(Shape):
    """The requirements for the backups of a Pinecone project."""

    version: Annotated[int, Field(ge=1, le=1, description="version of this format", json_schema_extra={"const": 1})] = 1
    defaults: RequirementsShape = Field(default_factory=RequirementsShape, description="requirements for every index")
    project: ProjectShape = Field(default_factory=ProjectShape, description="requirements for the project")
    rules: list[RuleShape] = Field(
        default_factory=list, description="other requirements for some indexes; the first match wins"
    )
    exemptions: list[Annotated[ExemptionShape, AfterValidator(_require_one_subject)]] = Field(
        default_factory=list, description="accepted deviations"
    )
    remediation: RemediationShape = Field(
        default_factory=RemediationShape, description="the changes that remediation may make"
    )


def build_policy_schema() -> JsonSchemaValue:
    """Return the JSON Schema of a policy, in the 2020-12 dialect. It cannot find contradictions within a policy."""
    schema = TypeAdapter(PolicyShape).json_schema(schema_generator=_UntitledJsonSchema)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "Policy of backup-auditor, version 1",
        **{key: value for key, value in schema.items() if key != "title"},
    }


class _UntitledJsonSchema(GenerateJsonSchema):
    """A schema without titles: they would repeat each key."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  the same for all
        """Return `False` for every key."""
        return False
