"""Controls: requirements with their guidance, and the placeholders in the text of their remediation."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backup_auditor.domain.finding import Evidence, Resource, ResourceType, Severity, Verdict


class Framework(StrEnum):
    """A requirement of a compliance framework that a control supports."""

    SOC_2_A1_2 = "SOC 2 A1.2"
    SOC_2_A1_3 = "SOC 2 A1.3"
    ISO_27001_A_8_13 = "ISO 27001:2022 A.8.13"
    NIST_CP_9 = "NIST SP 800-53 CP-9"
    NIST_CP_9_1 = "NIST SP 800-53 CP-9(1)"
    NIST_CP_10 = "NIST SP 800-53 CP-10"
    HIPAA_BACKUP = "HIPAA 164.308(a)(7)(ii)(A)"


BACKUP_FRAMEWORKS = (Framework.SOC_2_A1_2, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9, Framework.HIPAA_BACKUP)
"""Requirements that backups are taken, and that failures are noticed."""
RECOVERY_FRAMEWORKS = (*BACKUP_FRAMEWORKS[:3], Framework.NIST_CP_10, Framework.HIPAA_BACKUP)
"""Requirements that there is a recovery point to restore from."""
INTEGRITY_FRAMEWORKS = (Framework.SOC_2_A1_3, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9_1)
"""Requirements that the content of backups is complete. It does not replace a restore test."""


class Family(StrEnum):
    """The facts that a control is about. Without schedules in the plan, `SCHEDULES` controls are not applicable."""

    SCHEDULES = "schedules"
    RECOVERY = "recovery"
    RUNS = "runs"
    CONTENT = "content"
    PROTECTION = "protection"
    QUOTA = "quota"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Control[Subject]:
    """One requirement, evaluated for each resource of its scopes."""

    id: str
    title: str
    """The condition of a compliant resource."""
    fails_when: str
    """When a resource is non-compliant, and the exceptions."""
    severity: Severity
    family: Family
    rationale: str
    remediation: str
    """What to do. `{name}` is the name of the resource, `{schedule_id}` the id of its schedule; others are evidence."""
    looks_at: str
    """The facts that the control evaluates."""
    console: tuple[str, ...]
    """The steps in Pinecone's console; empty if the console does not offer them."""
    api: tuple[str, ...]
    """The same steps as API calls, with the placeholders of the remediation. Words in capitals are for the reader."""
    false_positives: str
    """When a finding may need no correction."""
    evaluate: Callable[[Subject], Verdict]
    scopes: tuple[ResourceType, ...] = (ResourceType.INDEX,)
    """The types of resource that it evaluates."""
    frameworks: tuple[Framework, ...] = ()
    """The requirements that it supports, only where the mapping is exact."""
    corresponds_to: tuple[str, ...] = ()
    """The controls of other products that require the same."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The policy keys that it reads, each with its meaning."""
    is_evaluated_without_support: bool = False
    """Whether it is also evaluated for indexes that the service cannot back up."""
    is_evaluated_while_initializing: bool = True
    """Whether it is also evaluated for indexes that are still being created."""


_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
_SCHEDULE_ID = "schedule_id"


def build_placeholder_values(resource: Resource, remediation_values: Evidence, evidence: Evidence) -> Evidence:
    """Return the values for the placeholders of a remediation. Evidence replaces other values of the same name."""
    return {**remediation_values, **evidence, "name": resource.name}


def fill_placeholders(text: str, values: Evidence, format_value: Callable[[str], str] = str) -> str:
    """Replace each placeholder by its formatted value; without a value, by its name in capitals, for the reader."""

    def fill(match: re.Match[str]) -> str:
        value = _find_value(values, match[1])
        return format_value(value) if value else _format_missing(match[1])

    return _PLACEHOLDER.sub(fill, text)


def fill_step(step: str, values: Evidence) -> str:
    """Fill the placeholders of a step. If the id of the schedule is unknown, add the call that returns it."""
    text = fill_placeholders(step, values)
    if f"{{{_SCHEDULE_ID}}}" not in step or _find_value(values, _SCHEDULE_ID):
        return text
    return f"{text} GET /indexes/{values['name']}/backup-schedules returns {_format_missing(_SCHEDULE_ID)}."


def _find_value(value: object, name: str) -> str | None:
    """Return the value of a placeholder; a dot selects a key of an object."""
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value) if isinstance(value, str | int) else None


def _format_missing(name: str) -> str:
    return name.upper().replace(".", "_")
