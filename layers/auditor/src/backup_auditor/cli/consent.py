"""Asks whether a plan is to be carried out: nothing is written that nobody agreed to."""

import sys

from backup_auditor.cli.output import terminal_width
from backup_auditor.domain.remediation.plan import Plan
from backup_auditor.domain.wording import counted
from backup_auditor.errors import UsageError
from backup_auditor.rendering.plan import plan_table


def refuse_without_consent(*, is_applied: bool, is_agreed: bool) -> None:
    """Raise `UsageError` where nobody can be asked, and nobody agreed beforehand."""
    if is_agreed and not is_applied:
        raise UsageError("--yes agrees to --apply; give both, or neither")
    if is_applied and not is_agreed and not is_terminal():
        raise UsageError("--apply asks on a terminal, and there is none; look at the plan without it, then add --yes")


def agreed(plan: Plan, *, is_shown: bool) -> bool:
    """Ask on the terminal; what is not yet shown of the plan is shown there. Anything but yes is no."""
    if not is_shown:
        sys.stderr.write("".join(f"{line}\n" for line in plan_table(plan, terminal_width())))
    sys.stderr.write(f"Carry out {counted(len(plan.applicable), 'action')} of plan {plan.plan_id}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"y", "yes"}


def is_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
