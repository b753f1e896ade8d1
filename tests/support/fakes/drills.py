"""Fakes of a project and an archive for restore drills."""

import hashlib
from dataclasses import dataclass, field

from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DrillRecord, RestoredIndex
from backup_auditor.domain.drills.state_machine import (
    DeleteIndex,
    DeletionAccepted,
    DrillCall,
    IndexFound,
    IndexMissing,
    IndexVerified,
    JobFound,
    Observation,
    ReadIndex,
    ReadJob,
    RequestRestore,
    RestoreAccepted,
    VerifyIndex,
)
from backup_auditor.domain.drills.verification import CheckState, ExpectedContent
from backup_auditor.errors import BackupAuditorError, EvidenceError, PineconeError
from support.builders.drills import EXPECTED, build_checked, build_job, build_target


@dataclass
class FakeDrillProject:
    """A project whose restore of the built drill completes at once."""

    result: CheckState = CheckState.PASSED
    error: PineconeError | None = None
    """What the reads before a drill raise."""
    index: RestoredIndex | None = None
    confirmation: bool | BackupAuditorError = True
    """Whether the key shows the Pinecone project of a drill, or the error of the reads."""
    calls: list[DrillCall] = field(default_factory=list)

    def check_access(self, index: str) -> None:
        """Raise the error, if there is one."""
        del index
        if self.error is not None:
            raise self.error

    def load_expected_content(self, backup_id: str) -> ExpectedContent:
        """Return the figures of every backup."""
        self.check_access(backup_id)
        return EXPECTED

    def confirm_project(self, record: DrillRecord) -> bool:
        """Return the confirmation, or raise the error."""
        del record
        if isinstance(self.confirmation, bool):
            return self.confirmation
        raise self.confirmation

    def make_call(self, record: DrillRecord, call: DrillCall) -> Observation:
        """Answer a call of the built drill."""
        del record
        self.calls.append(call)
        match call:
            case RequestRestore():
                self.index = build_target()
                return RestoreAccepted("job-1", "id-drill")
            case ReadIndex():
                return IndexMissing() if self.index is None else IndexFound(self.index)
            case ReadJob():
                return JobFound(build_job())
            case VerifyIndex():
                return IndexVerified(build_checked(self.result))
            case DeleteIndex():
                self.index = None
                return DeletionAccepted()


@dataclass
class FakeDrillArchive:
    """An archive in memory."""

    documents: dict[str, bytes] = field(default_factory=dict)
    is_full: bool = False

    def store_drill(self, record: DrillRecord, document: bytes) -> StoredFile:
        """Store a document under the revision of its drill."""
        if self.is_full:
            raise EvidenceError("the archive is full; make room")
        location = f"{record.drill_id}-{record.revision}.json"
        assert self.documents.setdefault(location, document) == document
        return StoredFile(location, hashlib.sha256(document).hexdigest())
