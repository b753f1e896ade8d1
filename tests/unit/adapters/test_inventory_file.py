"""A saved inventory is complete and lossless, and any other file is refused."""

import json
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile
from backup_auditor.adapters.inventory_file import load_inventory, save_inventory
from backup_auditor.domain.inventory import IndexFacts, Inventory
from backup_auditor.domain.listing import Denial, DenialReason, Listing
from backup_auditor.domain.model import Backup, Deployment, Index
from backup_auditor.errors import InventoryFileError
from support.builders.facts import (
    NOW,
    READ_FAILURE,
    build_complete_listing,
    build_conflicting_listing,
    build_failed_listing,
    build_index,
    build_inventory,
    build_schedule,
    rename_index,
)

PLAN_DENIAL = Denial(DenialReason.PLAN, "not on this plan")
ODD_MOMENT = datetime(2026, 2, 28, 23, 59, 59, 999999, timezone(timedelta(hours=5, minutes=30)))


def save_inventory_file(inventory: Inventory, folder: Path) -> Path:
    """Save an inventory and return its file."""
    path = folder / "inventory.json"
    with AtomicFile(path, PRIVATE_MODE) as file:
        save_inventory(inventory, file)
    return path


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param(build_inventory(), id="empty"),
        pytest.param(build_inventory(build_index(), rename_index(build_index(), "other"), requests=44), id="healthy"),
        pytest.param(
            build_inventory(build_index(schedules=build_failed_listing()), backups=build_failed_listing()), id="broken"
        ),
        pytest.param(
            build_inventory(indexes_failure=READ_FAILURE, backups=build_failed_listing()), id="indexes-unread"
        ),
        pytest.param(
            build_inventory(build_index(schedules=PLAN_DENIAL, own_backups=build_complete_listing(()))), id="refused"
        ),
        pytest.param(build_inventory(build_index(schedules=None, deployment=Deployment.POD)), id="pod"),
        pytest.param(
            build_inventory(
                build_index(schedules=build_conflicting_listing([build_schedule("a")], [build_schedule("b")]))
            ),
            id="disputed",
        ),
        pytest.param(
            build_inventory(
                build_index(tags={"backup_id": "what", "rows": 'a "tag"\n✓'}, cloud="aws", holds_documents=True)
            ),
            id="tags-that-look-like-fields",
        ),
        pytest.param(
            build_inventory(
                build_index(
                    schedules=[build_schedule(retention=timedelta(days=1, microseconds=1), created_at=ODD_MOMENT)]
                )
            ),
            id="odd-moments",
        ),
        pytest.param(
            build_inventory(
                build_index(schedules=[build_schedule(name=None, retention=None, enabled=None, next_run=None)])
            ),
            id="nulls",
        ),
        pytest.param(build_inventory(build_index(cmek_id="key-1", state="Initializing")), id="customer-key"),
        pytest.param(build_inventory(build_index(), terminating=(Index("old", tags={"a": "b"}),)), id="terminating"),
        pytest.param(
            build_inventory(drill_indexes=(build_index("drill-main-1", source_backup_id="run-1").facts,)), id="drill"
        ),
        pytest.param(build_inventory(build_index("half \ud800 surrogate")), id="half-surrogate"),
    ],
)
def test_what_is_loaded_equals_what_was_saved(inventory: Inventory, tmp_path: Path) -> None:
    """Saving and loading gives an equal inventory, whatever it holds."""
    assert load_inventory(save_inventory_file(inventory, tmp_path)) == inventory


def test_every_field_of_the_inventory_is_saved(tmp_path: Path) -> None:
    """The file has every field of an inventory, its indexes and its listings."""
    document = json.loads(
        save_inventory_file(build_inventory(build_index(own_backups=build_complete_listing(()))), tmp_path).read_text()
    )["inventory"]
    assert document.keys() == {it.name for it in fields(Inventory)}
    assert document["indexes"][0].keys() == {it.name for it in fields(IndexFacts)}
    assert document["backups"].keys() == {it.name for it in fields(Listing)}
    assert document["backups"]["rows"][0].keys() == {it.name for it in fields(Backup)}


def test_the_same_inventory_gives_the_same_bytes(tmp_path: Path) -> None:
    """Saving twice, or saving what was loaded, makes the same file."""
    first_content = save_inventory_file(build_inventory(build_index()), tmp_path).read_bytes()
    second_content = save_inventory_file(load_inventory(tmp_path / "inventory.json"), tmp_path).read_bytes()
    assert first_content == second_content


def test_the_file_is_private(tmp_path: Path) -> None:
    """Only the owner can read the names and ids of a project."""
    assert save_inventory_file(build_inventory(), tmp_path).stat().st_mode & 0o777 == PRIVATE_MODE


def reseal(text: bytes) -> bytes:
    """Seal an edited file again, so that only its shape is wrong."""
    body, _, _ = text.rpartition(b"\n}, ")
    return body + b'\n}, "sha256": "' + sha256(body).hexdigest().encode() + b'"}\n'


def make_edit(old_text: bytes, new_text: bytes) -> Any:
    """Return an edit that replaces one text."""

    def replace_text(text: bytes) -> bytes:
        assert old_text in text
        return text.replace(old_text, new_text, 1)

    return replace_text


@pytest.mark.parametrize(
    "edit, reason",
    [
        pytest.param(lambda _: b"", "this is not a saved inventory", id="empty"),
        pytest.param(lambda _: b"{}", "this is not a saved inventory", id="other-json"),
        pytest.param(lambda _: bytes(range(256)), "this is not a saved inventory", id="binary"),
        pytest.param(lambda text: text[:-1], "is incomplete", id="last-byte-missing"),
        pytest.param(lambda text: text[: len(text) // 2], "is incomplete", id="half"),
        pytest.param(lambda text: text + b"\n", "is incomplete", id="something-after-it"),
        pytest.param(make_edit(b"id-main", b"id-pain"), "changed after it was saved", id="id-edited"),
        pytest.param(make_edit(b'"requests": 0', b'"requests": 1'), "changed after it was saved", id="count-edited"),
        pytest.param(make_edit(b'"version": 5', b'"version": 6'), "a newer backup-auditor saved this", id="newer"),
    ],
)
def test_another_file_is_refused(edit: Any, reason: str, tmp_path: Path) -> None:
    """A file that is incomplete, edited, newer or something else is refused in one line with the reason."""
    path = save_inventory_file(build_inventory(build_index()), tmp_path)
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(InventoryFileError, match=reason) as error_info:
        load_inventory(path)
    assert str(error_info.value).startswith(f"{path}: ")
    assert "\n" not in str(error_info.value)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(make_edit(b'"requests": 0', b'"requests": "0"'), id="text-for-a-count"),
        pytest.param(make_edit(b'"requests": 0', b'"calls": 0'), id="unknown-member"),
        pytest.param(make_edit(b'"status": "Ready"', b'"status": null'), id="null-status"),
        pytest.param(make_edit(b'"status": "Ready"', b'"phase": "Ready"'), id="unknown-field"),
        pytest.param(make_edit(b'"enabled": true', b'"enabled": 1'), id="number-for-a-flag"),
        pytest.param(make_edit(b'"retention": 604800000000', b'"retention": true'), id="flag-for-a-length"),
        pytest.param(make_edit(b'"retention": 604800000000', b'"retention": 1e400'), id="endless-length"),
        pytest.param(make_edit(b'"retention": 604800000000', b'"retention": ' + b"9" * 40), id="length-beyond-time"),
        pytest.param(
            make_edit(b'"observed_at": "2026-11-22T12:00:00+00:00"', b'"observed_at": "noon"'), id="no-moment"
        ),
        pytest.param(make_edit(b"+00:00", b""), id="moment-without-offset"),
        pytest.param(make_edit(b'"deployment": "serverless"', b'"deployment": "moon"'), id="unknown-deployment"),
        pytest.param(make_edit(b'"tags": []', b'"tags": [["a"]]'), id="half-a-tag"),
        pytest.param(make_edit(b'"indexes": [', b'"indexes": [7, '), id="number-for-an-index"),
        pytest.param(make_edit(b'"histories": [', b'"histories": [7, '), id="number-for-a-history"),
        pytest.param(make_edit(b'"indexes": [', b'"indexes": [' + b"[" * 100_000), id="nested-beyond-reading"),
        pytest.param(make_edit(b'"project"', b"project"), id="no-json"),
    ],
)
def test_a_wrong_shape_is_refused_despite_its_seal(edit: Any, tmp_path: Path) -> None:
    """A file with a valid seal and invalid facts raises an `InventoryFileError`."""
    path = save_inventory_file(build_inventory(build_index()), tmp_path)
    path.write_bytes(reseal(edit(path.read_bytes())))
    with pytest.raises(InventoryFileError, match="the saved inventory cannot be read"):
        load_inventory(path)


def test_listings_hold_rows_of_their_own_kind(tmp_path: Path) -> None:
    """A schedule among the backups is refused."""
    inventory = build_inventory(build_index())
    mixed_inventory = replace(inventory, backups=Listing((build_schedule(),)))  # type: ignore[arg-type]  # the wrong kind on purpose
    with pytest.raises(InventoryFileError, match="the field backups of Inventory has a wrong value"):
        load_inventory(save_inventory_file(mixed_inventory, tmp_path))


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_cannot_be_read_is_an_error(name: str, tmp_path: Path) -> None:
    """A missing file and a folder are refused by name."""
    with pytest.raises(InventoryFileError, match="the inventory cannot be read"):
        load_inventory(tmp_path / name)


def test_the_time_is_saved_to_the_microsecond(tmp_path: Path) -> None:
    """The time of an inventory is loaded exactly."""
    inventory = replace(build_inventory(), observed_at=NOW + timedelta(microseconds=1))
    assert load_inventory(save_inventory_file(inventory, tmp_path)).observed_at == inventory.observed_at


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_file_of_an_older_version_is_refused(version: int, tmp_path: Path) -> None:
    """A file of an older version has other keys; the error says to save it again."""
    path = save_inventory_file(build_inventory(build_index()), tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"version": 5', b'"version": %d' % version))
    with pytest.raises(InventoryFileError, match=rf"saved this inventory \(version {version}\); save it again"):
        load_inventory(path)
