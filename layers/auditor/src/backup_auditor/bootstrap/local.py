"""What the command line is wired to: the state file, the report file, the Pinecone project and the evidence."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.files import EvidenceFile, read_local_file
from backup_auditor.adapters.pinecone.connection import Connection
from backup_auditor.adapters.pinecone.reader import open_reader
from backup_auditor.adapters.sqlite import state_store
from backup_auditor.adapters.sqlite.state_store import open_state_read_only
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.errors import BackupAuditorError, EvidenceError, StateError
from backup_auditor.ports.pinecone import ProjectReader
from backup_auditor.ports.stores import EvidenceStore, StateAndAuditStore, StateStore
from backup_auditor.settings.pinecone import PineconeSettings

_BOTO3_REMEDY = "AWS is asked with boto3, which is not there: pip install 'backup-auditor[aws]'"


def open_audits_in_file(path: Path) -> AbstractContextManager[StateAndAuditStore]:
    """Open a state to read what it holds, and to leave it as it is."""
    return open_state_read_only(path)


def open_audits_in_table(table: str) -> AbstractContextManager[StateAndAuditStore]:
    """Take the table of an application on AWS. Raises `StateError` where AWS cannot be asked."""
    from backup_auditor.adapters.dynamodb.state_store import DynamoState  # noqa: PLC0415  a file takes none of it

    return nullcontext(DynamoState(_make_client(lambda: _get_session().dynamodb, StateError), table))


def read_stored_file(file: StoredFile) -> bytes:
    """Return the bytes of a report or a page, wherever it is kept. Raises `EvidenceError`."""
    if not file.location.startswith("s3://"):
        return read_local_file(file)
    from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket  # noqa: PLC0415  a file takes none of it

    return EvidenceBucket(_make_client(lambda: _get_session().s3, EvidenceError), "").read(file)


def _make_client[Client](create_client: Callable[[], Client], error_type: type[BackupAuditorError]) -> Client:
    """Make a client, or say in one line what it lacks."""
    if find_spec("boto3") is None:
        raise error_type(_BOTO3_REMEDY)
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  see above

    try:
        return create_client()
    except BotoCoreError as error:
        raise error_type(f"AWS cannot be asked: {error}; look at AWS_REGION, AWS_PROFILE and the credentials") from None


@cache
def _get_session() -> AwsSession:
    return AwsSession()


def open_local_state(path: Path) -> AbstractContextManager[StateStore]:
    """Open the state that an audit is to be recorded in."""
    return state_store.open_state(path)


def open_local_state_read_only(path: Path) -> AbstractContextManager[StateStore]:
    """Open a state to judge by it, and to leave it as it is."""
    return state_store.open_state_read_only(path)


def open_evidence_file(path: Path) -> EvidenceStore:
    """Take the file that a report will be written to, as what can be shown of it later."""
    return EvidenceFile(path)


def open_project(settings: PineconeSettings) -> AbstractContextManager[ProjectReader]:
    """Open the project that the settings name, for reading alone."""
    return open_reader(make_connection(settings))


def make_connection(settings: PineconeSettings) -> Connection:
    """Return how the project that the settings name is reached."""
    return Connection(
        key=settings.key,
        host=settings.host,
        api_version=settings.api_version,
        schedules_api_version=settings.schedules_api_version,
        max_concurrency=settings.max_concurrency,
        deadline=settings.deadline,
    )
