"""All scenario cases."""

from scenarios import (
    calendars,
    content,
    drills,
    false_alarms,
    listings,
    project,
    recovery,
    retention,
    runs,
    schedules,
    states,
)
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
    *drills.CASES,
)
COMBINED_CONTROLS = frozenset({"policy-fits-quota"})
"""The controls that no case violates alone: a schedule that meets the policy needs the same quota as the policy."""
