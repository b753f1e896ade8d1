"""A state of an older version is brought up to date when it is next recorded in, and can be looked at before."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backup_auditor.adapters.sqlite import database as state_file
from backup_auditor.adapters.sqlite.database import TABLES_VERSION, UPGRADES
from backup_auditor.adapters.sqlite.drill_ledger import open_drill_ledger, open_drill_ledger_read_only
from backup_auditor.adapters.sqlite.remediation_log import open_remediation_log
from backup_auditor.adapters.sqlite.state_store import open_state, open_state_read_only
from backup_auditor.adapters.sqlite.state_transfer import open_transfer
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.drills.drill import build_known_drill
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.project_state import EMPTY_STATE, ProjectState
from backup_auditor.domain.remediation.plan import ActionState
from backup_auditor.errors import StateError
from support.builders.audit_sequence import AuditSequence
from support.builders.drills import DRILL_ID, build_drill
from support.builders.facts import DAY, NOW, build_index, build_inventory
from support.fakes.stores import PROJECT, record_change

TABLES = {it: (Path(__file__).parent / f"state_version_{it}.sql").read_text() for it in (1, 2, 3, 4)}
FIRST_VERSION_WITH_HISTORY, FIRST_VERSION_WITH_SETTINGS_HISTORY = 3, 4
for_every_older_version = pytest.mark.parametrize("older_version", TABLES)
EARLIER_AUDIT = AuditRecord("earlier", NOW - DAY, is_complete=True, compliance=Compliance.COMPLIANT, report=None)
FIRST_AUDIT = replace(EARLIER_AUDIT, audit_id="first", observed_at=NOW)
INVALID_STATEMENT = "INSERT INTO what_is_not_there VALUES (1)"


def write_old_state(path: Path, older_version: int) -> ProjectState:
    """Create a state of an older version with the rows of an audit; return the state that this version loads."""
    sequence = AuditSequence()
    sequence.audit(build_inventory(build_index("orders")))
    new_path = path.with_name("new")
    with open_state(new_path) as store:
        record_change(store, EMPTY_STATE, sequence.state, audit=EARLIER_AUDIT)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(TABLES[older_version])
        connection.execute("ATTACH ? AS new", (str(new_path),))
        tables = connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            columns = ", ".join(name for (name,) in rows)
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")  # noqa: S608  our own words
    if older_version >= FIRST_VERSION_WITH_SETTINGS_HISTORY:
        return sequence.state
    schedules = {key: replace(it, since=None) for key, it in sequence.state.schedules.items()}
    history = sequence.state.history if older_version >= FIRST_VERSION_WITH_HISTORY else ()
    return replace(sequence.state, schedules=schedules, history=history, pinecone_project_id=None)


def read_version(path: Path) -> int:
    """Return the version in the header of a file."""
    with closing(sqlite3.connect(path)) as connection:
        (version_number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version_number)


@for_every_older_version
def test_an_upgrade_keeps_the_state_and_records_audits(tmp_path: Path, older_version: int) -> None:
    """An upgrade keeps all rows, including the audit records of versions that stored them."""
    path = tmp_path / "state"
    state = write_old_state(path, older_version)
    with open_state(path) as store:
        assert store.load(PROJECT) == state
        assert store.list_audits(PROJECT, NOW - DAY) == ([EARLIER_AUDIT] if older_version > 1 else [])
        sequence = AuditSequence()
        sequence.state = state
        sequence.audit(build_inventory(build_index("orders")), observed_at=NOW + DAY)
        record_change(store, state, sequence.state, audit=FIRST_AUDIT)
        assert store.list_audits(PROJECT, NOW) == [FIRST_AUDIT]
        assert store.load(PROJECT) == sequence.state
    assert read_version(path) == TABLES_VERSION


@for_every_older_version
def test_a_state_of_an_older_version_is_exported_without_an_upgrade(tmp_path: Path, older_version: int) -> None:
    """An export before the upgrade has the records that an export after it has, and changes nothing."""
    path = tmp_path / "state"
    state = write_old_state(path, older_version)
    with open_transfer(path, is_writable=False) as store:
        exported = store.export_state(PROJECT)
    assert read_version(path) == older_version
    with open_transfer(path, is_writable=True) as store:
        assert store.export_state(PROJECT) == exported
    audits = (EARLIER_AUDIT,) if older_version > 1 else ()
    assert exported == ExportedState(PROJECT, state, audits)


def make_state_with_attempts(path: Path, older_version: int) -> None:
    """Create a state of an older version with attempts at actions, in the words of that version."""
    write_old_state(path, older_version)
    attempts = [
        ("create schedule/orders", "intended"),
        ("change schedule/s-1", "amiss"),
        ("create schedule/carts", "already there"),
        ("first backup/orders", "done"),
        ("first backup/carts", "not begun"),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO action (project, key, attempt, plan_id, who, began_at, call, before, state, detail, made_id,"
            " after) VALUES (?, ?, 1, 'plan', 'me', ?, 'POST /', '{}', ?, '', ?, '{}')",
            [(PROJECT, key, number, state, f"made-{number}") for number, (key, state) in enumerate(attempts)],
        )


of_every_version_with_attempts = pytest.mark.parametrize("older_version", [it for it in TABLES if it > 1])


@of_every_version_with_attempts
def test_attempts_of_an_older_version_have_the_words_of_this_one(tmp_path: Path, older_version: int) -> None:
    """The upgrade renames the kinds and the states of recorded actions."""
    path = tmp_path / "state"
    make_state_with_attempts(path, older_version)
    with open_remediation_log(path) as log:
        assert [(it.key, it.state) for it in log.list_attempts(PROJECT)] == [
            ("create_schedule/orders", ActionState.STARTED),
            ("update_schedule/s-1", ActionState.VERIFICATION_FAILED),
            ("create_schedule/carts", ActionState.ALREADY_SATISFIED),
            ("first_backup/orders", ActionState.DONE),
            ("first_backup/carts", ActionState.NOT_STARTED),
        ]
        assert [it.key for it in log.list_unsettled(PROJECT)] == ["create_schedule/orders"]


@of_every_version_with_attempts
def test_first_backups_of_an_older_version_are_known_before_and_after_the_upgrade(
    tmp_path: Path, older_version: int
) -> None:
    """A state that is opened read-only is not upgraded, and its first backups are loaded."""
    path = tmp_path / "state"
    make_state_with_attempts(path, older_version)
    for opening in (open_state_read_only, open_state):
        with opening(path) as store:
            assert store.load(PROJECT).first_backup_ids == {"made-3"}


@for_every_older_version
def test_an_older_version_can_be_read_without_an_upgrade(tmp_path: Path, older_version: int) -> None:
    """Reading a state of an older version changes no byte."""
    path = tmp_path / "state"
    state = write_old_state(path, older_version)
    content_before = path.read_bytes()
    with open_state_read_only(path) as store:
        assert store.load(PROJECT) == state
        assert store.list_audits(PROJECT, NOW - DAY) == ([EARLIER_AUDIT] if older_version > 1 else [])
    assert path.read_bytes() == content_before


@for_every_older_version
def test_a_failed_upgrade_leaves_the_older_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older_version: int
) -> None:
    """The next opening retries the upgrade."""
    path = tmp_path / "state"
    state = write_old_state(path, older_version)
    with monkeypatch.context() as patch:
        patch.setattr(
            state_file, "UPGRADES", {**UPGRADES, TABLES_VERSION - 1: (*UPGRADES[TABLES_VERSION - 1], INVALID_STATEMENT)}
        )
        with pytest.raises(StateError, match="no such table: what_is_not_there"), open_state(path):
            pass
    assert read_version(path) == older_version
    with open_state(path) as store:
        assert store.load(PROJECT) == state
    assert read_version(path) == TABLES_VERSION


def test_a_state_of_version_7_has_no_drills_until_it_is_upgraded(tmp_path: Path) -> None:
    """Version 7 had a table of drills that nothing wrote to. The ledger replaces it."""
    path = tmp_path / "state"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in (it for version in range(7) for it in UPGRADES[version]):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {state_file.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 7")
    content = path.read_bytes()
    with open_drill_ledger_read_only(path) as ledger, open_state_read_only(path) as store:
        assert (ledger.list_drills(PROJECT), ledger.load_drill(PROJECT, 1)) == ([], None)
        assert store.load(PROJECT) == EMPTY_STATE
    with open_transfer(path, is_writable=False) as transfer:
        assert transfer.export_state(PROJECT).is_empty
    assert path.read_bytes() == content
    with open_drill_ledger(path) as ledger, open_state(path) as store:
        assert ledger.create_drill(build_drill())
        assert store.load(PROJECT) == ProjectState(drills={DRILL_ID: build_known_drill(build_drill())})
    assert read_version(path) == TABLES_VERSION


@for_every_older_version
def test_the_tables_are_those_of_a_new_state(tmp_path: Path, older_version: int) -> None:
    """The tables after an upgrade from any version equal those of a new state."""
    old_path, new_path = tmp_path / "old", tmp_path / "fresh"
    write_old_state(old_path, older_version)
    tables = []
    for path in (old_path, new_path):
        with open_state(path):
            pass
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            tables.append([(name, re.sub(r"\s*([,()])\s*|\s+", r"\1 ", sql).strip()) for name, sql in rows])
    assert tables[0] == tables[1]
