"""Strategies for property tests: small projects whose facts may be late, odd, null or missing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.listing import Listing
from backup_auditor.domain.model import Backup, Schedule
from support.builders.facts import (
    DAY,
    GRACE,
    HOUR,
    SECOND,
    IndexCase,
    ago,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    build_schedule,
    build_unnamed_run,
    rename_index,
)

EDGE_LENGTHS = (timedelta(), SECOND, HOUR, GRACE, 12 * HOUR, 12 * HOUR + SECOND, DAY, DAY + GRACE, DAY + GRACE + SECOND)
AGES = st.sampled_from([*EDGE_LENGTHS, *(days * DAY for days in (2, 3, 5, 7, 8, 14, 15, 31, 40)), -SECOND, -DAY])
STATUSES = st.sampled_from(
    ["Ready"] * 4 + ["Failed", "Initializing", "Pending", "Scheduled", "InitializationFailed", "Odd"]
)
RETENTIONS = st.sampled_from([None, DAY, 2 * DAY, 7 * DAY, 8 * DAY, 31 * DAY, 401 * DAY])


def schedules(index_id: str | None = "id-main") -> st.SearchStrategy[list[Schedule]]:
    """Generate up to three schedules of one index."""
    facts = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["nightly", "x" * 28, "x" * 29, None]),
            "frequency": st.sampled_from(["daily", "daily", "weekly", "monthly", "hourly", None]),
            "retention": RETENTIONS,
            "enabled": st.sampled_from([True, True, False, None]),
            "next_run": AGES.map(ago) | st.sampled_from([None, "unreadable"]),
            "created_at": AGES.map(ago) | st.none(),
        }
    )

    def build_schedules(rows: Sequence[dict[str, Any]]) -> list[Schedule]:
        return [_build_schedule(f"schedule-{number}", index_id, row) for number, row in enumerate(rows)]

    return st.lists(facts, max_size=3).map(build_schedules)


def _build_schedule(schedule_id: str, index_id: str | None, row: dict[str, Any]) -> Schedule:
    unreadable = {"next_run": None, "next_run_unreadable": True} if row["next_run"] == "unreadable" else {}
    return build_schedule(schedule_id, index_id=index_id, **(row | unreadable))


@st.composite
def backup_rows(draw: st.DrawFn, prefix: str, *, ids: Sequence[str] = ("id-main",), size: int = 6) -> list[Backup]:
    """Generate runs and backups, each with the same state in all listings."""
    backups = []
    for number in range(draw(st.integers(0, size))):
        age, status, index_id = draw(AGES), draw(STATUSES), draw(st.sampled_from(ids))
        make = draw(st.sampled_from([build_run, build_run, build_run, build_backup, build_unnamed_run]))
        facts: dict[str, Any] = {"backup_id": f"{prefix}-{number}", "status": status, "index_id": index_id}
        if draw(st.integers(0, 9)) == 0:
            facts |= {"created_at": None, "scheduled_for": None, "name": None}
        if index_id != "id-main" and draw(st.booleans()):
            facts["index_deleted_at"] = ago(HOUR)
        backups.append(make(age, **facts))
    return backups


@st.composite
def index_cases(draw: st.DrawFn, *, reads: int = 2) -> IndexCase:
    """Generate an index whose listings are all complete."""
    known_schedules = draw(schedules(draw(st.sampled_from(["id-main", "id-main", None]))))
    histories = {it.schedule_id: draw(backup_rows(it.schedule_id)) for it in known_schedules}
    runs = [row for history in histories.values() for row in history]
    listed_backups = [row for row in runs if draw(st.integers(0, 3))]
    listed_backups += draw(backup_rows("manual", ids=("id-main", "id-earlier"), size=3))
    has_own_listing = draw(st.booleans())
    return build_index(
        schedules=build_complete_listing(known_schedules, reads),
        runs=build_complete_listing(histories[known_schedules[0].schedule_id], reads) if known_schedules else None,
        other_runs={
            it.schedule_id: build_complete_listing(histories[it.schedule_id], reads) for it in known_schedules[1:]
        },
        listed_backups=listed_backups,
        own_backups=build_complete_listing([row for row in listed_backups if row.index_id == "id-main"], reads)
        if has_own_listing
        else None,
        reads=reads,
    )


@st.composite
def inventories(draw: st.DrawFn, *, reads: int = 2) -> Inventory:
    """Generate a project of one or two indexes, with this many complete reads."""
    drawn_cases = [draw(index_cases(reads=reads))]
    if draw(st.booleans()):
        drawn_cases.append(rename_index(draw(index_cases(reads=reads)), "other"))
    return build_inventory(*drawn_cases, reads=reads)


@st.composite
def truncated_listings(draw: st.DrawFn, listing: Listing[Any]) -> Listing[Any]:
    """Generate the rows of a listing whose read failed: any subset of them."""
    return build_failed_listing([row for row in listing.rows if draw(st.booleans())])
