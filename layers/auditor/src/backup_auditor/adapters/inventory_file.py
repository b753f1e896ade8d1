"""A saved inventory: one JSON document, a fact a line, sealed at its end with a hash over everything before."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from backup_auditor.adapters.inventory_shape import ShapeError, encoded, inventory_of, part_of
from backup_auditor.adapters.replacement import Replacement
from backup_auditor.domain.inventory import Inventory
from backup_auditor.errors import InventoryFileError

_VERSION = 1
_LARGEST = 1 << 30
_HEAD = re.compile(rb'\{"format": "backup-auditor-inventory", "version": (\d{1,9}), "inventory": \{')
_SEAL = re.compile(rb'\n\}, "sha256": "([0-9a-f]{64})"\}\n\Z')
_SEAL_LENGTH = 96


def save_inventory(inventory: Inventory, file: Replacement) -> None:
    """Write an inventory, losing nothing. Raises `UsageError` when the file cannot be written."""
    file.write(_sealed(inventory))


def load_inventory(path: Path) -> Inventory:
    """Read an inventory that was saved. Raises `InventoryFileError` when it is not exactly that."""
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


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        why = f"the inventory cannot be read: {error.strerror or error}"
        raise InventoryFileError(f"{path}: {why}; name a file that `audit --save-inventory` wrote") from None
    if len(content) > _LARGEST:
        raise InventoryFileError(f"{path}: the file is larger than any inventory ({_LARGEST >> 20} MiB)")
    return content
