"""Verdicts and findings: the result of one control, and its record for one resource. Compliance is as in AWS Config."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from backup_auditor.domain.listing import ListingId
from backup_auditor.domain.patterns import fits_any


class Compliance(StrEnum):
    """The four verdicts. An unknown fact never gives `COMPLIANT`."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Severity(StrEnum):
    """The severity of a non-compliant finding, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The position of the severity: 0 for low, 3 for critical."""
        return tuple(Severity).index(self)


class ResourceType(StrEnum):
    """The types of resource that a control can evaluate."""

    PROJECT = "project"
    INDEX = "index"
    DELETED_INDEX = "deleted_index"


@dataclass(frozen=True, slots=True)
class Resource:
    """The resource of a finding. The id of an index is `None` while it is unknown."""

    type: ResourceType
    project: str
    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """An accepted deviation of indexes (by name and tag), of single backups, or of the project.

    It is valid until the end of its last day, in UTC.
    """

    names: tuple[str, ...]
    """Shell patterns for names of live and deleted indexes; empty for tags alone, backups or the project."""
    controls: tuple[str, ...]
    owner: str
    reason: str
    expires: date
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Tags that a live index must have, each with one of the values. A deleted index has no tags."""
    backups: tuple[str, ...] = ()
    """The ids of single backups."""
    is_for_project: bool = False

    @property
    def is_for_indexes(self) -> bool:
        """Whether it names indexes, by name or tag."""
        return bool(self.names or self.tags)

    @property
    def evidence(self) -> dict[str, object]:
        """All of it as JSON values, by the keys of the policy file, without empty ones."""
        subject: dict[str, object] = {
            "names": list(self.names),
            "tags": {key: list(values) for key, values in self.tags},
            "backups": list(self.backups),
            "project": self.is_for_project,
        }
        return {
            **{key: value for key, value in subject.items() if value},
            "controls": list(self.controls),
            "owner": self.owner,
            "reason": self.reason,
            "expires": self.expires.isoformat(),
        }

    def fits_control(self, control: str) -> bool:
        """Return whether one of its patterns matches the id of a control."""
        return fits_any(control, self.controls)

    def fits_index(self, name: str, tags: Mapping[str, str] | None) -> bool:
        """Return whether it matches an index. The tags of a deleted index are `None`."""
        if not self.is_for_indexes or (self.names and not fits_any(name, self.names)):
            return False
        return not self.tags or (tags is not None and all(tags.get(key) in values for key, values in self.tags))


type Evidence = Mapping[str, object]


class InsufficientDataError(Exception):
    """A fact that a control needs is unknown. The evaluator turns it into the verdict."""

    def __init__(self, reason: str, evidence: Evidence | None = None, exemption: Exemption | None = None) -> None:
        """Take a sentence that says which fact is unknown, and why; `exemption` accepts what the verdict is about."""
        super().__init__(reason)
        self.reason = reason
        self.evidence: Evidence = evidence or {}
        self.exemption = exemption


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one control for one resource."""

    compliance: Compliance
    reason: str
    """One sentence that names the figures."""
    evidence: Evidence = field(default_factory=dict)
    """The JSON values that the verdict was computed from."""
    severity: Severity | None = None
    """The severity, if it differs from the control's default."""
    depends_on_absence_in: tuple[ListingId, ...] = ()
    """The listings in which a further row could change the verdict. It needs a second read that agrees."""
    exemption: Exemption | None = None
    """The exemption that accepts every backup that the verdict is about."""


def compliant(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Return the verdict that the requirement is met."""
    return Verdict(Compliance.COMPLIANT, reason, evidence or {})


def decide(reason: str, evidence: Evidence, *, is_compliant: bool) -> Verdict:
    """Return whether the requirement is met, with the same reason and evidence in both cases."""
    return compliant(reason, evidence) if is_compliant else non_compliant(reason, evidence)


def not_applicable(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Return the verdict that there is nothing to evaluate."""
    return Verdict(Compliance.NOT_APPLICABLE, reason, evidence or {})


def non_compliant(
    reason: str,
    evidence: Evidence | None = None,
    *,
    severity: Severity | None = None,
    depends_on_absence_in: tuple[ListingId, ...] = (),
    exemption: Exemption | None = None,
) -> Verdict:
    """Return the verdict that the requirement is not met. Further rows in `depends_on_absence_in` could change it."""
    return Verdict(Compliance.NON_COMPLIANT, reason, evidence or {}, severity, depends_on_absence_in, exemption)


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
    """Values for the remediation that are not part of the evidence."""

    @property
    def is_open(self) -> bool:
        """Whether it is non-compliant and has no exemption."""
        return self.compliance is Compliance.NON_COMPLIANT and self.exemption is None

    @property
    def is_opened(self) -> bool:
        """Whether it is open, and this audit opened or reopened it."""
        return self.is_open and self.lifecycle in {"new", "reopened"}

    @property
    def is_unknown(self) -> bool:
        """Whether it could not be evaluated, and has no exemption."""
        return self.compliance is Compliance.INSUFFICIENT_DATA and self.exemption is None


def compute_fingerprint(control: str, resource: Resource) -> str:
    """Return the fingerprint of a finding: a hash of project, control and resource, the same in each audit.

    A live index is identified by its name, which Pinecone never changes; a deleted index by its id.
    """
    identity = resource.id if resource.type is ResourceType.DELETED_INDEX else resource.name
    parts = (resource.project, control, resource.type, identity or "")
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
