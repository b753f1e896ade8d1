"""Generate the table of the simulator's scenarios."""

from backup_auditor_simulator.scenarios import ORGANIZATIONS, SCENARIOS
from docs.markdown import table


def list_scenarios() -> str:
    """Return the table of the scenarios."""
    return table(("scenario", "content"), ((f"`{name}`", it) for name, it in {**SCENARIOS, **ORGANIZATIONS}.items()))
