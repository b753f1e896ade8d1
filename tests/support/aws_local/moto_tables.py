"""Keeps moto's transactions quick: it copies the whole table, with all that is in it, for each item that it writes."""

import copy
from collections import defaultdict
from typing import Any

from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table


def copy_table(table: Table, _: dict[int, Any] | None = None) -> Table:
    """Copy a table as far as a transaction may change it that is then undone: items, and which attributes they have.

    An attribute is not copied: whatever is written here takes the place of a whole one. The table has a sort key.
    """
    copied_table = copy.copy(table)
    rows: Any = defaultdict(dict)
    for key, items in table.items.items():
        rows[key] = {name: _copy_item(it) for name, it in items.items()}
    copied_table.items = rows
    return copied_table


def _copy_item(item: Item) -> Item:
    copied_item = copy.copy(item)
    copied_item.attrs = type(item.attrs)(item.attrs)
    return copied_item
