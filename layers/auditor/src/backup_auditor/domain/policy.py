"""What the owner requires of a project, and of which of its indexes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.patterns import fit_every_name, fits_any
from backup_auditor.domain.requirements import Requirements


class Plan(StrEnum):
    """Pinecone's plans."""

    STARTER = "starter"
    BUILDER = "builder"
    STANDARD = "standard"
    ENTERPRISE = "enterprise"


_QUOTAS = {Plan.STANDARD: 500, Plan.ENTERPRISE: 1000}


class DocumentIndexes(StrEnum):
    """Whether indexes with full-text or semantic-text fields are judged."""

    INCLUDED = "included"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class ProjectRequirement:
    """What is required of the project as a whole."""

    plan: Plan = Plan.STANDARD
    backup_quota: int | None = None
    quota_warn_percent: float | None = 80
    expected_id: str | None = None
    document_indexes: DocumentIndexes = DocumentIndexes.INCLUDED

    @property
    def quota(self) -> int | None:
        """How many backups the project may hold: as the policy says, else by plan; `None` where neither gives one."""
        return self.backup_quota if self.backup_quota is not None else _QUOTAS.get(self.plan)


@dataclass(frozen=True, slots=True)
class Rule:
    """Requirements for the indexes whose name and tags both fit."""

    name: str
    names: tuple[str, ...]
    """Shell patterns; empty fits every name."""
    tags: Mapping[str, tuple[str, ...]]
    """Every key must be there with one of its values; empty fits every index."""
    require: Requirements
    """The rule's own requirements, already laid over the defaults."""

    def fits(self, name: str, tags: Mapping[str, str]) -> bool:
        """Tell whether an index falls under this rule."""
        return self.fits_name(name) and all(tags.get(key) in values for key, values in self.tags.items())

    def fits_name(self, name: str) -> bool:
        """Tell whether an index of that name falls under this rule, if its tags fit."""
        return not self.names or fits_any(name, self.names)

    @property
    def fits_everything(self) -> bool:
        """Whether every index falls under this rule, whatever it is called."""
        return not self.tags and (not self.names or fit_every_name(self.names))


class Mode(StrEnum):
    """What remediation may do."""

    NEVER = "never"
    PROPOSE = "propose"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Remediation:
    """What may be changed, and how much of it in one run."""

    create_schedules: Mode = Mode.NEVER
    fix_schedules: Mode = Mode.NEVER
    first_backup: bool = False
    max_creations: int = 5
    schedule_name: str = "auditor"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner requires, and where that is written."""

    source: str
    sha256: str
    defaults: Requirements = field(default_factory=Requirements)
    project: ProjectRequirement = field(default_factory=ProjectRequirement)
    rules: tuple[Rule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    remediation: Remediation = field(default_factory=Remediation)

    def rule_for(self, name: str, tags: Mapping[str, str]) -> Rule | None:
        """Return the first rule that fits an index, or `None` where the defaults apply."""
        return next((rule for rule in self.rules if rule.fits(name, tags)), None)

    def exemption_for(
        self, control: str, name: str, tags: Mapping[str, str] | None, observed_at: datetime
    ) -> Exemption | None:
        """Return the first exemption of a control on an index at a moment; a deleted index has no tags, `None`."""
        return next((it for it in self._current(control, observed_at) if it.fits_index(name, tags)), None)

    def project_exemption_for(self, control: str, observed_at: datetime) -> Exemption | None:
        """Return the first exemption of a control on the project as a whole at a moment."""
        return next((it for it in self._current(control, observed_at) if it.is_for_project), None)

    def exempted_backups(self, control: str, observed_at: datetime) -> Mapping[str, Exemption]:
        """Return the single backups that a control may find fault with at a moment, each with its first exemption."""
        found: dict[str, Exemption] = {}
        for exemption in self._current(control, observed_at):
            for backup_id in exemption.backups:
                found.setdefault(backup_id, exemption)
        return found

    def _current(self, control: str, observed_at: datetime) -> Iterator[Exemption]:
        day = observed_at.astimezone(UTC).date()
        return (it for it in self.exemptions if it.is_current(day) and it.fits_control(control))
