"""Test that an exported state is read unchanged, and that a damaged or invalid one is refused."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.state_file import encode_state, load_exported_state
from backup_auditor.domain.exported_state import ExportedState
from backup_auditor.domain.project_state import EMPTY_STATE
from backup_auditor.errors import StateError
from support.builders.exported_states import PROJECT, build_exported_state

EXPORTED = build_exported_state(3)
LINES = [*encode_state(EXPORTED, "0.1.0")]


def load_text(folder: Path, text: str | bytes) -> ExportedState:
    """Load an exported state from a file with this text."""
    path = folder / "state.jsonl"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_exported_state(path)


def join_text(*lines: str) -> str:
    """Return the text of lines."""
    return "".join(f"{it}\n" for it in lines)


def seal(*lines: str) -> str:
    """Return the text of a header and records with a last line that fits them."""
    text = join_text(*lines)
    return f'{text}{{"records":{len(lines) - 1},"sha256":"{sha256(text.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize("exported", [EXPORTED, ExportedState("ä b", EMPTY_STATE)], ids=["all-kinds", "empty"])
def test_an_exported_state_is_read_unchanged(tmp_path: Path, exported: ExportedState) -> None:
    """Everything but what follows from attempts and drills is read as it was written."""
    text = join_text(*encode_state(exported, "0.1.0"))
    loaded = load_text(tmp_path, text)
    assert join_text(*encode_state(loaded, "0.1.0")) == text
    assert loaded == replace(exported, state=exported.state.without_derived())


def test_every_line_is_json_with_times_of_rfc_3339() -> None:
    """A line is one JSON object: the header, then records by kind and key, then their number and hash."""
    header, *records, last_line = map(json.loads, LINES)
    assert (header["format"], header["version"], header["project"]) == ("backup-auditor-state", 1, PROJECT)
    assert (header["observed_at"], header["revision"], header["exported_by"]) == ("2026-11-22T12:00:00Z", 12, "0.1.0")
    kinds = [it["kind"] for it in records]
    assert list(dict.fromkeys(kinds)) == [
        "finding",
        "backup",
        "schedule",
        "index",
        "drift",
        "past_audit",
        "audit",
        "plan",
        "attempt",
        "drill",
    ]
    assert [it["record"]["fingerprint"] for it in records if it["kind"] == "finding"] == ["f-0", "f-1"]
    assert last_line["records"] == len(records)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """An exported state with a byte order mark is read."""
    assert load_text(tmp_path, b"\xef\xbb\xbf" + join_text(*LINES).encode()).project == PROJECT


@pytest.mark.parametrize(
    "text,message",
    [
        pytest.param("", "this is not an exported state", id="empty"),
        pytest.param("{}\n", "this is not an exported state", id="other-json"),
        pytest.param(join_text(*LINES[:-1]), "is incomplete: its last line is missing", id="without-last-line"),
        pytest.param(join_text(*LINES)[:-1], "is incomplete: its last line is missing", id="one-byte-short"),
        pytest.param(join_text(*LINES[:4]), "is incomplete: its last line is missing", id="half"),
        pytest.param(join_text(*LINES, ""), "is incomplete: its last line is missing", id="a-line-too-many"),
        pytest.param(
            join_text(*LINES[:3], *LINES[4:]), "it has 14 records, and its last line states 15", id="without-a-record"
        ),
        pytest.param(
            join_text(*LINES).replace('"orders"', '"0rders"', 1),
            "its hash is not the one of its last line",
            id="changed",
        ),
        pytest.param(join_text(LINES[1], LINES[0], *LINES[2:]), "this is not an exported state", id="other-order"),
        pytest.param(seal(LINES[0].replace('"version":1', '"version":2')), "format 2, expected 1", id="newer"),
        pytest.param(seal(LINES[0].replace('"version":1', '"version":0')), "format 0, expected 1", id="older"),
        pytest.param(seal(LINES[0].replace('"revision":12', '"revision":"12"')), "the header", id="invalid-header"),
        pytest.param(seal(LINES[0].replace("00Z", "00")), "the header", id="header-with-a-naive-time"),
        pytest.param(seal(LINES[0], "no json"), "line 2 is not a valid record", id="no-record"),
        pytest.param(seal(LINES[0], LINES[1], LINES[1]), "line 3 is not a valid record", id="twice"),
        pytest.param(seal(LINES[0], '{"kind":"lock","record":{}}'), "line 2 is not a valid record", id="unknown-kind"),
    ],
)
def test_damage_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """A file that is not exactly what an export wrote is refused in one line that names the file and what to do."""
    with pytest.raises(StateError) as error:
        load_text(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'state.jsonl'}: ")
    assert "export" in str(error.value).rpartition("; ")[2] or "`backup-auditor state export`" in str(error.value)


def change(**values: object) -> Callable[[dict[str, Any]], Mapping[str, object]]:
    """Return what changes values of a record."""
    return lambda record: {**record, **values}


@pytest.mark.parametrize(
    "kind,edit",
    [
        pytest.param("backup", change(known_since=None), id="missing-value"),
        pytest.param("backup", change(known_since="2026-11-22T06:00:00"), id="naive-time"),
        pytest.param("backup", change(expires=1), id="number-for-a-flag"),
        pytest.param("backup", change(size=1), id="unknown-field"),
        pytest.param("backup", lambda record: dict(reversed(record.items())), id="other-order-of-fields"),
        pytest.param("finding", change(severity="urgent"), id="unknown-severity"),
        pytest.param("finding", change(times_opened="2"), id="text-for-a-number"),
        pytest.param(
            "finding", lambda record: {**record, "resource": {**record["resource"], "project": "b"}}, id="other-project"
        ),
        pytest.param("past_audit", change(observed_at="2026-11-22T06:00:00"), id="naive-time-of-a-past-audit"),
        pytest.param("past_audit", change(open_counts={"low": 1}), id="missing-severity"),
        pytest.param("audit", change(compliance="GOOD"), id="unknown-compliance"),
        pytest.param("plan", change(project="b"), id="plan-of-another-project"),
        pytest.param("plan", change(created_at="2026-11-22T06:00:00"), id="naive-time-of-a-plan"),
        pytest.param("plan", change(actions=[{"index": "orders"}]), id="unknown-action"),
        pytest.param("attempt", change(project="b"), id="attempt-of-another-project"),
        pytest.param("attempt", change(state="intended"), id="state-of-an-earlier-version"),
        pytest.param("drill", change(project="b"), id="drill-of-another-project"),
        pytest.param("drill", change(deleted_at="2026-11-22T06:00:00"), id="naive-time-of-a-drill"),
        pytest.param("drill", change(revision="7"), id="text-for-a-revision"),
        pytest.param("drill", change(validation="maybe"), id="unknown-result-of-a-drill"),
    ],
)
def test_an_invalid_record_is_refused(
    tmp_path: Path, kind: str, edit: Callable[[dict[str, Any]], Mapping[str, object]]
) -> None:
    """A record with a wrong value is refused although the hash fits, and the error has its line number."""
    number, line = next((number, it) for number, it in enumerate(LINES[1:], 2) if f'"kind":"{kind}"' in it)
    record = json.loads(line)
    edited = json.dumps({**record, "record": edit(record["record"])}, separators=(",", ":"), ensure_ascii=False)
    assert edited != line
    lines = [*LINES[:-1]]
    load_text(tmp_path, seal(*lines))
    lines[number - 1] = edited
    with pytest.raises(StateError, match=f"line {number} is not a valid record; export the state again"):
        load_text(tmp_path, seal(*lines))
