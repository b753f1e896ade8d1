"""A table for each test, in which nothing waits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.table import Table
from support.aws.dynamodb import list_chunk_names, list_items, open_table


@dataclass(frozen=True)
class TableUnderTest:
    """A table, and how functions see it."""

    client: Any
    name: str

    @property
    def store(self) -> DynamoState:
        """The store, as a function opens it."""
        return DynamoState(self.client, self.name)

    @property
    def outbox(self) -> DynamoOutbox:
        """The outbox, as a function opens it."""
        return DynamoOutbox(self.client, self.name)

    @property
    def items(self) -> list[dict[str, Any]]:
        """Everything in the table."""
        return list_items(self.client, self.name)

    @property
    def chunks(self) -> set[str]:
        """The names of the chunks in the table."""
        return list_chunk_names(self.client, self.name)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[TableUnderTest]:
    """Make a table of its own."""
    monkeypatch.setattr(Table, "wait", lambda *_: None)
    with open_table() as (client, name):
        yield TableUnderTest(client, name)
