"""The schedules of one index: their facts, or `InsufficientDataError` where a fact is unknown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ListingId, ListingKind, ReadFailure, list_rows
from backup_auditor.domain.model import Deployment, Frequency, Schedule
from backup_auditor.domain.project_state import EarlierSettings
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import format_length, format_moment, to_days


@dataclass(frozen=True, slots=True)
class PartialResults[Asked, Answer]:
    """What several answered to the same question, in their order."""

    results: tuple[tuple[Asked, Answer], ...]
    unknown_error: InsufficientDataError | None
    """Why the first that did not answer did not, if any."""

    def require_complete(self) -> None:
        """Raise `InsufficientDataError` unless all answered."""
        if self.unknown_error is not None:
            raise self.unknown_error


def try_each[Asked, Answer](
    items: Iterable[Asked], evaluate: Callable[[Asked], Answer]
) -> PartialResults[Asked, Answer]:
    """Ask each of several; one of which a fact is not known does not keep the others from answering."""
    results: list[tuple[Asked, Answer]] = []
    unknown_error: InsufficientDataError | None = None
    for item in items:
        try:
            results.append((item, evaluate(item)))
        except InsufficientDataError as error:
            unknown_error = unknown_error or error
    return PartialResults(tuple(results), unknown_error)


def label_schedule(schedule: Schedule) -> str:
    """Name a schedule in a sentence."""
    return schedule.name or schedule.schedule_id


def build_schedule_evidence(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, for a control to add its figures to."""
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id}


def require_frequency(schedule: Schedule) -> Frequency:
    """Return how often a schedule runs."""
    frequency = Frequency.parse(schedule.frequency)
    if frequency is None:
        evidence: Evidence = {**build_schedule_evidence(schedule), "frequency": schedule.frequency}
        frequency_text = "nothing" if schedule.frequency is None else quote_text(schedule.frequency)
        reason = f"How often its schedule {label_schedule(schedule)} runs is not known: Pinecone says {frequency_text}."
        raise InsufficientDataError(reason, evidence)
    return frequency


def require_interval(schedule: Schedule) -> timedelta:
    """Return the longest time that may pass between two runs of a schedule."""
    return require_frequency(schedule).interval


def require_retention(schedule: Schedule) -> timedelta:
    """Return how long the backups of a schedule are kept."""
    if schedule.retention is None:
        reason = f"How long its schedule {label_schedule(schedule)} keeps backups is not known."
        raise InsufficientDataError(reason, build_schedule_evidence(schedule))
    return schedule.retention


def require_name(schedule: Schedule) -> str:
    """Return the name of a schedule."""
    if schedule.name is None:
        raise InsufficientDataError(
            f"The name of its schedule {label_schedule(schedule)} is not known.", build_schedule_evidence(schedule)
        )
    return schedule.name


def require_created_at(schedule: Schedule) -> datetime:
    """Return when a schedule was made."""
    if schedule.created_at is None:
        reason = f"When its schedule {label_schedule(schedule)} was made is not known."
        raise InsufficientDataError(reason, build_schedule_evidence(schedule))
    return schedule.created_at


def build_retention_evidence(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, and its retention."""
    return {**build_schedule_evidence(schedule), "retention_days": to_days(require_retention(schedule))}


def describe_retention(schedule: Schedule) -> str:
    """Begin a sentence with how long a schedule keeps backups."""
    return f"Its schedule {label_schedule(schedule)} keeps backups {format_length(require_retention(schedule))}"


def build_settings_evidence(settings: EarlierSettings) -> dict[str, object]:
    """Return the settings that a schedule had, and the first audit that saw them."""
    return {
        "seen_since": format_moment(settings.since),
        "frequency": settings.frequency,
        "retention_days": None if settings.retention is None else to_days(settings.retention),
        "enabled": settings.enabled,
    }


class IndexSchedules:
    """The schedules of one index. Those that are known prove presence, even where not all are."""

    def __init__(self, facts: IndexFacts, plan_denial: Denial | None) -> None:
        """Look at one index's schedules; `plan_refusal` is the answer by which the plan has none, if there was one."""
        answer = facts.schedules
        self.known_schedules: tuple[Schedule, ...] = list_rows(answer)
        is_missing = answer is None and facts.index.deployment is not Deployment.POD  # a pod has none, and is not asked
        missing_failure = ReadFailure(f"schedules of {facts.index.name}", "they were not read") if is_missing else None
        failure = answer.failure if isinstance(answer, Listing) else missing_failure
        is_denied_by_plan = isinstance(answer, Denial) and answer.kind is DenialReason.PLAN
        self.plan_denial: Denial | None = (
            plan_denial if is_denied_by_plan or (failure is not None and not self.known_schedules) else None
        )
        """Why there can be none: the plan has no schedules."""
        self.failure: ReadFailure | None = None if self.plan_denial else failure
        """Why there may be more than are known, if there may."""
        listing_id = ListingId(ListingKind.SCHEDULES, facts.index.name)
        self.listings: tuple[ListingId, ...] = () if self.plan_denial else (listing_id,)
        """The listings in which a further schedule could stand."""

    @cached_property
    def enabled_schedules(self) -> tuple[Schedule, ...]:
        """Those that are known to be enabled."""
        return tuple(it for it in self.known_schedules if it.enabled)

    @cached_property
    def possibly_enabled_schedules(self) -> tuple[Schedule, ...]:
        """Those of which Pinecone does not say whether they are enabled."""
        return tuple(it for it in self.known_schedules if it.enabled is None)

    @cached_property
    def single_schedule_evidence(self) -> Evidence:
        """What names its schedule, where it has one and no more."""
        return (
            build_schedule_evidence(self.known_schedules[0])
            if len(self.known_schedules) == 1 and self.failure is None
            else {}
        )

    def require_listing(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known."""
        if self.failure is not None:
            raise create_read_failure_error("schedules", self.failure)

    def require_complete(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known, and whether each is enabled."""
        self.require_listing()
        for schedule in self.possibly_enabled_schedules:
            raise self.create_unknown_enabled_error(schedule)

    def create_unknown_enabled_error(self, schedule: Schedule) -> InsufficientDataError:
        """Make the error that says of a schedule that it is not known whether it is enabled."""
        reason = f"Pinecone does not say whether its schedule {label_schedule(schedule)} is enabled."
        return InsufficientDataError(reason, build_schedule_evidence(schedule))


def create_read_failure_error(fact: str, failure: ReadFailure) -> InsufficientDataError:
    """Make the error that says which of a resource's facts could not be read, and why."""
    reason = f"Its {fact} could not be read: {failure.call}: {failure.error}"
    return InsufficientDataError(reason, {"call": failure.call, "error": failure.error})
