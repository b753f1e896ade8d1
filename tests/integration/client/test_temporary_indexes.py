"""Test that a drill deletes its own temporary index, and never any other index."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_auditor.domain.drills.state_machine import (
    AnswerLost,
    DeleteIndex,
    DeletionAccepted,
    DeletionRefused,
    IndexFound,
    IndexMissing,
    Observation,
    ReadFailed,
)
from backup_auditor_simulator.model import Index
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.builders.drills import TARGET_NAME
from support.drills import SimulatedDrill, open_simulated_drill

pytestmark = pytest.mark.writes


@pytest.fixture
def drill() -> Iterator[SimulatedDrill]:
    """Open a drill whose index is restored."""
    with open_simulated_drill() as simulated_drill:
        simulated_drill.restore()
        simulated_drill.server.requests.clear()
        yield simulated_drill


def list_deletions(server: Server) -> list[str]:
    """Return the paths of all requests that would delete something."""
    return [it.path for it in server.requests if it.method == "DELETE"]


def test_a_drill_deletes_its_index(drill: SimulatedDrill) -> None:
    """The index is read right before it is deleted; then it is terminating, and then missing."""
    drill.server.project.options.index_deletion_duration = timedelta(minutes=1)
    assert drill.call(DeleteIndex()) == DeletionAccepted()
    assert [(it.method, it.path) for it in drill.server.requests] == [
        ("GET", f"/indexes/{TARGET_NAME}"),
        ("DELETE", f"/indexes/{TARGET_NAME}"),
    ]
    found = drill.call(DeleteIndex())
    assert isinstance(found, IndexFound)
    assert found.index.index.is_terminating
    drill.server.project.advance(timedelta(minutes=1))
    assert drill.call(DeleteIndex()) == IndexMissing()
    assert len(list_deletions(drill.server)) == 1


def _replace_backup(index: Index) -> None:
    index.source_backup_id = "another-backup"


def _forget_backup(index: Index) -> None:
    index.source_backup_id = None


def _replace_tag(index: Index) -> None:
    index.tags["drill"] = "another-drill"


def _remove_tags(index: Index) -> None:
    index.tags = {}


def _keep_only_the_drill(index: Index) -> None:
    del index.tags["managed-by"]


@pytest.mark.parametrize("change", [_replace_backup, _forget_backup, _replace_tag, _remove_tags, _keep_only_the_drill])
def test_an_index_that_is_not_confirmed_is_not_deleted(drill: SimulatedDrill, change: Callable[[Index], None]) -> None:
    """Another source backup, another tag or none: the index is returned as it was found, and stays."""
    change(drill.server.project.indexes[TARGET_NAME])
    assert isinstance(drill.call(DeleteIndex()), IndexFound)
    assert list_deletions(drill.server) == []
    assert TARGET_NAME in drill.server.project.indexes


def test_another_index_under_the_name_is_not_deleted(drill: SimulatedDrill) -> None:
    """An index that took the name after the drill's own was deleted stays."""
    project = drill.server.project
    project.remove_index(project.indexes[TARGET_NAME])
    project.create_index(TARGET_NAME)
    assert isinstance(drill.call(DeleteIndex()), IndexFound)
    assert list_deletions(drill.server) == []


def test_a_record_of_a_live_index_deletes_nothing(drill: SimulatedDrill) -> None:
    """A record whose target is the name of an index that no drill restored deletes nothing."""
    drill.record = replace(drill.record, target_name="orders")
    assert isinstance(drill.call(DeleteIndex()), IndexFound)
    assert list_deletions(drill.server) == []


@pytest.mark.parametrize(
    "fault, observation, is_deleted",
    [
        pytest.param(Fault(kind="reset_after_effect"), AnswerLost, True, id="reset-after-the-effect"),
        pytest.param(Fault(kind="reset"), AnswerLost, False, id="reset-before-the-effect"),
        pytest.param(Fault(status=500), AnswerLost, False, id="server-error"),
        pytest.param(Fault(status=408), AnswerLost, False, id="time-out"),
        pytest.param(Fault(status=302), AnswerLost, False, id="redirect"),
        pytest.param(Fault(status=404), IndexMissing, False, id="missing"),
        pytest.param(Fault(status=401), DeletionRefused, False, id="key"),
        pytest.param(Fault(status=403), DeletionRefused, False, id="protected"),
        pytest.param(Fault(status=409), DeletionRefused, False, id="conflict"),
        pytest.param(Fault(status=412), DeletionRefused, False, id="pending-collection"),
        pytest.param(Fault(status=429), ReadFailed, False, id="throttled"),
        pytest.param(Fault(status=501), ReadFailed, False, id="not-implemented"),
    ],
)
def test_each_answer_to_a_deletion_is_told_apart(
    drill: SimulatedDrill, fault: Fault, observation: type[Observation], is_deleted: bool
) -> None:
    """A deletion is refused only if it certainly had no effect and a person has to act."""
    drill.server.faults.append(replace(fault, method="DELETE"))
    assert isinstance(drill.call(DeleteIndex()), observation)
    assert (TARGET_NAME not in drill.server.project.indexes) is is_deleted


def test_a_throttled_deletion_is_not_repeated(drill: SimulatedDrill) -> None:
    """An index that a person creates under the name after the throttled attempt stays: the next round reads again."""
    drill.server.faults.append(Fault(status=429, method="DELETE", times=1))
    assert isinstance(drill.call(DeleteIndex()), ReadFailed)
    assert len(list_deletions(drill.server)) == 1
    project = drill.server.project
    project.remove_index(project.indexes[TARGET_NAME])
    project.create_index(TARGET_NAME)
    assert isinstance(drill.call(DeleteIndex()), IndexFound)
    assert len(list_deletions(drill.server)) == 1
    assert TARGET_NAME in project.indexes


def test_a_protected_index_is_not_deleted(drill: SimulatedDrill) -> None:
    """Deletion protection that was switched on after the restore is a refusal with its reason."""
    drill.server.project.configure_index(TARGET_NAME, deletion_protection=True)
    refused = drill.call(DeleteIndex())
    assert isinstance(refused, DeletionRefused)
    assert "Deletion protection is enabled" in refused.reason


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_index_that_cannot_be_read_is_not_deleted(drill: SimulatedDrill, status: int) -> None:
    """Without the read nothing confirms the index, so no deletion is sent."""
    drill.server.faults.append(Fault(status=status, method="GET"))
    assert isinstance(drill.call(DeleteIndex()), ReadFailed)
    assert list_deletions(drill.server) == []
