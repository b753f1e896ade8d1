"""Make the calls of restore drills: restore a backup, follow its job and its index, verify and delete that index."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from backup_auditor.adapters.pinecone.client import PineconeClient, Runtime
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.data_plane import open_index_host, read_found_content, read_sample, read_stats
from backup_auditor.adapters.pinecone.reader import MAX_PAGES, PineconeReader, build_page_target
from backup_auditor.adapters.pinecone.rows import (
    ACCEPTED_RESTORE,
    RESTORABLE_BACKUP,
    RESTORE_JOB,
    RESTORE_JOB_PAGE,
    RestorableBackupRow,
    RestoreJobRow,
    parse_optional_moment,
    parse_page,
    parse_row,
    read_vector_field,
)
from backup_auditor.adapters.pinecone.temporary_indexes import (
    delete_temporary_index,
    observe_index,
    read_restored_index,
)
from backup_auditor.adapters.pinecone.transport import ResponseLostError, Transport
from backup_auditor.domain.backup_status import BackupPhase, parse_phase
from backup_auditor.domain.drills.drill import DrillRecord, JobState, RestoredIndex, RestoreJob, require_same_project
from backup_auditor.domain.drills.state_machine import (
    AccessRefused,
    AnswerLost,
    DeleteIndex,
    DrillCall,
    IndexVerified,
    JobFound,
    JobMissing,
    Observation,
    ReadFailed,
    ReadIndex,
    ReadJob,
    RequestRestore,
    RestoreAccepted,
    RestoreRefused,
    VerifyIndex,
)
from backup_auditor.domain.drills.verification import ExpectedContent, build_verification
from backup_auditor.domain.model import ApiCall
from backup_auditor.domain.text import quote_segment, quote_text
from backup_auditor.errors import (
    BadKeyError,
    ConflictError,
    ForbiddenError,
    MalformedResponseError,
    NotFoundError,
    OrganizationPlanError,
    PineconeError,
    PreconditionError,
    SettingsError,
    UnavailableError,
    UnsupportedError,
)

_FIRST_VERSION = "2026-07"
"""The first API version in which an index has the backup that it was restored from."""
_DATED_VERSION = re.compile(r"\d{4}-\d{2}")
_JOB_STATES = {
    "completed": JobState.COMPLETED,
    "failed": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
    "canceled": JobState.CANCELLED,
}


class PineconeDrillProject:
    """A `DrillProject` over HTTP. The deadline of its connection limits each call of a drill, not the whole drill."""

    def __init__(self, connection: Connection, transport: Transport, runtime: Runtime) -> None:
        """Call the control plane with a transport, and the host of each index with one of its own."""
        self._connection = connection
        self._transport = transport
        self._runtime = runtime
        self._own_backup_ids: set[str] = set()
        """The backups that certainly belong to the project of the key."""

    def check_access(self, index: str) -> None:
        """Raise any `PineconeError` if the key cannot read the records of a live index."""
        host = read_restored_index(self._start_calls(), index).host
        if host is None:
            raise UnavailableError(f"index {quote_text(index)} has no host; try again once it is ready")
        with open_index_host(self._connection, host, self._runtime) as client:
            read_stats(client)

    def load_expected_content(self, backup_id: str) -> ExpectedContent:
        """Return the figures of a backup, from the backup itself. Raises any `PineconeError`."""
        row = _read_backup(self._start_calls(), backup_id)
        self._own_backup_ids.add(backup_id)
        vector_field = read_vector_field(row.get("schema"))
        return ExpectedContent(
            record_count=row.get("record_count"),
            namespace_count=row.get("namespace_count"),
            dimension=vector_field.dimension,
            metric=vector_field.metric,
            vector_type=vector_field.vector_type,
        )

    def confirm_project(self, record: DrillRecord) -> bool:
        """Return whether the key shows the Pinecone project of a drill; `False` if nothing that it reads does.

        Raises `ProjectMismatchError` if it is another project, and any `PineconeError`.
        """
        backup_id = record.point.backup_id
        if backup_id not in self._own_backup_ids and _shows_project(self._start_calls(), record):
            self._own_backup_ids.add(backup_id)
        return backup_id in self._own_backup_ids

    def make_call(self, record: DrillRecord, call: DrillCall) -> Observation:
        """Make the call of a recorded drill and return what it shows. It raises no `PineconeError`."""
        client = self._start_calls()
        match call:
            case RequestRestore():
                return _request_restore(client, call.call, record.point.backup_id)
            case ReadIndex():
                return observe_index(client, call.name)
            case ReadJob():
                return _observe_job(client, call)
            case VerifyIndex():
                return self._verify_index(record, call.index)
            case DeleteIndex():
                return delete_temporary_index(client, record)

    def _start_calls(self) -> PineconeClient:
        """Return a client whose deadline starts now: a drill takes hours, its calls do not."""
        return PineconeClient(self._connection, self._transport, self._runtime)

    def _verify_index(self, record: DrillRecord, index: RestoredIndex) -> Observation:
        if index.host is None:
            return ReadFailed(f"index {quote_text(index.index.name)} has no host")
        try:
            with open_index_host(self._connection, index.host, self._runtime) as client:
                found = read_found_content(client, index, record.point.expected)
                sample = read_sample(client, index, found, size=record.sample_size, seed=record.drill_id)
        except (BadKeyError, ForbiddenError) as error:
            return AccessRefused(str(error))
        except PineconeError as error:
            return ReadFailed(str(error))
        return IndexVerified(build_verification(record.point.expected, found, sample))


def _shows_project(client: PineconeClient, record: DrillRecord) -> bool:
    """Return whether the key of a client shows the Pinecone project of a drill.

    Ids of backups and indexes are unique, and a key reads only those of its project, so most often one call is enough.
    Once the backup is gone, the schedules decide: no other response has Pinecone's id of the project.
    """
    try:
        _read_backup(client, record.point.backup_id)
    except NotFoundError:
        reader = PineconeReader(client)
        return _has_backups(reader, record) or _find_project(reader, record)
    return True


def _has_backups(reader: PineconeReader, record: DrillRecord) -> bool:
    """Return whether the drilled index has any backup. Raises any `PineconeError`."""
    try:
        read = reader.read_own_backups(record.index_name)
    except (NotFoundError, UnsupportedError):
        return False
    is_found = any(it.index_id == record.index_id for it in read.rows)
    if read.failure is not None and not is_found:
        raise UnavailableError(str(read.failure))
    return is_found


def _find_project(reader: PineconeReader, record: DrillRecord) -> bool:
    """Return whether a schedule shows the project of a drill: one of its index, or of any if the project has an id.

    Raises `ProjectMismatchError` if a schedule shows another project, and any `PineconeError`.
    """
    names = [record.index_name]
    if record.pinecone_project_id is not None:
        names += sorted(it.name for it in reader.read_indexes().rows if it.name != record.index_name)
    for name in names:
        try:
            read = reader.read_schedules(name)
        except (NotFoundError, UnsupportedError, OrganizationPlanError):
            continue
        for schedule in read.rows:
            if schedule.index_id == record.index_id or require_same_project(record, schedule.project_id):
                return True
        if read.failure is not None:
            raise UnavailableError(str(read.failure))
    return False


def _request_restore(client: PineconeClient, call: ApiCall, backup_id: str) -> Observation:
    """Send the request for a restore, and say that it was refused only if it certainly had no effect.

    A 404 or a 412 can also come from elsewhere, so the backup is the reason only if reading it confirms that.
    """
    try:
        body = client.write(
            call.method, call.path.encode(), client.connection.api_version, json.dumps(call.body).encode()
        )
        row = parse_row(body, ACCEPTED_RESTORE)
    except (NotFoundError, PreconditionError) as error:
        return RestoreRefused(str(error), is_of_backup=_is_backup_unusable(client, backup_id))
    except (ResponseLostError, MalformedResponseError, ConflictError) as error:
        return AnswerLost(str(error))
    except PineconeError as error:
        return RestoreRefused(str(error))
    return RestoreAccepted(row["restore_job_id"], row["index_id"])


def _is_backup_unusable(client: PineconeClient, backup_id: str) -> bool:
    """Return whether a read shows that a backup does not exist, or is not ready."""
    try:
        return parse_phase(_read_backup(client, backup_id)["status"]) not in {BackupPhase.READY, BackupPhase.UNKNOWN}
    except NotFoundError:
        return True
    except PineconeError:
        return False


def _read_backup(client: PineconeClient, backup_id: str) -> RestorableBackupRow:
    target = f"/backups/{quote_segment(backup_id)}".encode()
    return parse_row(client.read(target, client.connection.api_version), RESTORABLE_BACKUP)


def _observe_job(client: PineconeClient, call: ReadJob) -> JobFound | JobMissing | ReadFailed:
    try:
        row = _find_job(client, call) if call.job_id is None else _read_job(client, call.job_id)
    except NotFoundError:
        return JobMissing()
    except PineconeError as error:
        return ReadFailed(str(error))
    return JobMissing() if row is None else JobFound(_map_job(row))


def _read_job(client: PineconeClient, job_id: str) -> RestoreJobRow:
    target = f"/restore-jobs/{quote_segment(job_id)}".encode()
    return parse_row(client.read(target, client.connection.api_version), RESTORE_JOB)


def _find_job(client: PineconeClient, call: ReadJob) -> RestoreJobRow | None:
    """Return the job of the call from the listing of restore jobs; `None` if the listing does not have it."""
    tokens: set[str] = set()
    token: str | None = None
    while True:
        target = build_page_target("/restore-jobs", token)
        page = parse_page(client.read(target, client.connection.api_version), RESTORE_JOB_PAGE, RESTORE_JOB)
        for row in page.rows:
            if (row["target_index_name"], row["backup_id"]) == (call.target_name, call.backup_id):
                return row
        if page.fault is not None:
            raise MalformedResponseError(page.fault)
        token = page.token
        if token is None:
            return None
        if token in tokens or len(tokens) > MAX_PAGES:
            raise MalformedResponseError("the pages of the restore jobs repeat")
        tokens.add(token)


def _map_job(row: RestoreJobRow) -> RestoreJob:
    return RestoreJob(
        job_id=row["restore_job_id"],
        backup_id=row["backup_id"],
        target_name=row["target_index_name"],
        state=_JOB_STATES.get(row["status"].casefold(), JobState.PENDING),
        created_at=parse_optional_moment(row.get("created_at")),
        completed_at=parse_optional_moment(row.get("completed_at")),
        document=dict(row),
    )


@contextmanager
def open_drill_project(connection: Connection, runtime: Runtime | None = None) -> Iterator[PineconeDrillProject]:
    """Open a project for restore drills; the key of the connection must allow them.

    Raises `SettingsError` for an API version in which an index does not have its source backup: no index could be
    confirmed as that of a drill, so none could be deleted.
    """
    version = connection.api_version
    if _DATED_VERSION.fullmatch(version) is None or version < _FIRST_VERSION:
        raise SettingsError(
            f"API version {quote_text(version)} has no source backup of an index, which restore drills need;"
            f" set PINECONE_API_VERSION to {_FIRST_VERSION}"
        )
    with Transport(connection) as transport:
        yield PineconeDrillProject(connection, transport, runtime or Runtime())
