"""The whole corpus."""

from corpus import appearances, calendars, content, keeping, listings, project, recovery, runs, schedules, states
from corpus.case import Case

CASES: tuple[Case, ...] = (
    *schedules.CASES,
    *recovery.CASES,
    *runs.CASES,
    *content.CASES,
    *keeping.CASES,
    *project.CASES,
    *appearances.CASES,
    *listings.CASES,
    *calendars.CASES,
    *states.CASES,
)
IMPLYING = frozenset({"policy-fits-quota"})
"""What nothing can violate alone: where a schedule does as the policy asks, it takes as much of the quota."""
