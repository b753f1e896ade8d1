"""The schedules of one index: their facts, or `InsufficientDataError` where a fact is unknown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.finding import Evidence, InsufficientDataError
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ListingId, ListingKind, ReadFailure, list_rows
from backup_auditor.domain.model import Deployment, Frequency, Schedule
from backup_auditor.domain.project_state import EarlierSettings
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import format_length, format_moment, to_days


@dataclass(frozen=True, slots=True)
class PartialResults[Item, Result]:
    """The results of a function for several items, in their order, without those for which a fact is unknown."""

    results: tuple[tuple[Item, Result], ...]
    unknown_error: InsufficientDataError | None
    """The error of the first item without a result, if any."""

    def require_complete(self) -> None:
        """Raise `InsufficientDataError` unless every item has a result."""
        if self.unknown_error is not None:
            raise self.unknown_error


def try_each[Item, Result](items: Iterable[Item], evaluate: Callable[[Item], Result]) -> PartialResults[Item, Result]:
    """Apply a function to each item; an unknown fact of one item does not affect the others."""
    results: list[tuple[Item, Result]] = []
    unknown_error: InsufficientDataError | None = None
    for item in items:
        try:
            results.append((item, evaluate(item)))
        except InsufficientDataError as error:
            unknown_error = unknown_error or error
    return PartialResults(tuple(results), unknown_error)


def require_frequency(schedule: Schedule) -> Frequency:
    """Return the frequency of a schedule; raise `InsufficientDataError` if it is unknown."""
    frequency = Frequency.parse(schedule.frequency)
    if frequency is None:
        evidence: Evidence = {**schedule.identity, "frequency": schedule.frequency}
        frequency_text = "none" if schedule.frequency is None else quote_text(schedule.frequency)
        reason = f"The frequency of schedule {schedule.label} is unknown (Pinecone returned {frequency_text})."
        raise InsufficientDataError(reason, evidence)
    return frequency


def require_interval(schedule: Schedule) -> timedelta:
    """Return the longest interval between two runs; raise `InsufficientDataError` if the frequency is unknown."""
    return require_frequency(schedule).interval


def require_retention(schedule: Schedule) -> timedelta:
    """Return the retention of a schedule; raise `InsufficientDataError` if it is unknown."""
    return _require_known(schedule, schedule.retention, "retention")


def require_name(schedule: Schedule) -> str:
    """Return the name of a schedule; raise `InsufficientDataError` if it is unknown."""
    return _require_known(schedule, schedule.name, "name")


def require_created_at(schedule: Schedule) -> datetime:
    """Return when a schedule was created; raise `InsufficientDataError` if that is unknown."""
    return _require_known(schedule, schedule.created_at, "creation time")


def _require_known[Fact](schedule: Schedule, value: Fact | None, fact: str) -> Fact:
    if value is None:
        raise InsufficientDataError(f"The {fact} of schedule {schedule.label} is unknown.", schedule.identity)
    return value


def build_retention_evidence(schedule: Schedule) -> dict[str, object]:
    """Return the name, id and retention of a schedule as evidence."""
    return {**schedule.identity, "retention_days": to_days(require_retention(schedule))}


def describe_retention(schedule: Schedule) -> str:
    """Return the beginning of a sentence: which schedule keeps backups for how long."""
    return f"Schedule {schedule.label} keeps backups for {format_length(require_retention(schedule))}"


def build_settings_evidence(settings: EarlierSettings) -> dict[str, object]:
    """Return the settings of a schedule, and the time of the first audit that saw them, as evidence."""
    return {
        "in_force_since": format_moment(settings.since),
        "frequency": settings.frequency,
        "retention_days": None if settings.retention is None else to_days(settings.retention),
        "enabled": settings.enabled,
    }


class IndexSchedules:
    """The schedules of one index. Known schedules prove presence, even if others are unknown."""

    def __init__(self, facts: IndexFacts, plan_denial: Denial | None) -> None:
        """Read the schedules of one index; `plan_denial` is the answer that the plan has none, if there was one."""
        answer = facts.schedules
        self.known_schedules: tuple[Schedule, ...] = list_rows(answer)
        # a pod index has no schedules, and they are not read
        is_missing = answer is None and facts.index.deployment is not Deployment.POD
        missing_failure = ReadFailure(f"schedules of {facts.index.name}", "not read") if is_missing else None
        failure = answer.failure if isinstance(answer, Listing) else missing_failure
        is_denied_by_plan = isinstance(answer, Denial) and answer.kind is DenialReason.PLAN
        self.plan_denial: Denial | None = (
            plan_denial if is_denied_by_plan or (failure is not None and not self.known_schedules) else None
        )
        """Why there can be no schedules: the plan does not include them."""
        self.failure: ReadFailure | None = None if self.plan_denial else failure
        """Why there may be unknown schedules, if there may."""
        listing_id = ListingId(ListingKind.SCHEDULES, facts.index.name)
        self.listings: tuple[ListingId, ...] = () if self.plan_denial else (listing_id,)
        """The listings that could contain a further schedule."""

    @cached_property
    def enabled_schedules(self) -> tuple[Schedule, ...]:
        """The schedules that are known to be enabled."""
        return tuple(it for it in self.known_schedules if it.enabled)

    @cached_property
    def possibly_enabled_schedules(self) -> tuple[Schedule, ...]:
        """The schedules for which Pinecone does not report whether they are enabled."""
        return tuple(it for it in self.known_schedules if it.enabled is None)

    @cached_property
    def single_schedule_evidence(self) -> Evidence:
        """The name and id of the schedule as evidence, if the index has exactly one."""
        return self.known_schedules[0].identity if len(self.known_schedules) == 1 and self.failure is None else {}

    def require_listing(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known."""
        if self.failure is not None:
            raise create_read_failure_error("schedules", self.failure)

    def require_complete(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known, and for each whether it is enabled."""
        self.require_listing()
        for schedule in self.possibly_enabled_schedules:
            raise self.create_unknown_enabled_error(schedule)

    def create_unknown_enabled_error(self, schedule: Schedule) -> InsufficientDataError:
        """Return the error that it is unknown whether a schedule is enabled."""
        reason = f"Pinecone does not report whether schedule {schedule.label} is enabled."
        return InsufficientDataError(reason, schedule.identity)


def create_read_failure_error(fact: str, failure: ReadFailure) -> InsufficientDataError:
    """Return the error that a fact could not be read, with the failed call."""
    reason = f"Could not read the {fact}: {failure}"
    return InsufficientDataError(reason, {"call": failure.call, "error": failure.error})
