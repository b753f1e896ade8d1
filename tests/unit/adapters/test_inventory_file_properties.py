"""Saved inventories, over generated projects."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.inventory_file import load_inventory, save_inventory
from backup_auditor.domain.inventory import Inventory
from backup_auditor.errors import InventoryFileError
from support.builders.facts import build_index, build_inventory
from support.builders.strategies import inventories


def serialize(inventory: Inventory) -> bytes:
    """Return the bytes of a saved inventory."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "inventory"
        with AtomicFile(path) as file:
            save_inventory(inventory, file)
        return path.read_bytes()


def deserialize(content: bytes) -> Inventory:
    """Load the inventory of a file with these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "inventory"
        path.write_bytes(content)
        return load_inventory(path)


VALID_CONTENT = serialize(build_inventory(build_index()))


@given(inventories())
def test_nothing_is_lost(inventory: Inventory) -> None:
    """Every generated project is loaded as it was saved."""
    assert deserialize(serialize(inventory)) == inventory


@given(st.integers(0, len(VALID_CONTENT) - 1), st.integers(1, 255))
def test_no_single_byte_can_change(position: int, difference: int) -> None:
    """A file with one changed byte raises an `InventoryFileError`."""
    changed_content = bytearray(VALID_CONTENT)
    changed_content[position] ^= difference
    try:
        deserialize(bytes(changed_content))
    except InventoryFileError:
        return
    raise AssertionError("it was believed")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(content: bytes) -> None:
    """Any other bytes raise an `InventoryFileError`."""
    try:
        deserialize(content)
    except InventoryFileError:
        return
    raise AssertionError("it was believed")
