"""Wire the command line: stored files, who runs it, and documents, secrets and stores on AWS."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from backup_auditor.adapters.files import DrillFolder, ReportFolder, find_copies_beside_state, read_local_file
from backup_auditor.bootstrap import runtime
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.domain.policy import Policy
from backup_auditor.errors import BackupAuditorError, DocumentError, EvidenceError, SecretError, StackError, StateError
from backup_auditor.ports.drills import DrillArchive, DrillLedger
from backup_auditor.ports.stores import FleetPageLog, StateAndAuditStore, StateTransfer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from backup_auditor.adapters.aws.session import AwsSession
    from backup_auditor.application.evidence import ReportLocator
    from backup_auditor.ports.stack import DeployedStack


def open_audits_in_table(table: str) -> AbstractContextManager[StateAndAuditStore]:
    """Open the table of a stack on AWS, without audits whose retention is over.

    Raises `StateError` where AWS cannot be called.
    """
    from backup_auditor.adapters.dynamodb.state_store import DynamoState  # noqa: PLC0415  only for a table

    return nullcontext(DynamoState(_make_table_client(table), table, now=runtime.now()))


def open_pages_in_table(table: str) -> FleetPageLog:
    """Open the pages of the fleet of a stack on AWS. Raises `StateError` where AWS cannot be called."""
    from backup_auditor.adapters.dynamodb.fleet_store import DynamoFleetStore  # noqa: PLC0415  only for a table

    return DynamoFleetStore(_make_table_client(table), table)


def open_drills_in_table(table: str) -> AbstractContextManager[DrillLedger]:
    """Open the restore drills in the table of a stack on AWS. Raises `StateError` where AWS cannot be called."""
    from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger  # noqa: PLC0415  only for a table

    return nullcontext(DynamoDrillLedger(_make_table_client(table), table))


def open_transfer_in_table(table: str, *, retention: timedelta | None = None) -> AbstractContextManager[StateTransfer]:
    """Open the table of a stack on AWS to export or import a state, with the retention of imported audit records.

    Raises `StateError` where AWS cannot be called.
    """
    from backup_auditor.adapters.dynamodb.state_transfer import DynamoTransfer  # noqa: PLC0415  only for a table

    return nullcontext(DynamoTransfer(_make_table_client(table), table, retention=retention))


def load_project_ids_in_table(table: str, names: Sequence[str]) -> Mapping[str, str]:
    """Return Pinecone's ids of the projects that the states in a table have, by name. Raises `StateError`."""
    from backup_auditor.adapters.dynamodb.watch_store import DynamoWatchStore  # noqa: PLC0415  only for a table

    projects = DynamoWatchStore(_make_table_client(table), table).load_projects(names)
    ids = ((name, it.last_audits.pinecone_project_id) for name, it in projects.items())
    return {name: project_id for name, project_id in ids if project_id is not None}


def make_report_locator(state: Path | None, reports: Path | None) -> "ReportLocator":
    """Return what finds reports in a folder or, without one, where they were written and beside the state.

    Raises `EvidenceError` if the folder does not exist.
    """
    return _WrittenReports(state) if reports is None else ReportFolder(reports)


class _WrittenReports:
    """Finds reports where they were written, then beside the state."""

    def __init__(self, state: Path | None) -> None:
        self._state = state

    def locate(self, file: StoredFile) -> Iterator[StoredFile]:
        yield file
        if self._state is not None and not file.location.startswith("s3://"):
            yield from find_copies_beside_state(self._state, file)

    def read(self, file: StoredFile) -> bytes:
        if not file.location.startswith("s3://"):
            return read_local_file(file)
        from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket  # noqa: PLC0415  only for S3

        return EvidenceBucket(_make_client(lambda session: session.s3, file.location, EvidenceError), "").read(file)


def make_drill_archive(state: Path) -> DrillArchive:
    """Return the archive of a state: a folder beside it."""
    return DrillFolder(state.with_name(f"{state.stem}-drills"))


def fetch_policy(address: str) -> Policy:
    """Return a policy that AWS stores. Raises `DocumentError` and `PolicyError`."""
    session = _get_session(address, DocumentError, ", or name a local file")
    from backup_auditor.adapters.aws.config_sources import fetch_document  # noqa: PLC0415  only for AWS
    from backup_auditor.adapters.policy_file.loader import parse_policy  # noqa: PLC0415  only for AWS

    return parse_policy(fetch_document(session, address), address)


def fetch_key(name: str) -> str:
    """Return the Pinecone key in a secret. Raises `SecretError`."""
    session = _get_session(f"secret {name}", SecretError, ", or set key_env to the variable that holds the key")
    from backup_auditor.adapters.aws import config_sources as sources  # noqa: PLC0415  only for AWS

    source = sources.Source(partial(sources.fetch_secret, session), is_cached=False)
    return sources.read_secret(name, sources.PINECONE_KEY, source)


def open_stack(name: str) -> "DeployedStack":
    """Open a stack on AWS for an examination. Raises `StackError` without boto3."""
    session = _get_session(f"the stack {name}", StackError)
    from backup_auditor.adapters.aws.deployed_stack import CloudFormationStack  # noqa: PLC0415  only for AWS

    return CloudFormationStack(session, name)


def find_actor() -> str:
    """Return the user and the machine, for the records."""
    import platform  # noqa: PLC0415  only for changes

    try:
        from pwd import getpwuid  # noqa: PLC0415  not available on every system

        user = getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # in a container, a user can have a number and no name
        user = f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown user"
    return f"{user}@{platform.node() or 'unknown'}"


def _make_table_client(table: str) -> "DynamoDBClient":
    return _make_client(lambda session: session.dynamodb, f"table {table}", StateError)


def _make_client[Client](
    create_client: "Callable[[AwsSession], Client]", subject: str, error_type: type[BackupAuditorError]
) -> Client:
    session = _get_session(subject, error_type)
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  only for AWS

    try:
        return create_client(session)
    except BotoCoreError as error:
        message = f"{subject}: AWS cannot be called: {error}; check AWS_REGION, AWS_PROFILE and the credentials"
        raise error_type(message) from None


def _get_session(subject: str, error_type: type[BackupAuditorError], alternative: str = "") -> "AwsSession":
    if find_spec("boto3") is None:
        raise error_type(f"{subject}: boto3 is not installed; run pip install 'backup-auditor[aws]'{alternative}")
    return _make_session()


@cache
def _make_session() -> "AwsSession":
    from backup_auditor.adapters.aws.session import AwsSession  # noqa: PLC0415  only for AWS

    return AwsSession()
