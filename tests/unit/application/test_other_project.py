"""A state that belongs to another Pinecone project is never compared with what was read."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import evaluate_inventory, run_audit
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.errors import ProjectMismatchError
from backup_auditor.ports.pinecone import NoProgress
from support.builders.facts import DAY, NOW, backup, broken, index, inventory, schedule, whole
from support.builders.reports import BUILT_IN
from support.fakes.project_audit import FakeReader
from support.fakes.stores import PROJECT, FakeEvidence, FakeStore

LATER = NOW + DAY


def project_of(*ids: str | None) -> Inventory:
    """Build an inventory whose schedules name these Pinecone projects."""
    schedules = [schedule(f"schedule-{place}", project_id=it) for place, it in enumerate(ids)]
    return replace(inventory(index("orders", schedules=whole(schedules))), observed_at=LATER)


def state_of(*ids: str | None) -> FakeStore:
    """Return a state in which one audit of such a project is recorded."""
    store = FakeStore()
    evaluate_inventory(replace(project_of(*ids), observed_at=NOW), BUILT_IN, store)
    return store


def test_another_project_is_refused_and_the_state_stays_as_it_is() -> None:
    """The error names both ids, and no report is kept."""
    store, evidence = state_of("project-1"), FakeEvidence()
    before = store.load(PROJECT)
    with pytest.raises(ProjectMismatchError) as caught:
        evaluate_inventory(project_of("project-2"), BUILT_IN, store, evidence)
    assert str(caught.value) == (
        "the state of default belongs to Pinecone project project-1, but Pinecone project project-2 was read;"
        " nothing was compared or recorded"
    )
    assert store.load(PROJECT) is before
    assert evidence.kept == {}


@pytest.mark.parametrize(
    "known,read",
    [
        pytest.param(["project-1"], ["project-1"], id="the-same"),
        pytest.param(["project-1"], [None], id="unknown-in-this-audit"),
        pytest.param(["project-1"], [], id="no-schedule-in-this-audit"),
        pytest.param([None], ["project-1"], id="unknown-in-the-state"),
        pytest.param([], ["project-1"], id="learned-now"),
        pytest.param(["project-1", "project-2"], ["project-3"], id="ambiguous-in-the-state"),
        pytest.param(["project-1"], ["project-2", "project-1"], id="one-of-two"),
    ],
)
def test_what_may_be_the_same_project_is_compared(known: list[str | None], read: list[str | None]) -> None:
    """Only an id on both sides can tell two projects apart."""
    store = state_of(*known)
    assert evaluate_inventory(project_of(*read), BUILT_IN, store).record is not None


def test_two_unknown_ids_are_both_named() -> None:
    """None of the ids that were read is the id of the state."""
    with pytest.raises(ProjectMismatchError, match="but Pinecone project project-2, project-3 was read"):
        evaluate_inventory(project_of("project-3", "project-2"), BUILT_IN, state_of("project-1"))


def test_a_learned_id_refuses_another_project_from_then_on() -> None:
    """A state of older code has no id; the first audit with a schedule stores it."""
    store = state_of(None)
    evaluate_inventory(project_of("project-1"), BUILT_IN, store)
    with pytest.raises(ProjectMismatchError, match="belongs to Pinecone project project-1"):
        evaluate_inventory(replace(project_of("project-2"), observed_at=LATER + DAY), BUILT_IN, store)


def test_an_incomplete_audit_of_another_project_is_refused_too() -> None:
    """One schedule that could be read is enough to know the project."""
    read = replace(project_of("project-2"), backups=broken())
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(read, BUILT_IN, state_of("project-1"))


def test_an_older_audit_of_another_project_is_refused_too() -> None:
    """It is not only late: it is compared with nothing."""
    read = replace(project_of("project-2"), observed_at=NOW - DAY)
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(read, BUILT_IN, state_of("project-1"))


def test_a_live_audit_is_refused_before_any_second_read() -> None:
    """What the state misses in the other project needs no confirmation."""

    class Reader(FakeReader):
        reads = 0

        def read_schedules(self, index: str) -> object:  # type: ignore[override]  # the fake's own walk
            self.reads += 1
            return super().read_schedules(index)

    reader = Reader(index("orders", schedules=whole([schedule("other", project_id="project-2")])))
    with pytest.raises(ProjectMismatchError):
        run_audit(
            reader,  # type: ignore[arg-type]  # as above
            BUILT_IN,
            project=PROJECT,
            observed_at=LATER,
            progress=NoProgress(),
            store=state_of("project-1"),
        )
    assert reader.reads == 1


class OvertakenStore(FakeStore):
    """A store in which an audit of another project is quicker, once."""

    other: Inventory | None = None

    def record(self, project: str, change: StateChange) -> None:
        """Record the other audit first."""
        if self.other is not None:
            other, self.other = self.other, None
            evaluate_inventory(other, BUILT_IN, self)
        super().record(project, change)


def test_another_project_that_is_recorded_meanwhile_keeps_the_state() -> None:
    """Both audits began with an empty state; the later recording is refused and changes nothing."""
    store = OvertakenStore()
    store.other = replace(project_of("project-1"), observed_at=NOW)
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(project_of("project-2"), BUILT_IN, store)
    assert store.load(PROJECT).pinecone_project_id == "project-1"
    assert len(store.recorded[PROJECT]) == 1


def test_a_state_is_in_doubt_where_no_id_and_no_known_backup_confirms_it() -> None:
    """A project without schedules names no id: the verdicts stay, and a warning says what to check."""
    mine, other = (
        replace(inventory(index(schedules=whole([])), backups=whole([it])), observed_at=NOW)
        for it in (backup(backup_id="backup-1", index_id="id-1"), backup(backup_id="backup-2", index_id="id-2"))
    )
    store = FakeStore()
    assert evaluate_inventory(mine, BUILT_IN, store).report.warnings == ()
    assert evaluate_inventory(replace(mine, observed_at=LATER), BUILT_IN, store).report.warnings == ()
    swapped = replace(other, observed_at=LATER + DAY)
    sentence = (
        "The state may belong to another Pinecone project: it knows 1 backup, none of which is listed, and no schedule"
        " confirms the project's id; check that the key opens the project of this state."
    )
    for _ in range(2):  # delivered twice, it says the same
        assert evaluate_inventory(swapped, BUILT_IN, store).report.warnings == (sentence,)


def test_a_backup_that_the_state_knows_confirms_the_project() -> None:
    """One known backup in the listing is enough, though others are gone, and an incomplete audit confirms nothing."""
    store = FakeStore()
    before = [backup(backup_id="backup-1"), backup(backup_id="backup-2")]
    evaluate_inventory(inventory(index(schedules=whole([])), backups=whole(before)), BUILT_IN, store)
    fewer = inventory(index(schedules=whole([])), backups=whole(before[1:]))
    assert evaluate_inventory(replace(fewer, observed_at=LATER), BUILT_IN, store).report.warnings == ()
    unread = inventory(index(schedules=whole([])), backups=broken())
    assert evaluate_inventory(replace(unread, observed_at=LATER + DAY), BUILT_IN, store).report.warnings == ()
