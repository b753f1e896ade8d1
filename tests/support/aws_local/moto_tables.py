"""Keeps moto's transactions quick: it copies the whole table, with all that is in it, for each item that it writes."""

import copy
from collections import defaultdict
from typing import Any

from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table


def copied(table: Table, _: dict[int, Any] | None = None) -> Table:
    """Copy a table as far as a transaction may change it that is then undone: items, and which attributes they have.

    An attribute is not copied: whatever is written here takes the place of a whole one. The table has a sort key.
    """
    new = copy.copy(table)
    rows: Any = defaultdict(dict)
    for key, found in table.items.items():
        rows[key] = {name: _item(it) for name, it in found.items()}
    new.items = rows
    return new


def _item(item: Item) -> Item:
    new = copy.copy(item)
    new.attrs = type(item.attrs)(item.attrs)
    return new
