"""A table for each test, in which nothing waits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from backup_auditor.adapters.dynamodb.outbox import DynamoOutbox
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.adapters.dynamodb.table import Table
from support.aws.dynamodb import a_table, chunk_names, items_of


@dataclass(frozen=True)
class Tried:
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
        return items_of(self.client, self.name)

    @property
    def chunks(self) -> set[str]:
        """The names of the chunks in the table."""
        return chunk_names(self.client, self.name)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    """Make a table of its own."""
    monkeypatch.setattr(Table, "wait", lambda *_: None)
    with a_table() as (client, name):
        yield Tried(client, name)
