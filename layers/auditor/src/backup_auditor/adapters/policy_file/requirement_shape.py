"""The shape of what a policy file requires of one index: every key, its default, what it may be, and what it means."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backup_auditor.adapters.policy_file.terms import Count, Days, Duration, Location, Percent, PositiveDuration, Text
from backup_auditor.domain.cadence import Frequency


class Shape(BaseModel):
    """A mapping of the file: nothing is converted, and no key is there that is not known."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class RetentionDays(Shape):
    """Between which retentions a schedule must lie."""

    min: Annotated[Days | None, Field(description="shortest retention, in days; null for no such limit")] = 7
    max: Annotated[Days | None, Field(description="longest retention, in days; null for no such limit")] = 400


class Schedule(Shape):
    """What backup schedules must be."""

    required: Annotated[bool, Field(description="whether an index must have a schedule")] = True
    frequency: Annotated[Frequency, Field(strict=False, description="slowest frequency")] = Frequency.DAILY
    retention_days: RetentionDays = Field(default_factory=RetentionDays, description="how long backups are kept")


class Recovery(Shape):
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


class Runs(Shape):
    """How late a run may be, and how long it may take."""

    grace: Annotated[Duration, Field(description="how late a run may be")] = "6h"
    stuck_after: Annotated[
        Duration | None, Field(description="how long a run may be under way; null for no such limit")
    ] = "12h"


class Content(Shape):
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


class Protection(Shape):
    """Where backups may lie, how long, and what an index must carry."""

    deletion_protection: Annotated[bool, Field(description="whether an index must be protected from deletion")] = False
    locations: Annotated[
        list[Location], Field(description="patterns of cloud/region where backups may lie; none for anywhere")
    ] = []
    required_tags: Annotated[list[Text], Field(description="tags that an index must have")] = []
    erasure_days: Annotated[
        Days | None, Field(description="oldest that any backup may be, in days; null for no such limit")
    ] = None


class Orphans(Shape):
    """What is required of deleted indexes. They have the defaults only: in a rule this changes nothing."""

    keep_days: Annotated[
        Count | None,
        Field(description="how long backups of deleted indexes may be kept, in days; null for no such limit"),
    ] = 30


class RequirementsShape(Shape):
    """What is required of an index."""

    schedule: Schedule = Field(default_factory=Schedule, description="what backup schedules must be")
    recovery: Recovery = Field(default_factory=Recovery, description="what recovery points must be")
    runs: Runs = Field(default_factory=Runs, description="how late a run may be, and how long it may take")
    content: Content = Field(default_factory=Content, description="how far recovery points may differ")
    protection: Protection = Field(
        default_factory=Protection, description="where backups may lie, and what indexes carry"
    )
    orphans: Orphans = Field(default_factory=Orphans, description="what is required of deleted indexes")
