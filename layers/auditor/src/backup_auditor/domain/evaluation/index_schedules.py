"""The schedules of one index: their facts, or `InsufficientDataError` where a fact is unknown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from backup_auditor.domain.control import InsufficientDataError
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Denial, DenialReason, Listing, ListingId, ListingKind, ReadFailure, known_rows
from backup_auditor.domain.model import Deployment, Frequency, Schedule
from backup_auditor.domain.project_state import EarlierSettings
from backup_auditor.domain.text import quote_text
from backup_auditor.domain.timefmt import days, format_length, format_moment


@dataclass(frozen=True, slots=True)
class PartialResults[Asked, Answer]:
    """What several answered to the same question, in their order."""

    known: tuple[tuple[Asked, Answer], ...]
    unknown: InsufficientDataError | None
    """Why the first that did not answer did not, if any."""

    def need_all(self) -> None:
        """Raise `InsufficientDataError` unless all answered."""
        if self.unknown is not None:
            raise self.unknown


def try_each[Asked, Answer](several: Iterable[Asked], ask: Callable[[Asked], Answer]) -> PartialResults[Asked, Answer]:
    """Ask each of several; one of which a fact is not known does not keep the others from answering."""
    known: list[tuple[Asked, Answer]] = []
    unknown: InsufficientDataError | None = None
    for one in several:
        try:
            known.append((one, ask(one)))
        except InsufficientDataError as error:
            unknown = unknown or error
    return PartialResults(tuple(known), unknown)


def label(schedule: Schedule) -> str:
    """Name a schedule in a sentence."""
    return schedule.name or schedule.schedule_id


def evidence_of(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, for a control to add its figures to."""
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id}


def frequency_of(schedule: Schedule) -> Frequency:
    """Return how often a schedule runs."""
    frequency = Frequency.of(schedule.frequency)
    if frequency is None:
        evidence: Evidence = {**evidence_of(schedule), "frequency": schedule.frequency}
        told = "nothing" if schedule.frequency is None else quote_text(schedule.frequency)
        reason = f"How often its schedule {label(schedule)} runs is not known: Pinecone says {told}."
        raise InsufficientDataError(reason, evidence)
    return frequency


def interval_of(schedule: Schedule) -> timedelta:
    """Return the longest time that may pass between two runs of a schedule."""
    return frequency_of(schedule).interval


def retention_of(schedule: Schedule) -> timedelta:
    """Return how long the backups of a schedule are kept."""
    if schedule.retention is None:
        reason = f"How long its schedule {label(schedule)} keeps backups is not known."
        raise InsufficientDataError(reason, evidence_of(schedule))
    return schedule.retention


def name_of(schedule: Schedule) -> str:
    """Return the name of a schedule."""
    if schedule.name is None:
        raise InsufficientDataError(f"The name of its schedule {label(schedule)} is not known.", evidence_of(schedule))
    return schedule.name


def created_at_of(schedule: Schedule) -> datetime:
    """Return when a schedule was made."""
    if schedule.created_at is None:
        reason = f"When its schedule {label(schedule)} was made is not known."
        raise InsufficientDataError(reason, evidence_of(schedule))
    return schedule.created_at


def with_retention(schedule: Schedule) -> dict[str, object]:
    """Return what names a schedule in evidence, and its retention."""
    return {**evidence_of(schedule), "retention_days": days(retention_of(schedule))}


def shown_retention(schedule: Schedule) -> str:
    """Begin a sentence with how long a schedule keeps backups."""
    return f"Its schedule {label(schedule)} keeps backups {format_length(retention_of(schedule))}"


def settings_evidence(settings: EarlierSettings) -> dict[str, object]:
    """Return the settings that a schedule had, and the first audit that saw them."""
    return {
        "seen_since": format_moment(settings.since),
        "frequency": settings.frequency,
        "retention_days": None if settings.retention is None else days(settings.retention),
        "enabled": settings.enabled,
    }


class IndexSchedules:
    """The schedules of one index. Those that are known prove presence, even where not all are."""

    def __init__(self, facts: IndexFacts, plan_refusal: Denial | None) -> None:
        """Look at one index's schedules; `plan_refusal` is the answer by which the plan has none, if there was one."""
        answer = facts.schedules
        self.known: tuple[Schedule, ...] = known_rows(answer)
        is_missing = answer is None and facts.index.deployment is not Deployment.POD  # a pod has none, and is not asked
        missing = ReadFailure(f"schedules of {facts.index.name}", "they were not read") if is_missing else None
        broken = answer.broken if isinstance(answer, Listing) else missing
        refused = isinstance(answer, Denial) and answer.kind is DenialReason.PLAN
        self.plan_refusal: Denial | None = plan_refusal if refused or (broken is not None and not self.known) else None
        """Why there can be none: the plan has no schedules."""
        self.unread: ReadFailure | None = None if self.plan_refusal else broken
        """Why there may be more than are known, if there may."""
        listing = ListingId(ListingKind.SCHEDULES, facts.index.name)
        self.listings: tuple[ListingId, ...] = () if self.plan_refusal else (listing,)
        """The listings in which a further schedule could stand."""

    @cached_property
    def enabled(self) -> tuple[Schedule, ...]:
        """Those that are known to be enabled."""
        return tuple(it for it in self.known if it.enabled)

    @cached_property
    def perhaps_enabled(self) -> tuple[Schedule, ...]:
        """Those of which Pinecone does not say whether they are enabled."""
        return tuple(it for it in self.known if it.enabled is None)

    @cached_property
    def only(self) -> Evidence:
        """What names its schedule, where it has one and no more."""
        return evidence_of(self.known[0]) if len(self.known) == 1 and self.unread is None else {}

    def need_listing(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known."""
        if self.unread is not None:
            raise unread_error("schedules", self.unread)

    def need_all(self) -> None:
        """Raise `InsufficientDataError` unless all schedules are known, and whether each is enabled."""
        self.need_listing()
        for schedule in self.perhaps_enabled:
            raise self.doubt_about(schedule)

    def doubt_about(self, schedule: Schedule) -> InsufficientDataError:
        """Make the error that says of a schedule that it is not known whether it is enabled."""
        reason = f"Pinecone does not say whether its schedule {label(schedule)} is enabled."
        return InsufficientDataError(reason, evidence_of(schedule))


def unread_error(fact: str, unread: ReadFailure) -> InsufficientDataError:
    """Make the error that says which of a resource's facts could not be read, and why."""
    reason = f"Its {fact} could not be read: {unread.what}: {unread.error}"
    return InsufficientDataError(reason, {"unread": unread.what, "error": unread.error})
