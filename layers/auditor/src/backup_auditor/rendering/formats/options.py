"""The options that every format is written with."""

from collections.abc import Sequence
from dataclasses import dataclass

from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.rendering.grouping import FULL_REPORT_COMMAND


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Where a document goes, and what it is made of besides the reports."""

    controls: Sequence[AnyControl] = ()
    full_command: str = FULL_REPORT_COMMAND
    """The command that shows what a format leaves out."""
    report_count: int = 1
    """The largest number of reports."""
    is_registry: bool = False
    """Whether they are the projects of a registry, of which there may be one."""
    is_file: bool = False
    width: int = 100
    """The columns of the terminal."""
    is_colored: bool = False
