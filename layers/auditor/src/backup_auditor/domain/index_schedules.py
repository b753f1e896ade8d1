"""The schedules of one index, and what is not known of them."""

from functools import cached_property

from backup_auditor.domain.control import InsufficientError
from backup_auditor.domain.facts import Deployment, Schedule
from backup_auditor.domain.finding import Evidence
from backup_auditor.domain.inventory import IndexFacts
from backup_auditor.domain.listing import Listing, ListingId, ListingKind, Refusal, RefusalKind, Unread, known_rows
from backup_auditor.domain.schedule_facts import evidence_of, label


class IndexSchedules:
    """The schedules of one index. Those that are known prove presence, even where not all are."""

    def __init__(self, facts: IndexFacts, plan_refusal: Refusal | None) -> None:
        """Look at one index's schedules; `plan_refusal` is the answer by which the plan has none, if there was one."""
        answer = facts.schedules
        self.known: tuple[Schedule, ...] = known_rows(answer)
        is_missing = answer is None and facts.index.deployment is not Deployment.POD  # a pod has none, and is not asked
        missing = Unread(f"schedules of {facts.index.name}", "they were not read") if is_missing else None
        broken = answer.broken if isinstance(answer, Listing) else missing
        refused = isinstance(answer, Refusal) and answer.kind is RefusalKind.PLAN
        self.plan_refusal: Refusal | None = plan_refusal if refused or (broken is not None and not self.known) else None
        """Why there can be none: the plan has no schedules."""
        self.unread: Unread | None = None if self.plan_refusal else broken
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
        """Raise `InsufficientError` unless all schedules are known."""
        if self.unread is not None:
            raise unread_error("schedules", self.unread)

    def need_all(self) -> None:
        """Raise `InsufficientError` unless all schedules are known, and whether each is enabled."""
        self.need_listing()
        for schedule in self.perhaps_enabled:
            raise self.doubt_about(schedule)

    def doubt_about(self, schedule: Schedule) -> InsufficientError:
        """Make the error that says of a schedule that it is not known whether it is enabled."""
        reason = f"Pinecone does not say whether its schedule {label(schedule)} is enabled."
        return InsufficientError(reason, evidence_of(schedule))


def unread_error(fact: str, unread: Unread) -> InsufficientError:
    """Make the error that says which of a resource's facts could not be read, and why."""
    reason = f"Its {fact} could not be read: {unread.what}: {unread.error}"
    return InsufficientError(reason, {"unread": unread.what, "error": unread.error})
