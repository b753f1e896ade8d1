"""What a control is: its requirement, guidance and verdicts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backup_auditor.domain.finding import Compliance, Evidence, Exemption, Resource, ResourceType, Severity
from backup_auditor.domain.listing import ListingId


class Framework(StrEnum):
    """A requirement of a framework that a control serves."""

    SOC_2_A1_2 = "SOC 2 A1.2"
    SOC_2_A1_3 = "SOC 2 A1.3"
    ISO_27001_A_8_13 = "ISO 27001:2022 A.8.13"
    NIST_CP_9 = "NIST SP 800-53 CP-9"
    NIST_CP_9_1 = "NIST SP 800-53 CP-9(1)"
    NIST_CP_10 = "NIST SP 800-53 CP-10"
    HIPAA_BACKUP = "HIPAA 164.308(a)(7)(ii)(A)"


BACKUP_FRAMEWORKS = (Framework.SOC_2_A1_2, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9, Framework.HIPAA_BACKUP)
"""Backups are made, and failures to make them are noticed."""
RECOVERY_FRAMEWORKS = (*BACKUP_FRAMEWORKS[:3], Framework.NIST_CP_10, Framework.HIPAA_BACKUP)
"""There is something to restore from."""
INTEGRITY_FRAMEWORKS = (Framework.SOC_2_A1_3, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9_1)
"""What was backed up is whole. It is no test of a restore."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a person needs who reads of a control, or has to act on its finding."""

    looks_at: str
    """The facts that it judges by."""
    console: tuple[str, ...]
    """What to do in Pinecone's console, step by step; empty where nothing can be done there."""
    api: tuple[str, ...]
    """The same by calls of the API, with the blanks that the remediation has; capitals are for the reader to fill."""
    false_positives: str
    """When a finding may be no fault."""
    frameworks: tuple[Framework, ...] = ()
    """What it serves, where the mapping is honest."""
    corresponds_to: tuple[str, ...] = ()
    """The standard controls elsewhere that ask for the same."""


class InsufficientDataError(Exception):
    """A fact that a control needs is not known. `evaluate` makes it the finding's verdict."""

    def __init__(self, reason: str, evidence: Evidence | None = None, exemption: Exemption | None = None) -> None:
        """Say in one sentence which fact is not known, and why; `exemption` accepts all that the verdict is about."""
        super().__init__(reason)
        self.reason = reason
        self.evidence: Evidence = evidence or {}
        self.exemption = exemption


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a control says of one resource."""

    compliance: Compliance
    reason: str
    """One sentence that names the figures."""
    evidence: Evidence = field(default_factory=dict)
    """What the verdict was computed from: JSON values, datetimes and timedeltas excluded."""
    severity: Severity | None = None
    """Where it differs from the control's own."""
    depends_on_absence_in: tuple[ListingId, ...] = ()
    """The listings in which a further row could overturn the verdict: it stands only if a second walk agrees."""
    exemption: Exemption | None = None
    """What accepts every single backup that the verdict is about."""


def compliant(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Say that the requirement is met."""
    return Verdict(Compliance.COMPLIANT, reason, evidence or {})


def not_applicable(reason: str, evidence: Evidence | None = None) -> Verdict:
    """Say that there is nothing to judge."""
    return Verdict(Compliance.NOT_APPLICABLE, reason, evidence or {})


def non_compliant(
    reason: str,
    evidence: Evidence | None = None,
    *,
    severity: Severity | None = None,
    depends_on_absence_in: tuple[ListingId, ...] = (),
    exemption: Exemption | None = None,
) -> Verdict:
    """Say that the requirement is not met; `rests_on` names the listings in which a further row could overturn that."""
    return Verdict(Compliance.NON_COMPLIANT, reason, evidence or {}, severity, depends_on_absence_in, exemption)


class Family(StrEnum):
    """Which facts a control is about; it decides where a plan without schedules leaves nothing to judge."""

    SCHEDULES = "schedules"
    RECOVERY = "recovery"
    RUNS = "runs"
    CONTENT = "content"
    PROTECTION = "protection"
    QUOTA = "quota"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Control[Subject]:
    """One requirement, judged for each resource of its scopes."""

    id: str
    title: str
    """The passing state."""
    fails_when: str
    """The rule: when it is non-compliant, and what is an exception."""
    severity: Severity
    scopes: tuple[ResourceType, ...]
    """What it is judged for."""
    family: Family
    rationale: str
    remediation: str
    """What to do next; `{name}` is the resource's name, `{schedule_id}` its schedule's id, any other a figure's."""
    guidance: Guidance
    evaluate: Callable[[Subject], Verdict]
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The policy's keys that it reads, each with what it means."""
    is_evaluated_without_support: bool = False
    """Whether it is judged for indexes, too, that the service cannot back up."""
    is_evaluated_while_initializing: bool = True
    """Whether it is judged for indexes that are still being created."""


_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")


_SCHEDULE_ID = "schedule_id"


def build_placeholder_values(resource: Resource, remediation_values: Evidence, evidence: Evidence) -> Evidence:
    """Put together what fills the blanks: the resource's name, figures of the evidence, then what else is known."""
    return {**remediation_values, **evidence, "name": resource.name}


def fill_placeholders(text: str, values: Evidence, format_value: Callable[[str], str] = str) -> str:
    """Put what is told into the blanks that are called as it is, written as the place asks for.

    What nothing tells is left in capitals for the reader to find.
    """

    def fill(match: re.Match[str]) -> str:
        value = _find_value(values, match[1])
        return format_value(value) if value else _format_missing(match[1])

    return _PLACEHOLDER.sub(fill, text)


def fill_step(step: str, values: Evidence) -> str:
    """Fill a step; where the id of a schedule is found, is added if nothing tells it."""
    text = fill_placeholders(step, values)
    if f"{{{_SCHEDULE_ID}}}" not in step or _find_value(values, _SCHEDULE_ID):
        return text
    return f"{text} GET /indexes/{values['name']}/backup-schedules tells {_format_missing(_SCHEDULE_ID)}."


def _find_value(value: object, name: str) -> str | None:
    """Return what a blank stands for; a dot leads into an object."""
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value) if isinstance(value, str | int) else None


def _format_missing(name: str) -> str:
    return name.upper().replace(".", "_")
