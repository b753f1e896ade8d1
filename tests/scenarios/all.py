"""The whole corpus."""

from scenarios import calendars, content, false_alarms, listings, project, recovery, retention, runs, schedules, states
from scenarios.case import Case

CASES: tuple[Case, ...] = (
    *schedules.CASES,
    *recovery.CASES,
    *runs.CASES,
    *content.CASES,
    *retention.CASES,
    *project.CASES,
    *false_alarms.CASES,
    *listings.CASES,
    *calendars.CASES,
    *states.CASES,
)
COMBINED_CONTROLS = frozenset({"policy-fits-quota"})
"""What nothing can violate alone: where a schedule does as the policy asks, it takes as much of the quota."""
