"""Reads and writes the chunks of a project, and makes of them what is remembered."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backup_auditor.adapters.dynamodb_state.head import Head
from backup_auditor.adapters.dynamodb_state.items import key, project_key
from backup_auditor.adapters.dynamodb_state.packing import KINDS, unpacked
from backup_auditor.adapters.dynamodb_state.table import Table
from backup_auditor.adapters.known_rows import BACKUPS, DRIFT, FINDINGS, INDEXES, SCHEDULES
from backup_auditor.domain.history import Drift
from backup_auditor.domain.memory import NOTHING, Memory


class MissingChunkError(Exception):
    """A chunk that a head names is not there."""


class Chunks:
    """The chunks of one table."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self._table = table

    def read(self, project: str, names: Iterable[str]) -> dict[str, bytes]:
        """Return chunks by their names. Raises `MissingChunkError` where one is not there."""
        return dict(self._each(project, names))

    def write(self, project: str, chunks: Mapping[str, bytes]) -> None:
        """Write chunks, under names that nobody else uses."""
        partition = project_key(project)
        items = ({**key(partition, name), "rows": {"B": chunk}} for name, chunk in chunks.items())
        self._table.write({"PutRequest": {"Item": it}} for it in items)

    def memory(self, project: str, head: Head) -> Memory:
        """Load what a head names, one chunk after the other. Raises `MissingChunkError` where one is not there."""
        if head.revision == 0:
            return NOTHING
        kinds = {name: kind for kind, places in head.listing.items() for names in places.values() for name in names}
        tables = {it.table.name: it.table for it in KINDS}
        known: dict[str, dict[str, Any]] = {it: {} for it in tables}
        drift: dict[str | None, list[Drift]] = {}
        for name, chunk in self._each(project, head.chunks):
            kind = kinds[name]
            if kind == DRIFT.name:
                drift[name] = [DRIFT.known_of(project, row) for row in unpacked(chunk)]
            else:
                table = tables[kind]
                rows = (table.padded(row) for row in unpacked(chunk))
                known[kind].update((row[0], table.known_of(project, row)) for row in rows)
        in_order = head.listing.get(DRIFT.name, {}).get("", [])
        return head.memory(
            findings=known[FINDINGS.name],
            backups=known[BACKUPS.name],
            schedules=known[SCHEDULES.name],
            indexes=known[INDEXES.name],
            drift=tuple(it for name in in_order for it in drift[name]),
        )

    def _each(self, project: str, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        missing = set(names)
        for item in self._table.items([key(project_key(project), it) for it in sorted(missing)]):
            name = item["SK"]["S"]
            missing.discard(name)
            yield name, item["rows"]["B"]
        if missing:
            raise MissingChunkError
