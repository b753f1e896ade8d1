"""What showing evidence takes: the file or the table that knows of audits, and the places where reports are kept."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from backup_auditor.adapters.aws_session import AwsSession
from backup_auditor.adapters.evidence_file import read_file
from backup_auditor.adapters.sqlite_state.store import look_into_state
from backup_auditor.domain.audit_record import KeptFile
from backup_auditor.errors import BackupAuditorError, EvidenceError, StateError
from backup_auditor.ports.state import RecordedState

_REMEDY = "AWS is asked with boto3, which is not there: pip install 'backup-auditor[aws]'"


def audits_in_file(path: Path) -> AbstractContextManager[RecordedState]:
    """Open a state to read what it holds, and to leave it as it is."""
    return look_into_state(path)


def audits_in_table(table: str) -> AbstractContextManager[RecordedState]:
    """Take the table of an application on AWS. Raises `StateError` where AWS cannot be asked."""
    from backup_auditor.adapters.dynamodb_state.store import DynamoState  # noqa: PLC0415  a file takes none of it

    return nullcontext(DynamoState(_asked(lambda: _aws().dynamodb, StateError), table))


def read_kept(kept: KeptFile) -> bytes:
    """Return the bytes of a report or a page, wherever it is kept. Raises `EvidenceError`."""
    if not kept.location.startswith("s3://"):
        return read_file(kept)
    from backup_auditor.adapters.evidence_bucket import EvidenceBucket  # noqa: PLC0415  a file takes none of it

    return EvidenceBucket(_asked(lambda: _aws().s3, EvidenceError), "").read(kept)


def _asked[Client](make: Callable[[], Client], refusal: type[BackupAuditorError]) -> Client:
    """Make a client, or say in one line what it lacks."""
    if find_spec("boto3") is None:
        raise refusal(_REMEDY)
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415  see above

    try:
        return make()
    except BotoCoreError as error:
        raise refusal(f"AWS cannot be asked: {error}; look at AWS_REGION, AWS_PROFILE and the credentials") from None


@cache
def _aws() -> AwsSession:
    return AwsSession()
