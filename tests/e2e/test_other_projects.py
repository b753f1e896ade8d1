"""One state and two Pinecone projects: every command that compares with a state refuses the other project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Done, Watched, two_indexes, watching


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Watched]:
    """Serve a second project; its home holds the state of an audit of the first."""
    with watching(tmp_path / "home", two_indexes(seed=1)) as first:
        assert first.audit().code == 0
        first.command("audit", "--now", first.now, "--save-inventory", tmp_path / "first.json")
    with watching(tmp_path / "home", two_indexes(seed=2)) as second:
        second.sleep()
        yield second


def ids() -> tuple[str, str]:
    """Return the ids of both Pinecone projects."""
    return two_indexes(seed=1).project_id, two_indexes(seed=2).project_id


def refused(done: Done, state: Path) -> None:
    """Check that nothing was audited, and that one line says why and what to do."""
    known, found = ids()
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert f"the state of default belongs to Pinecone project {known}" in done.err
    assert f"Pinecone project {found} was read; nothing was compared or recorded; use " in done.err
    assert f"another state than {state}; " in done.err
    assert done.err.endswith(f"backup-auditor state discard --all --project default --state {state}\n")


def test_an_audit_with_the_default_name_and_state_is_refused(other: Watched) -> None:
    """Exit 2, both ids, and the state is the same to the byte; under another name it is a first audit."""
    before = other.state.read_bytes()
    refused(other.audit(), other.state)
    assert other.state.read_bytes() == before
    named = other.audit("--project", "second")
    assert (named.code, named.lifecycles()) == (0, {})
    apart = other.audit("--state", other.home / "apart")
    assert (apart.code, apart.report["resolved"], apart.report["drift"]) == (0, [], [])
    assert other.audit("--no-state").code == 0


def test_an_audit_that_is_refused_writes_no_report(other: Watched) -> None:
    """A file of an earlier report stays as it was."""
    output = other.home / "report.json"
    output.write_text("earlier")
    refused(other.audit("--output", output), other.state)
    assert output.read_text() == "earlier"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("explain", "--index", "orders"), id="explain"),
        pytest.param(("remediate",), id="remediate"),
        pytest.param(("remediate", "--format", "json"), id="remediate-json"),
    ],
)
def test_other_commands_that_use_the_state_are_refused(other: Watched, arguments: tuple[str, ...]) -> None:
    """The state is the same to the byte."""
    before = other.state.read_bytes()
    refused(other.command(*arguments), other.state)
    assert other.state.read_bytes() == before


def test_a_saved_inventory_of_another_project_is_refused(other: Watched, tmp_path: Path) -> None:
    """Without a state it is judged as ever; the inventory of the project that the state belongs to is accepted."""
    saved = tmp_path / "second.json"
    other.command("audit", "--now", other.now, "--no-state", "--save-inventory", saved)
    done = other.command("audit", "--inventory", saved, "--state", other.state)
    refused(done, other.state)
    assert "use an inventory of " in done.err
    assert other.command("audit", "--inventory", saved).code == 0
    assert other.command("audit", "--inventory", tmp_path / "first.json", "--state", other.state).code == 0


def test_a_state_that_a_wrong_key_filled_can_be_discarded(other: Watched) -> None:
    """The command in the error makes the next audit the first one."""
    way_out = other.audit().err.strip().rpartition("backup-auditor ")[2]
    assert other.command(*way_out.split(), "--yes").code == 0
    first = other.audit()
    assert (first.code, first.report["resolved"], first.report["drift"]) == (0, [], [])
