"""A table for each test, with retries that do not wait."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.table import Table
from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore
from support.aws.dynamodb import list_chunk_names, list_items, open_table


@dataclass(frozen=True)
class TableUnderTest:
    """A table, with the stores that functions open in it."""

    client: Any
    name: str

    @property
    def store(self) -> DynamoState:
        """A new store in the table."""
        return DynamoState(self.client, self.name)

    @property
    def outbox(self) -> DynamoOutbox:
        """A new outbox in the table."""
        return DynamoOutbox(self.client, self.name)

    @property
    def watch_store(self) -> DynamoWatchStore:
        """A new store of `watch` in the table."""
        return DynamoWatchStore(self.client, self.name)

    @property
    def items(self) -> list[dict[str, Any]]:
        """All items of the table."""
        return list_items(self.client, self.name)

    @property
    def chunks(self) -> set[str]:
        """The names of the chunks in the table."""
        return list_chunk_names(self.client, self.name)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[TableUnderTest]:
    """Create a table for one test."""
    monkeypatch.setattr(Table, "_wait", lambda *_: None)
    with open_table() as (client, name):
        yield TableUnderTest(client, name)
