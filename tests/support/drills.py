"""Restore drills of simulated projects: their adapter, their records, and a ledger in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from backup_auditor.adapters.pinecone.restores import PineconeDrillProject, open_drill_project
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DrillRecord, RestoredIndex, RestorePoint, RestoreState
from backup_auditor.domain.drills.state_machine import (
    DrillCall,
    IndexFound,
    IndexVerified,
    Observation,
    ReadIndex,
    RequestRestore,
    RestoreAccepted,
    VerifyIndex,
)
from backup_auditor.domain.drills.verification import Verification
from backup_auditor_simulator.damages import Damage
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.server import Server
from support.builders.drills import TARGET_NAME, build_drill
from support.simulator import RecordingClock, build_empty_project, make_connection, serve

DENSE_FIELDS = {"_values": {"type": "dense_vector", "dimension": 8, "metric": "cosine"}}
SPARSE_FIELDS = {"_sparse_values": {"type": "sparse_vector", "metric": "dotproduct"}}
DOCUMENT_FIELDS = {
    "body": {"type": "string", "full_text_search": {"language": "en"}},
    "embedding": {"type": "dense_vector", "dimension": 8, "metric": "cosine"},
}
TEXT_FIELDS = {"body": {"type": "string", "full_text_search": {"language": "en"}}}
INTEGRATED_FIELDS = {"_values": {**DENSE_FIELDS["_values"], "embed": {"model": "multilingual-e5-large"}}}
RESTORE_DURATION = timedelta(minutes=10)


def build_backed_up_project(fields: dict[str, Any] | None = None, **traits: Any) -> SimulatedProject:
    """Build a project with the index `orders` of 300 records in 3 namespaces, and one backup of it."""
    project = build_empty_project()
    defaults: dict[str, Any] = {"records": 300, "namespaces": 3, "tags": {"env": "prod"}}
    project.create_index("orders", fields=fields or DENSE_FIELDS, **(defaults | traits))
    project.create_backup("orders")
    project.advance(timedelta(hours=1))
    return project


@dataclass
class SimulatedDrill:
    """A drill of the only backup of a simulated project, before its first call."""

    server: Server
    project: PineconeDrillProject
    record: DrillRecord

    def call(self, call: DrillCall) -> Observation:
        """Make a call of the drill."""
        return self.project.make_call(self.record, call)

    def request(self) -> Observation:
        """Request the restore."""
        return self.call(RequestRestore(self.record.restore_call))

    def restore(self, *damages: Damage) -> RestoredIndex:
        """Restore the backup, and return the index that is ready."""
        self.server.project.damages.extend(damages)
        accepted = self.request()
        assert isinstance(accepted, RestoreAccepted)
        self.record = replace(self.record, job_id=accepted.job_id, restore=RestoreState.REQUESTED)
        self.server.project.advance(RESTORE_DURATION)
        return self.read_index()

    def read_index(self) -> RestoredIndex:
        """Return the temporary index."""
        found = self.call(ReadIndex(self.record.target_name))
        assert isinstance(found, IndexFound)
        return found.index

    def verify(self, index: RestoredIndex | None = None) -> Verification:
        """Verify the temporary index."""
        verified = self.call(VerifyIndex(index or self.read_index()))
        assert isinstance(verified, IndexVerified), verified
        return verified.verification


@contextmanager
def open_simulated_drill(
    project: SimulatedProject | None = None, *, sample_size: int = 30, **options: Any
) -> Iterator[SimulatedDrill]:
    """Serve a project, and open it for a drill of its only backup, without sleeping."""
    with serve(project or build_backed_up_project()) as server:
        (backup,) = server.project.backups.values()
        connection = make_connection(server, **{"key": server.drill_key, **options})
        with open_drill_project(connection, RecordingClock().build_runtime()) as drill_project:
            expected = drill_project.load_expected_content(backup.id)
            server.requests.clear()
            now = server.project.now
            record = build_drill(
                point=RestorePoint(backup.id, now, 1_000, expected),
                target_name=TARGET_NAME,
                sample_size=sample_size,
                chosen_at=now,
            )
            yield SimulatedDrill(server, drill_project, record)


@dataclass
class MemoryLedger:
    """A `DrillLedger` in memory that keeps every revision."""

    revisions: list[DrillRecord] = field(default_factory=list)
    _records: dict[tuple[str, int], DrillRecord] = field(default_factory=dict)

    def list_drills(self, project: str) -> Sequence[DrillRecord]:
        """Return all drills of a project, by number."""
        return [record for key, record in sorted(self._records.items()) if key[0] == project]

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill as it is stored now."""
        return self._records.get((project, number))

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a new drill, unless its number is used."""
        return self._store(record, None)

    def replace_drill(self, record: DrillRecord) -> bool:
        """Replace a stored drill, if its revision is the one before."""
        return self._store(record, record.revision - 1)

    def _store(self, record: DrillRecord, previous_revision: int | None) -> bool:
        stored_record = self._records.get((record.project, record.number))
        if (None if stored_record is None else stored_record.revision) != previous_revision:
            return False
        self._records[record.project, record.number] = record
        self.revisions.append(record)
        return True


@dataclass
class MemoryArchive:
    """A `DrillArchive` in memory."""

    documents: list[bytes] = field(default_factory=list)

    def store_drill(self, record: DrillRecord, document: bytes) -> StoredFile:
        """Store the document of a record."""
        self.documents.append(document)
        return StoredFile(f"{record.drill_id}-{record.revision}.json", sha256(document).hexdigest())
