"""Creates, deletes and restores backups."""

import json
from collections.abc import Iterable, Mapping

from backup_auditor.adapters.pinecone import shapes
from backup_auditor.adapters.pinecone.calling import Caller
from backup_auditor.adapters.pinecone.failures import AnswerLostError
from backup_auditor.adapters.pinecone.paging import quoted
from backup_auditor.adapters.pinecone.reader import PineconeReader
from backup_auditor.adapters.pinecone.translation import Translation
from backup_auditor.adapters.pinecone.understanding import read_one
from backup_auditor.adapters.pinecone.writing.restores import Restore, RestoreJob, restore_job, walk_restore_jobs
from backup_auditor.adapters.pinecone.writing.settling import delete, known_before, settle
from backup_auditor.domain.facts import Backup
from backup_auditor.domain.listing import Walk
from backup_auditor.errors import NotUnderstoodError


class BackupWriter:
    """Changes the backups of a project, and makes indexes of them. Raises any `PineconeError`."""

    def __init__(self, caller: Caller, version: str, reader: PineconeReader) -> None:
        """Write through a caller, and look through a reader."""
        self._caller = caller
        self._version = version
        self._reader = reader
        self._translation = Translation()

    def describe(self, backup_id: str) -> Backup:
        """Read one backup."""
        return self._backup(self._caller.read(_target(backup_id), self._version))

    def create(
        self,
        index: str,
        name: str | None = None,
        description: str | None = None,
        beside: Iterable[Backup] | None = None,
    ) -> Backup:
        """Begin a backup, which is not `Ready` yet when this returns.

        `beside` are the backups of the live index, where they were just read.
        """

        def look() -> Walk[Backup]:
            return self._reader.own_backups(index)

        before = known_before(look, lambda it: it.backup_id, beside)
        given = {"name": name, "description": description}
        target = f"/indexes/{quoted(index)}/backups".encode()
        try:
            return self._backup(self._caller.write("POST", target, self._version, _body(given)))
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)
        return settle(reason, self._caller, look, lambda it: it.backup_id not in before and it.name == name)

    def delete(self, backup_id: str) -> None:
        """Begin to delete a backup. `ConflictError` means that a restore job runs; one that is not there is deleted."""
        delete(self._caller, _target(backup_id), self._version)

    def restore(
        self,
        backup_id: str,
        index: str,
        *,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool | None = None,
    ) -> Restore:
        """Begin to make a new index of a backup. `ConflictError` means that the backup is not `Ready`."""
        before = known_before(self.restore_jobs, lambda it: it.restore_job_id)
        protection = {True: "enabled", False: "disabled", None: None}[deletion_protection]
        given = {"name": index, "tags": dict(tags) if tags else None, "deletion_protection": protection}
        target = f"/backups/{quoted(backup_id)}/create-index".encode()
        try:
            answer = self._caller.write("POST", target, self._version, _body(given))
            begun = read_one(answer, shapes.RESTORE_STARTED)
            return Restore(begun["restore_job_id"], begun["index_id"])
        except (AnswerLostError, NotUnderstoodError) as lost:
            reason = str(lost)

        def is_it(job: RestoreJob) -> bool:
            return job.restore_job_id not in before and (job.backup_id, job.index_name) == (backup_id, index)

        job = settle(reason, self._caller, self.restore_jobs, is_it)
        return Restore(job.restore_job_id, job.index_id)

    def restore_jobs(self) -> Walk[RestoreJob]:
        """Walk the restore jobs of the project. Absence from this listing proves nothing."""
        return walk_restore_jobs(self._caller, self._version)

    def restore_job(self, restore_job_id: str) -> RestoreJob:
        """Read one restore job."""
        body = self._caller.read(f"/restore-jobs/{quoted(restore_job_id)}".encode(), self._version)
        return restore_job(read_one(body, shapes.RESTORE_JOB))

    def _backup(self, body: bytes) -> Backup:
        return self._translation.backup(read_one(body, shapes.BACKUP))


def _target(backup_id: str) -> bytes:
    return f"/backups/{quoted(backup_id)}".encode()


def _body(given: Mapping[str, object]) -> bytes:
    return json.dumps({key: value for key, value in given.items() if value is not None}).encode()
