"""The documents of restore drills as local files."""

import hashlib
from contextlib import suppress
from pathlib import Path

from backup_auditor.adapters.files import PRIVATE_MODE, AtomicFile, read_local_file
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.errors import EvidenceError, EvidenceMissingError, UsageError


class DrillFolder:
    """A `DrillArchive` in a folder: one file for each stored revision of a drill."""

    def __init__(self, folder: Path) -> None:
        """Take the folder. It is created with the first document."""
        self._folder = folder.absolute()

    def store_drill(self, record: DrillRecord, document: bytes) -> StoredFile:
        """Store a document, unless it is stored already. Raises `EvidenceError` if another one has its name."""
        path = self._folder / f"{record.drill_id}-{record.revision}.json"
        stored_file = StoredFile(str(path), hashlib.sha256(document).hexdigest())
        with suppress(EvidenceMissingError):
            if read_local_file(stored_file) != document:
                raise EvidenceError(f"{path} has another document than the drill; move it away and run drill again")
            return stored_file
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with AtomicFile(path, PRIVATE_MODE) as file:
                file.write_all([document])
        except OSError as error:
            reason = error.strerror or str(error)
            raise EvidenceError(f"{self._folder}: cannot be created: {reason}; check the folder above it") from None
        except UsageError as error:
            raise EvidenceError(f"the document of drill {record.drill_id} is not stored: {error}") from None
        return stored_file
