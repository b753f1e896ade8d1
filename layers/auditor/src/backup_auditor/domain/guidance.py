"""What there is to know of a control beside its rule: what it looks at, how to put things right, whom it serves."""

from dataclasses import dataclass
from enum import StrEnum


class Framework(StrEnum):
    """A requirement of a framework that a control serves."""

    SOC_2_A1_2 = "SOC 2 A1.2"
    SOC_2_A1_3 = "SOC 2 A1.3"
    ISO_27001_A_8_13 = "ISO 27001:2022 A.8.13"
    NIST_CP_9 = "NIST SP 800-53 CP-9"
    NIST_CP_9_1 = "NIST SP 800-53 CP-9(1)"
    NIST_CP_10 = "NIST SP 800-53 CP-10"
    HIPAA_BACKUP = "HIPAA 164.308(a)(7)(ii)(A)"


BACKED_UP = (Framework.SOC_2_A1_2, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9, Framework.HIPAA_BACKUP)
"""Backups are made, and failures to make them are noticed."""
RECOVERABLE = (*BACKED_UP[:3], Framework.NIST_CP_10, Framework.HIPAA_BACKUP)
"""There is something to restore from."""
INTACT = (Framework.SOC_2_A1_3, Framework.ISO_27001_A_8_13, Framework.NIST_CP_9_1)
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
