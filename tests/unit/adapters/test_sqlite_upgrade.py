"""A state of an older version is brought up to date when it is next recorded in, and can be looked at before."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from backup_auditor.adapters.sqlite_state import file as state_file
from backup_auditor.adapters.sqlite_state.schema import UPGRADES
from backup_auditor.adapters.sqlite_state.store import look_into_state, open_state
from backup_auditor.domain.audit_record import AuditRecord
from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.memory import NOTHING, Memory
from backup_auditor.errors import StateError
from builders import DAY, NOW, index, inventory
from nights import Nights
from stores import PROJECT, recorded, stored

VERSION_1 = (Path(__file__).parent / "state_version_1.sql").read_text()
FIRST = AuditRecord("first", NOW, is_complete=True, compliance=Compliance.COMPLIANT, report=None)


def old_state(path: Path) -> Memory:
    """Make a file of version 1, with the rows that a night left in it then."""
    nights = Nights()
    nights.audited(inventory(index("orders")))
    new = path.with_name("new")
    with open_state(new) as store:
        stored(store, NOTHING, nights.memory)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(VERSION_1)
        connection.execute("ATTACH ? AS new", (str(new),))
        for table in ("project", "finding", "backup", "schedule", "live_index"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")  # noqa: S608  our own words
    return nights.memory


def version(path: Path) -> int:
    """Return the version in the head of a file."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def test_what_was_remembered_stays_and_audits_are_kept_from_then_on(tmp_path: Path) -> None:
    """Those before are not known of."""
    path = tmp_path / "state"
    memory = old_state(path)
    with open_state(path) as store:
        assert store.load(PROJECT) == memory
        assert store.audits(PROJECT, datetime.min.replace(tzinfo=NOW.tzinfo)) == []
        nights = Nights()
        nights.memory = memory
        nights.audited(inventory(index("orders")), at=NOW + DAY)
        recorded(store, memory, nights.memory, audit=FIRST)
        assert store.audits(PROJECT, NOW) == [FIRST]
        assert store.load(PROJECT) == nights.memory
    assert version(path) == 2


def test_it_can_be_looked_at_as_it_is(tmp_path: Path) -> None:
    """Not a byte of it changes."""
    path = tmp_path / "state"
    memory = old_state(path)
    before = path.read_bytes()
    with look_into_state(path) as store:
        assert store.load(PROJECT) == memory
        assert store.audits(PROJECT, NOW - DAY) == []
    assert path.read_bytes() == before


def test_what_fails_halfway_leaves_the_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next time it is tried again."""
    path = tmp_path / "state"
    memory = old_state(path)
    with monkeypatch.context() as patch:
        patch.setattr(state_file, "UPGRADES", {1: (*UPGRADES[1], "INSERT INTO what_is_not_there VALUES (1)")})
        with pytest.raises(StateError, match="no such table: what_is_not_there"), open_state(path):
            pass
    assert version(path) == 1
    with open_state(path) as store:
        assert store.load(PROJECT) == memory
    assert version(path) == 2


def test_the_tables_are_those_of_a_new_state(tmp_path: Path) -> None:
    """Whichever version they came from."""
    old, new = tmp_path / "old", tmp_path / "fresh"
    old_state(old)
    tables = []
    for path in (old, new):
        with open_state(path):
            pass
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            tables.append([(name, " ".join(sql.split())) for name, sql in rows])
    assert tables[0] == tables[1]
