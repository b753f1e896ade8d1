"""The schema of the policy file: every key, its default, its values and its meaning; and its JSON Schema."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError

from backup_auditor.domain.model import Frequency
from backup_auditor.domain.policy import (
    INDEX_PREFIX_PATTERN,
    DocumentIndexes,
    Mode,
    PineconePlan,
    PointChoice,
    find_default,
)
from backup_auditor.domain.target_schedule import SCHEDULE_NAME_MAX_LENGTH
from backup_auditor.domain.timefmt import DAY_PATTERN, parse_day

MAX_DAYS = 36_500
"""The days of a hundred years. Any time minus this duration is still a valid `datetime`."""
MAX_DRILLS = 100
MAX_SAMPLE_RECORDS = 10_000

_DURATION_PATTERN = r"^[0-9]{1,9}[mhd]$"
_POSITIVE_DURATION_PATTERN = r"^0*[1-9][0-9]*[mhd]$"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return the duration of a text such as `90m`, `26h` or `7d`. Raises `ValueError`, also above `MAX_DAYS` days."""
    if not re.fullmatch(_DURATION_PATTERN, text, re.ASCII):
        raise ValueError(text)
    duration = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if duration > timedelta(days=MAX_DAYS):
        raise ValueError(text)
    return duration


def _expect(description: str, is_valid: Callable[[Any], object]) -> Callable[[Any], Any]:
    """Return what lets valid values pass. Its error says what to write; `is_valid` may raise errors of its own."""

    def check(value: Any) -> Any:  # noqa: ANN401  pydantic checks the type
        with suppress(TypeError, ValueError):
            if is_valid(value):
                return value
        raise PydanticCustomError("wanted", description)

    return check


def _to_number(value: float) -> float:
    """Return 20.0 as 20, as it was written: reports show the number."""
    return int(value) if value.is_integer() else value


Duration = Annotated[
    str,
    BeforeValidator(
        _expect(
            f"a duration such as 90m, 26h or 7d, of at most {MAX_DAYS}d", lambda text: parse_duration(text) is not None
        )
    ),
    Field(json_schema_extra={"pattern": _DURATION_PATTERN}),
]
PositiveDuration = Annotated[
    Duration,
    AfterValidator(_expect("a duration above zero, such as 26h", parse_duration)),
    Field(json_schema_extra={"pattern": _POSITIVE_DURATION_PATTERN}),
]
Day = Annotated[
    str,
    BeforeValidator(_expect("a day such as 2027-03-31", parse_day)),
    Field(json_schema_extra={"pattern": f"^{DAY_PATTERN}$", "format": "date"}),
]
_check_not_blank = AfterValidator(_expect("a text that is not blank", str.strip))
Text = Annotated[str, _check_not_blank, Field(json_schema_extra={"pattern": r"\S"})]
# Pinecone accepts a longer name, but then every run fails.
ScheduleName = Annotated[
    str, Field(max_length=SCHEDULE_NAME_MAX_LENGTH, json_schema_extra={"pattern": r"\S"}), _check_not_blank
]
Location = Annotated[
    Text,
    AfterValidator(_expect("a pattern of cloud/region, such as aws/eu-*", lambda text: "/" in text or "*" in text)),
    Field(json_schema_extra={"pattern": "[/*]"}),
]
IndexPrefix = Annotated[
    str,
    AfterValidator(
        _expect(
            "1 to 20 characters of a-z, 0-9 and -, without - at either end",
            lambda text: re.fullmatch(INDEX_PREFIX_PATTERN, text),
        )
    ),
    Field(json_schema_extra={"pattern": f"^{INDEX_PREFIX_PATTERN}$"}),
]
OnlyTrue = Annotated[
    bool, AfterValidator(_expect("true, or leave it out", bool)), Field(json_schema_extra={"const": True})
]
Count = Annotated[int, Field(ge=0, le=MAX_DAYS)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]
Percent = Annotated[float, Field(ge=0, le=100), AfterValidator(_to_number)]
Factor = Annotated[float, Field(ge=1), AfterValidator(_to_number)]
Texts = Annotated[list[Text], Field(min_length=1)]


def _define_key(key: str, description: str, **constraints: Any) -> Any:  # noqa: ANN401  as pydantic's own `Field`
    """Return the field of a policy key, with the default that `domain.policy` sets."""
    return Field(default=find_default(key), description=description, **constraints)


def _define_section(shape: Callable[[], object], description: str) -> Any:  # noqa: ANN401  as pydantic's own `Field`
    """Return the field of a mapping, whose keys have the defaults of its shape."""
    return Field(default_factory=shape, description=description)


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
    retention_days: RetentionDaysShape = _define_section(RetentionDaysShape, "how long backups are kept")


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
    restore_drill_within: PositiveDuration | None = _define_key(
        "recovery.restore_drill_within", "how long ago a restore drill may have passed; null for no limit"
    )
    max_restore_time: PositiveDuration | None = _define_key(
        "recovery.max_restore_time", "how long a restore may take in a drill; null for no limit"
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

    schedule: ScheduleShape = _define_section(ScheduleShape, "requirements for backup schedules")
    recovery: RecoveryShape = _define_section(RecoveryShape, "requirements for recovery points")
    runs: RunsShape = _define_section(RunsShape, "requirements for runs of a schedule")
    content: ContentShape = _define_section(ContentShape, "how far recovery points may differ")
    protection: ProtectionShape = _define_section(ProtectionShape, "requirements for backups and index settings")
    orphaned_backups: OrphanedBackupsShape = _define_section(
        OrphanedBackupsShape, "requirements for backups of deleted indexes"
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

    names: Texts = _define_section(list, "shell patterns, one of which the name must match; absent: every name matches")
    tags: dict[str, Texts] = _define_section(
        dict,
        "tags that the index must have, each with one of the listed values; absent: every index matches",
    )


class RuleShape(Shape):
    """Requirements for some indexes. The first rule that matches wins."""

    name: Annotated[Text, Field(description="name of the rule in reports")]
    match: MatchShape = _define_section(MatchShape, "the indexes that the rule applies to")
    require: RequirementsShape = _define_section(RequirementsShape, "replaces the defaults, key by key")


_SUBJECTS = (("names", "tags"), ("backups",), ("project",))
_INDEX_SUBJECT: JsonValue = {"anyOf": [{"required": ["names"]}, {"required": ["tags"]}]}
_ONE_SUBJECT: list[JsonValue] = [_INDEX_SUBJECT, {"required": ["backups"]}, {"required": ["project"]}]


class ExemptionShape(Shape):
    """An accepted deviation. Its findings keep their verdict and no longer count.

    It has exactly one subject: indexes (`names`, `tags`, or both, which must then both match), `backups` or `project`.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": _ONE_SUBJECT})

    names: Texts = _define_section(list, "shell patterns of indexes and deleted indexes")
    tags: Annotated[
        dict[str, Texts],
        Field(min_length=1, description="tags that a live index must have, each with one of the listed values"),
    ] = Field(default_factory=dict)
    backups: Texts = _define_section(list, "ids of single backups")
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


class RestoreDrillsShape(Shape):
    """Whether restore drills may run, and within which limits."""

    mode: Mode = _define_key("restore_drills.mode", "whether restore drills may run", strict=False)
    max_per_run: Annotated[int, Field(ge=1, le=MAX_DRILLS)] = _define_key(
        "restore_drills.max_per_run", "maximum number of drills that one run starts"
    )
    max_size_gib: Annotated[float, Field(gt=0), AfterValidator(_to_number)] = _define_key(
        "restore_drills.max_size_gib", "maximum size of a backup that a drill restores, in GiB"
    )
    max_duration: PositiveDuration = _define_key(
        "restore_drills.max_duration", "how long a restore and its verification may take together"
    )
    sample_records: Annotated[int, Field(ge=1, le=MAX_SAMPLE_RECORDS)] = _define_key(
        "restore_drills.sample_records", "maximum number of records that a drill reads"
    )
    choose: PointChoice = _define_key(
        "restore_drills.choose", "which recovery point of an index a drill restores", strict=False
    )
    index_prefix: IndexPrefix = _define_key(
        "restore_drills.index_prefix", "what the names of temporary indexes begin with"
    )
    price_per_gib: Annotated[float, Field(ge=0), AfterValidator(_to_number)] | None = _define_key(
        "restore_drills.price_per_gib", "price of a restored GiB, in your currency; null if it is unknown"
    )


class PolicyShape(Shape):
    """The requirements for the backups of a Pinecone project."""

    version: Annotated[int, Field(ge=1, le=1, description="version of this format", json_schema_extra={"const": 1})] = 1
    defaults: RequirementsShape = _define_section(RequirementsShape, "requirements for every index")
    project: ProjectShape = _define_section(ProjectShape, "requirements for the project")
    rules: list[RuleShape] = _define_section(list, "other requirements for some indexes; the first match wins")
    exemptions: list[Annotated[ExemptionShape, AfterValidator(_require_one_subject)]] = _define_section(
        list, "accepted deviations"
    )
    remediation: RemediationShape = _define_section(RemediationShape, "the changes that remediation may make")
    restore_drills: RestoreDrillsShape = _define_section(RestoreDrillsShape, "whether restore drills may run, and how")


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
