"""Generates facts for property tests: small projects in which anything may be late, odd, null or missing."""

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
    backup,
    broken,
    index,
    inventory,
    renamed,
    run,
    schedule,
    unnamed_run,
    whole,
)

LENGTHS = (timedelta(), SECOND, HOUR, GRACE, 12 * HOUR, 12 * HOUR + SECOND, DAY, DAY + GRACE, DAY + GRACE + SECOND)
AGES = st.sampled_from([*LENGTHS, *(days * DAY for days in (2, 3, 5, 7, 8, 14, 15, 31, 40)), -SECOND, -DAY])
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

    def built(rows: Sequence[dict[str, Any]]) -> list[Schedule]:
        return [_schedule(f"schedule-{number}", index_id, row) for number, row in enumerate(rows)]

    return st.lists(facts, max_size=3).map(built)


def _schedule(schedule_id: str, index_id: str | None, row: dict[str, Any]) -> Schedule:
    unreadable = {"next_run": None, "next_run_unreadable": True} if row["next_run"] == "unreadable" else {}
    return schedule(schedule_id, index_id=index_id, **(row | unreadable))


@st.composite
def rows(draw: st.DrawFn, prefix: str, *, ids: Sequence[str] = ("id-main",), size: int = 6) -> list[Backup]:
    """Generate runs and backups, each in one state wherever it is shown."""
    found = []
    for number in range(draw(st.integers(0, size))):
        age, status, index_id = draw(AGES), draw(STATUSES), draw(st.sampled_from(ids))
        make = draw(st.sampled_from([run, run, run, backup, unnamed_run]))
        facts: dict[str, Any] = {"backup_id": f"{prefix}-{number}", "status": status, "index_id": index_id}
        if draw(st.integers(0, 9)) == 0:
            facts |= {"created_at": None, "scheduled_for": None, "name": None}
        if index_id != "id-main" and draw(st.booleans()):
            facts["index_deleted_at"] = ago(HOUR)
        found.append(make(age, **facts))
    return found


@st.composite
def cases(draw: st.DrawFn, *, walks: int = 2) -> IndexCase:
    """Generate an index whose listings were all read to their end."""
    known = draw(schedules(draw(st.sampled_from(["id-main", "id-main", None]))))
    histories = {it.schedule_id: draw(rows(it.schedule_id)) for it in known}
    runs = [row for history in histories.values() for row in history]
    listed = [row for row in runs if draw(st.integers(0, 3))]
    listed += draw(rows("manual", ids=("id-main", "id-earlier"), size=3))
    own = draw(st.booleans())
    return index(
        schedules=whole(known, walks),
        runs=whole(histories[known[0].schedule_id], walks) if known else None,
        other_runs={it.schedule_id: whole(histories[it.schedule_id], walks) for it in known[1:]},
        listed=listed,
        own=whole([row for row in listed if row.index_id == "id-main"], walks) if own else None,
        walks=walks,
    )


@st.composite
def projects(draw: st.DrawFn, *, walks: int = 2) -> Inventory:
    """Generate a project of one or two indexes, read to the end by so many walks."""
    found = [draw(cases(walks=walks))]
    if draw(st.booleans()):
        found.append(renamed(draw(cases(walks=walks)), "other"))
    return inventory(*found, walks=walks)


@st.composite
def cut(draw: st.DrawFn, listing: Listing[Any]) -> Listing[Any]:
    """Generate what is left of a listing whose walk broke off: any part of its rows."""
    return broken([row for row in listing.rows if draw(st.booleans())])
