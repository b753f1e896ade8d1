"""A state that belongs to another Pinecone project is never compared with what was read."""

from dataclasses import replace

import pytest

from backup_auditor.application.audit import evaluate_inventory, run_audit
from backup_auditor.domain.inventory import Inventory
from backup_auditor.domain.lifecycle.state_change import StateChange
from backup_auditor.errors import EntryMismatchError, ProjectMismatchError
from backup_auditor.ports.pinecone import NoProgress
from support.builders.facts import (
    DAY,
    NOW,
    build_backup,
    build_complete_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_schedule,
)
from support.builders.reports import BUILT_IN_POLICY
from support.fakes.project_audit import FakeReader
from support.fakes.stores import PROJECT, FakeEvidence, FakeStore

NEXT_DAY = NOW + DAY


def build_project_inventory(*ids: str | None) -> Inventory:
    """Build an inventory whose schedules name these Pinecone projects."""
    schedules = [build_schedule(f"schedule-{position}", project_id=it) for position, it in enumerate(ids)]
    return replace(
        build_inventory(build_index("orders", schedules=build_complete_listing(schedules))), observed_at=NEXT_DAY
    )


def build_recorded_store(*ids: str | None) -> FakeStore:
    """Return a state in which one audit of such a project is recorded."""
    store = FakeStore()
    evaluate_inventory(replace(build_project_inventory(*ids), observed_at=NOW), BUILT_IN_POLICY, store)
    return store


def test_another_project_is_refused_and_the_state_stays_as_it_is() -> None:
    """The error names both ids, and no report is kept."""
    store, evidence = build_recorded_store("project-1"), FakeEvidence()
    state_before = store.load(PROJECT)
    with pytest.raises(ProjectMismatchError) as error_info:
        evaluate_inventory(build_project_inventory("project-2"), BUILT_IN_POLICY, store, evidence)
    assert str(error_info.value) == (
        "the state of default belongs to Pinecone project project-1, but Pinecone project project-2 was read;"
        " nothing was compared or recorded"
    )
    assert store.load(PROJECT) == state_before
    assert evidence.files == {}


@pytest.mark.parametrize(
    "recorded_ids,read_ids",
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
def test_what_may_be_the_same_project_is_compared(recorded_ids: list[str | None], read_ids: list[str | None]) -> None:
    """Only an id on both sides can tell two projects apart."""
    store = build_recorded_store(*recorded_ids)
    assert evaluate_inventory(build_project_inventory(*read_ids), BUILT_IN_POLICY, store).record is not None


def test_two_unknown_ids_are_both_named() -> None:
    """None of the ids that were read is the id of the state."""
    with pytest.raises(ProjectMismatchError, match="but Pinecone project project-2, project-3 was read"):
        evaluate_inventory(
            build_project_inventory("project-3", "project-2"), BUILT_IN_POLICY, build_recorded_store("project-1")
        )


def test_a_learned_id_refuses_another_project_from_then_on() -> None:
    """A state of older code has no id; the first audit with a schedule stores it."""
    store = build_recorded_store(None)
    evaluate_inventory(build_project_inventory("project-1"), BUILT_IN_POLICY, store)
    with pytest.raises(ProjectMismatchError, match="belongs to Pinecone project project-1"):
        evaluate_inventory(
            replace(build_project_inventory("project-2"), observed_at=NEXT_DAY + DAY), BUILT_IN_POLICY, store
        )


def test_an_incomplete_audit_of_another_project_is_refused_too() -> None:
    """One schedule that could be read is enough to know the project."""
    inventory = replace(build_project_inventory("project-2"), backups=build_failed_listing())
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(inventory, BUILT_IN_POLICY, build_recorded_store("project-1"))


def test_an_older_audit_of_another_project_is_refused_too() -> None:
    """An older audit of another project is refused, and not treated as late."""
    inventory = replace(build_project_inventory("project-2"), observed_at=NOW - DAY)
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(inventory, BUILT_IN_POLICY, build_recorded_store("project-1"))


def test_a_live_audit_is_refused_before_any_second_read() -> None:
    """Missing backups of another project cause no second read."""

    class Reader(FakeReader):
        reads = 0

        def read_schedules(self, index: str) -> object:  # type: ignore[override]  # the fake's own walk
            self.reads += 1
            return super().read_schedules(index)

    reader = Reader(
        build_index("orders", schedules=build_complete_listing([build_schedule("other", project_id="project-2")]))
    )
    with pytest.raises(ProjectMismatchError):
        run_audit(
            reader,  # type: ignore[arg-type]  # as above
            BUILT_IN_POLICY,
            project=PROJECT,
            observed_at=NEXT_DAY,
            progress=NoProgress(),
            store=build_recorded_store("project-1"),
        )
    assert reader.reads == 1


def audit_registered(registered_id: str | None, read_ids: list[str | None], recorded_ids: list[str | None]) -> None:
    """Audit a project whose entry names an id, whose schedules show ids, and whose state has ids."""
    schedules = [build_schedule(f"schedule-{position}", project_id=it) for position, it in enumerate(read_ids)]
    run_audit(
        FakeReader(build_index("orders", schedules=build_complete_listing(schedules))),
        BUILT_IN_POLICY,
        project=PROJECT,
        observed_at=NEXT_DAY,
        progress=NoProgress(),
        store=build_recorded_store(*recorded_ids),
        registered_id=registered_id,
    )


@pytest.mark.parametrize(
    "recorded_ids", [pytest.param([], id="new-state"), pytest.param(["project-2"], id="its-state")]
)
def test_another_project_than_the_entry_names_is_refused(recorded_ids: list[str | None]) -> None:
    """The error names both ids and what to do, even where the state was recorded with the wrong key."""
    with pytest.raises(EntryMismatchError) as error_info:
        audit_registered("project-1", ["project-2"], recorded_ids)
    assert str(error_info.value) == (
        "the registry entry of default names Pinecone project project-1, but project-2 was read; nothing was compared"
        " or recorded; store a key of project-1, or correct project_id of the entry"
    )


@pytest.mark.parametrize(
    "registered_id,read_ids,recorded_ids",
    [
        pytest.param("project-1", ["project-1"], [], id="the-same"),
        pytest.param("project-1", ["project-2", "project-1"], [], id="one-of-two"),
        pytest.param("project-1", [None], [], id="unknown-in-this-audit"),
        pytest.param("project-1", [], ["project-1"], id="no-schedule-any-more"),
        pytest.param(None, ["project-1"], ["project-1"], id="not-named"),
    ],
)
def test_what_may_be_the_named_project_is_audited(
    registered_id: str | None, read_ids: list[str | None], recorded_ids: list[str | None]
) -> None:
    """Only two known ids can differ."""
    audit_registered(registered_id, read_ids, recorded_ids)


def test_a_state_of_another_project_than_the_entry_names_is_refused() -> None:
    """Where no schedule shows the project, the id of the entry decides: a corrected entry gets no other state."""
    with pytest.raises(ProjectMismatchError) as error_info:
        audit_registered("project-2", [], ["project-1"])
    assert str(error_info.value) == (
        "the state of default belongs to Pinecone project project-1, but its registry entry names project-2;"
        " nothing was compared or recorded"
    )
    assert str(error_info.value.with_remedy("discard it")).endswith(
        "names project-2; nothing was compared or recorded; discard it"
    )


class OvertakenStore(FakeStore):
    """A store in which an audit of another project is quicker, once."""

    other_inventory: Inventory | None = None

    def record(self, project: str, change: StateChange) -> None:
        """Record the other audit first."""
        if self.other_inventory is not None:
            other_inventory, self.other_inventory = self.other_inventory, None
            evaluate_inventory(other_inventory, BUILT_IN_POLICY, self)
        super().record(project, change)


def test_another_project_that_is_recorded_meanwhile_keeps_the_state() -> None:
    """Both audits began with an empty state; the later recording is refused and changes nothing."""
    store = OvertakenStore()
    store.other_inventory = replace(build_project_inventory("project-1"), observed_at=NOW)
    with pytest.raises(ProjectMismatchError):
        evaluate_inventory(build_project_inventory("project-2"), BUILT_IN_POLICY, store)
    assert store.load(PROJECT).pinecone_project_id == "project-1"
    assert len(store.audits_by_project[PROJECT]) == 1


def test_a_state_is_in_doubt_where_no_id_and_no_known_backup_confirms_it() -> None:
    """A project without schedules names no id: the verdicts stay, and a warning says what to check."""
    own_inventory, other_inventory = (
        replace(
            build_inventory(build_index(schedules=build_complete_listing([])), backups=build_complete_listing([it])),
            observed_at=NOW,
        )
        for it in (
            build_backup(backup_id="backup-1", index_id="id-1"),
            build_backup(backup_id="backup-2", index_id="id-2"),
        )
    )
    store = FakeStore()
    assert evaluate_inventory(own_inventory, BUILT_IN_POLICY, store).report.warnings == ()
    assert (
        evaluate_inventory(replace(own_inventory, observed_at=NEXT_DAY), BUILT_IN_POLICY, store).report.warnings == ()
    )
    swapped_inventory = replace(other_inventory, observed_at=NEXT_DAY + DAY)
    sentence = (
        "The state may belong to another Pinecone project: it contains 1 backup, none of which is listed, and no"
        " schedule confirms the project's id; check that the key opens the project of this state."
    )
    for _ in range(2):  # delivered twice, it says the same
        assert evaluate_inventory(swapped_inventory, BUILT_IN_POLICY, store).report.warnings == (sentence,)


def test_a_backup_that_the_state_knows_confirms_the_project() -> None:
    """One known backup in the listing is enough, though others are gone, and an incomplete audit confirms nothing."""
    store = FakeStore()
    backups = [build_backup(backup_id="backup-1"), build_backup(backup_id="backup-2")]
    evaluate_inventory(
        build_inventory(build_index(schedules=build_complete_listing([])), backups=build_complete_listing(backups)),
        BUILT_IN_POLICY,
        store,
    )
    smaller_inventory = build_inventory(
        build_index(schedules=build_complete_listing([])), backups=build_complete_listing(backups[1:])
    )
    assert (
        evaluate_inventory(replace(smaller_inventory, observed_at=NEXT_DAY), BUILT_IN_POLICY, store).report.warnings
        == ()
    )
    failed_inventory = build_inventory(
        build_index(schedules=build_complete_listing([])), backups=build_failed_listing()
    )
    assert (
        evaluate_inventory(
            replace(failed_inventory, observed_at=NEXT_DAY + DAY), BUILT_IN_POLICY, store
        ).report.warnings
        == ()
    )
