"""Policies: requirements of indexes and of the project, rules, exemptions, remediation and restore drills."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.model import Frequency, Index
from backup_auditor.domain.patterns import fit_every_name, fits_any
from backup_auditor.domain.timefmt import format_length, to_days

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ScheduleRequirement:
    """The requirements of schedules."""

    required: bool = True
    frequency: Frequency = Frequency.DAILY
    retention_min: timedelta | None = 7 * _DAY
    retention_max: timedelta | None = 400 * _DAY


@dataclass(frozen=True, slots=True)
class RecoveryRequirement:
    """The requirements of recovery points. `None` turns a limit off, except `max_age`: see `Requirements.max_age`."""

    max_age: timedelta | None = None
    min_copies: int | None = 2
    horizon: timedelta | None = 7 * _DAY
    restore_drill_within: timedelta | None = None
    """How long the proof of a passed restore drill counts."""
    max_restore_time: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RunRequirement:
    """How late a run may be, and how long it may take; `None` for no limit."""

    grace: timedelta = timedelta(hours=6)
    stuck_after: timedelta | None = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ContentRequirement:
    """How much a recovery point may differ from those before it. `None` turns a limit off."""

    allow_empty: bool = False
    max_record_drop_percent: float | None = 20
    max_namespace_drop_percent: float | None = 5
    max_size_factor: float | None = 3


@dataclass(frozen=True, slots=True)
class ProtectionRequirement:
    """The locations and the longest age of backups, and the protection and the tags of indexes."""

    deletion_protection: bool = False
    locations: tuple[str, ...] = ()
    required_tags: tuple[str, ...] = ()
    max_backup_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OrphanedBackupRequirement:
    """How long backups of deleted indexes may be kept."""

    max_age: timedelta | None = 30 * _DAY


@dataclass(frozen=True, slots=True)
class Requirements:
    """All requirements of one index."""

    schedule: ScheduleRequirement = field(default_factory=ScheduleRequirement)
    recovery: RecoveryRequirement = field(default_factory=RecoveryRequirement)
    runs: RunRequirement = field(default_factory=RunRequirement)
    content: ContentRequirement = field(default_factory=ContentRequirement)
    protection: ProtectionRequirement = field(default_factory=ProtectionRequirement)
    orphaned_backups: OrphanedBackupRequirement = field(default_factory=OrphanedBackupRequirement)

    @property
    def max_age(self) -> timedelta:
        """The longest age of the newest recovery point: as stated, or the interval of the frequency plus the grace."""
        policy_max_age = self.recovery.max_age
        return self.schedule.frequency.interval + self.runs.grace if policy_max_age is None else policy_max_age


class PineconePlan(StrEnum):
    """The plans of Pinecone."""

    STARTER = "starter"
    BUILDER = "builder"
    STANDARD = "standard"
    ENTERPRISE = "enterprise"


_QUOTAS = {PineconePlan.STANDARD: 500, PineconePlan.ENTERPRISE: 1000}
_INDEX_QUOTAS = {
    PineconePlan.STARTER: 5,
    PineconePlan.BUILDER: 10,
    PineconePlan.STANDARD: 20,
    PineconePlan.ENTERPRISE: 200,
}


class DocumentIndexes(StrEnum):
    """Whether indexes with full-text or semantic-text fields are evaluated."""

    INCLUDED = "included"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class ProjectRequirement:
    """The requirements of the project."""

    plan: PineconePlan = PineconePlan.STANDARD
    backup_quota: int | None = None
    quota_warn_percent: float | None = 80
    expected_id: str | None = None
    document_indexes: DocumentIndexes = DocumentIndexes.INCLUDED

    @property
    def quota(self) -> int | None:
        """The most backups of the project: as stated, or by plan; `None` if the plan has no backups."""
        return self.backup_quota if self.backup_quota is not None else _QUOTAS.get(self.plan)

    @property
    def index_quota(self) -> int:
        """The most indexes of the project, by plan."""
        return _INDEX_QUOTAS[self.plan]


@dataclass(frozen=True, slots=True)
class Rule:
    """The requirements of the indexes whose name and tags both match."""

    name: str
    names: tuple[str, ...]
    """Shell patterns; an empty tuple matches every name."""
    tags: Mapping[str, tuple[str, ...]]
    """The index must have each key with one of its values; an empty mapping matches every index."""
    requirements: Requirements
    """The defaults, overridden by the requirements of the rule."""

    def fits(self, name: str, tags: Mapping[str, str]) -> bool:
        """Return whether the rule matches an index."""
        return self.fits_name(name) and all(tags.get(key) in values for key, values in self.tags.items())

    def fits_name(self, name: str) -> bool:
        """Return whether the rule matches a name, whatever the tags."""
        return not self.names or fits_any(name, self.names)

    @property
    def fits_everything(self) -> bool:
        """Whether the rule matches every possible index."""
        return not self.tags and (not self.names or fit_every_name(self.names))


class Mode(StrEnum):
    """What remediation may do with a kind of action, and whether restore drills may run."""

    NEVER = "never"
    PROPOSE = "propose"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class RemediationPolicy:
    """What remediation may change, and how much at one time."""

    create_schedules: Mode = Mode.NEVER
    fix_schedules: Mode = Mode.NEVER
    first_backup: bool = False
    max_creations: int = 5
    schedule_name: str = "auditor"


class PointChoice(StrEnum):
    """Which recovery point of an index a restore drill restores."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RANDOM = "random"


INDEX_PREFIX_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?"
"""What the name of a temporary index may begin with: it leaves 15 of 45 characters for the name of the index."""


@dataclass(frozen=True, slots=True)
class RestoreDrillPolicy:
    """Whether restore drills may run, and within which limits."""

    mode: Mode = Mode.NEVER
    max_per_run: int = 1
    max_size_gib: float = 20
    max_duration: timedelta = timedelta(hours=6)
    """How long a restore and its verification may take together. The deletion of the index has no limit."""
    sample_records: int = 100
    choose: PointChoice = PointChoice.NEWEST
    index_prefix: str = "drill"
    price_per_gib: float | None = None
    """The price of a restored GiB in the operator's currency; `None` if unknown."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy and its source."""

    source: str
    sha256: str
    defaults: Requirements = field(default_factory=Requirements)
    project: ProjectRequirement = field(default_factory=ProjectRequirement)
    rules: tuple[Rule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    remediation: RemediationPolicy = field(default_factory=RemediationPolicy)
    restore_drills: RestoreDrillPolicy = field(default_factory=RestoreDrillPolicy)

    def explain_exclusion(self, index: Index) -> str | None:
        """Return why an index is excluded from evaluation, if it is."""
        if index.holds_documents and self.project.document_indexes is DocumentIndexes.EXCLUDED:
            return "The index has document fields, and the policy excludes document indexes."
        return None

    def find_rule(self, name: str, tags: Mapping[str, str]) -> Rule | None:
        """Return the first rule that matches an index; `None` if the defaults apply."""
        return next((rule for rule in self.rules if rule.fits(name, tags)), None)

    def find_exemption(
        self, control: str, name: str, tags: Mapping[str, str] | None, observed_at: datetime
    ) -> Exemption | None:
        """Return the first exemption of an index from a control at a time. The tags of a deleted index are `None`."""
        return next(
            (it for it in self._find_current_exemptions(control, observed_at) if it.fits_index(name, tags)), None
        )

    def find_project_exemption(self, control: str, observed_at: datetime) -> Exemption | None:
        """Return the first exemption of the project from a control at a time."""
        return next((it for it in self._find_current_exemptions(control, observed_at) if it.is_for_project), None)

    def find_exempted_backups(self, control: str, observed_at: datetime) -> Mapping[str, Exemption]:
        """Return the single backups that are exempted from a control at a time, each with its first exemption."""
        exemptions_by_id: dict[str, Exemption] = {}
        for exemption in self._find_current_exemptions(control, observed_at):
            for backup_id in exemption.backups:
                exemptions_by_id.setdefault(backup_id, exemption)
        return exemptions_by_id

    def _find_current_exemptions(self, control: str, observed_at: datetime) -> Iterator[Exemption]:
        day = observed_at.astimezone(UTC).date()
        return (it for it in self.exemptions if day <= it.expires and it.fits_control(control))


def find_default(key: str) -> object:
    """Return the default of a key as a policy file writes it. Raises `KeyError` for an unknown key."""
    section, _, name = key.partition(".")
    other_sections = {
        "project": ProjectRequirement(),
        "remediation": RemediationPolicy(),
        "restore_drills": RestoreDrillPolicy(),
    }
    requirement = other_sections.get(section) or getattr(Requirements(), section, None)
    attribute = name.replace("retention_days.", "retention_")
    is_in_days = attribute != name or name.endswith("_days")
    attribute = attribute.removesuffix("_days")
    if not is_dataclass(requirement) or attribute not in {it.name for it in fields(requirement)}:
        raise KeyError(key)
    value = getattr(requirement, attribute)
    if isinstance(value, timedelta):
        return to_days(value) if is_in_days else format_length(value)
    return list(value) if isinstance(value, tuple) else value
