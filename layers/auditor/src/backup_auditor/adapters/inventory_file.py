"""A saved inventory: one JSON document, a fact a line, sealed at its end with a hash over everything before."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256

from backup_auditor.adapters.input_file import Source, read_bytes, without_byte_order_mark
from backup_auditor.adapters.inventory_shape import ShapeError, encoded, inventory_of, part_of
from backup_auditor.adapters.replacement import Replacement
from backup_auditor.adapters.yaml_file.problems import Kind, RefusedError
from backup_auditor.domain.inventory import Inventory
from backup_auditor.errors import InventoryFileError

_VERSION = 2
_LARGEST = 1 << 30
_KIND = Kind("saved inventory", "`backup-auditor audit --save-inventory FILE` writes one")
_HEAD = re.compile(rb'\{"format": "backup-auditor-inventory", "version": (\d{1,9}), "inventory": \{')
_SEAL = re.compile(rb'\n\}, "sha256": "([0-9a-f]{64})"\}\n\Z')
_SEAL_LENGTH = 96


def save_inventory(inventory: Inventory, file: Replacement) -> None:
    """Write an inventory, losing nothing. Raises `UsageError` when the file cannot be written."""
    file.write(_sealed(inventory))


def load_inventory(path: Source) -> Inventory:
    """Read an inventory that was saved, from a file, a pipe, or standard input (`-`).

    Raises `InventoryFileError` when it is not exactly that.
    """
    content = _read(path)
    head = _HEAD.match(content)
    if head is None:
        raise InventoryFileError(f"{path}: this is no inventory as `audit --save-inventory` writes it")
    if int(head[1]) > _VERSION:
        raise InventoryFileError(f"{path}: a newer backup-auditor saved this (version {int(head[1])}); update this one")
    seal = _SEAL.search(content, max(0, len(content) - _SEAL_LENGTH))
    if seal is None:
        raise InventoryFileError(f"{path}: the file is cut short; save the inventory again")
    if sha256(memoryview(content)[: seal.start()]).hexdigest() != seal[1].decode():
        raise InventoryFileError(f"{path}: the file was changed after it was saved; save the inventory again")
    try:
        return inventory_of(json.loads(content, object_hook=part_of))
    except (ShapeError, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ShapeError) else "it is no JSON"
        raise InventoryFileError(f"{path}: the saved inventory cannot be read: {why}") from None


def _sealed(inventory: Inventory) -> Iterator[bytes]:
    digest = sha256()
    piece = f'{{"format": "backup-auditor-inventory", "version": {_VERSION}, "inventory": {{'.encode()
    digest.update(piece)
    yield piece
    for text in encoded(inventory):
        piece = text.encode()
        digest.update(piece)
        yield piece
    yield f'\n}}, "sha256": "{digest.hexdigest()}"}}\n'.encode()


def _read(given: Source) -> bytes:
    try:
        return without_byte_order_mark(read_bytes(given, _KIND, _LARGEST))
    except RefusedError as error:
        text = error.problem.text.removeprefix("cannot be read: ")
        why = f"it {text}" if text.startswith(("has ", "is ")) else text
        raise InventoryFileError(f"{given}: the inventory cannot be read: {why}") from None
