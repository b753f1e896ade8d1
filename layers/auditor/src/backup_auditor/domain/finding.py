"""The verdict of one control on one resource, in the words of AWS Config."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backup_auditor.domain.patterns import fits_any


class Compliance(StrEnum):
    """The four verdicts. Unknown is never compliant."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Severity(StrEnum):
    """How bad a non-compliant finding is, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return tuple(Severity).index(self)


class ResourceType(StrEnum):
    """What a control can be judged for."""

    PROJECT = "project"
    INDEX = "index"
    DELETED_INDEX = "deleted_index"


@dataclass(frozen=True, slots=True)
class Resource:
    """What a finding is about. An index's id is `None` where nothing tells it."""

    type: ResourceType
    project: str
    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """An accepted deviation: of indexes by name and tag, of single backups, or of the project.

    It lasts to the end of its day, UTC.
    """

    names: tuple[str, ...]
    """Shell patterns of indexes and deleted indexes; empty where tags alone, backups or the project are meant."""
    controls: tuple[str, ...]
    owner: str
    reason: str
    expires: date
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Tags that a live index must have, each with one of its values. A deleted index has none."""
    backups: tuple[str, ...] = ()
    """Ids of single backups."""
    is_for_project: bool = False

    @property
    def is_for_indexes(self) -> bool:
        """Whether it is about indexes, by name or tag."""
        return bool(self.names or self.tags)

    @property
    def subject(self) -> dict[str, object]:
        """What it is about, by the keys that a policy says it with."""
        fields: dict[str, object] = {
            "names": list(self.names),
            "tags": {key: list(values) for key, values in self.tags},
            "backups": list(self.backups),
            "project": self.is_for_project,
        }
        return {key: value for key, value in fields.items() if value}

    def is_current(self, day: date) -> bool:
        """Tell whether it has not expired on a day (UTC)."""
        return day <= self.expires

    def fits_control(self, control: str) -> bool:
        """Tell whether one of its patterns fits a control's id."""
        return fits_any(control, self.controls)

    def fits_index(self, name: str, tags: Mapping[str, str] | None) -> bool:
        """Tell whether it is about a live index with these tags, or about a deleted one, whose tags are `None`."""
        if not self.is_for_indexes or (self.names and not fits_any(name, self.names)):
            return False
        return not self.tags or (tags is not None and all(tags.get(key) in values for key, values in self.tags))


type Evidence = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one control on one resource."""

    control: str
    resource: Resource
    compliance: Compliance
    severity: Severity
    reason: str
    evidence: Evidence
    remediation: str
    fingerprint: str
    exemption: Exemption | None = None
    lifecycle: str | None = None
    first_seen: datetime | None = None
    remediation_values: Evidence = field(default_factory=dict)
    """What its remediation names and the verdict was not computed from."""

    @property
    def is_open(self) -> bool:
        """Whether it is non-compliant and nobody accepted that."""
        return self.compliance is Compliance.NON_COMPLIANT and self.exemption is None


def compute_fingerprint(control: str, resource: Resource) -> str:
    """Return what makes a finding the same finding in every audit: project, control and resource, nothing that changes.

    A live index is known by its name, which Pinecone never changes; a deleted one by its id.
    """
    identity = resource.id if resource.type is ResourceType.DELETED_INDEX else resource.name
    parts = (resource.project, control, resource.type, identity or "")
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
