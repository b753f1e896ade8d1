"""The interfaces of restore drills: the calls to Pinecone, and the ledger of drills."""

from collections.abc import Sequence
from typing import Protocol

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.drills.state_machine import DrillCall, Observation
from backup_auditor.domain.drills.verification import ExpectedContent


class DrillProject(Protocol):
    """Makes the calls of restore drills in one project. Safe to use from many threads.

    It deletes only the temporary index of a recorded drill.
    """

    def check_access(self, index: str) -> None:
        """Raise any `PineconeError` if the key cannot read the records of a live index."""

    def load_expected_content(self, backup_id: str) -> ExpectedContent:
        """Return the figures of a backup, from the backup itself. Raises any `PineconeError`."""

    def confirm_project(self, record: DrillRecord) -> bool:
        """Return whether the key shows the Pinecone project of a drill; `False` if nothing that it reads does.

        Raises `ProjectMismatchError` if it is another project, and any `PineconeError`.
        """

    def make_call(self, record: DrillRecord, call: DrillCall) -> Observation:
        """Make the call of a recorded drill and return what it shows. It raises no `PineconeError`."""


class DrillLedger(Protocol):
    """The records of all restore drills. Safe to use from many threads. Its methods raise `StateError`."""

    def list_drills(self, project: str) -> Sequence[DrillRecord]:
        """Return all drills of a project, by number."""

    def load_drill(self, project: str, number: int) -> DrillRecord | None:
        """Return one drill as it is stored now."""

    def create_drill(self, record: DrillRecord) -> bool:
        """Store a new drill. Return `False` and store nothing if its project has a drill of this number."""

    def replace_drill(self, record: DrillRecord) -> bool:
        """Replace a stored drill. Return `False` and change nothing unless its stored revision is the one before."""


class DrillArchive(Protocol):
    """A store of the documents of drills. It never overwrites a stored file."""

    def store_drill(self, record: DrillRecord, document: bytes) -> StoredFile:
        """Store the document of a record, or confirm that it is stored. Raises `EvidenceError`."""
