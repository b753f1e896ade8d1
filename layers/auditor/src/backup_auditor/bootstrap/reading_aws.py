"""What a laptop reads of AWS, where a registry says so: policies and keys, with boto3 if it is there."""

from functools import cache
from importlib.util import find_spec

from backup_auditor.adapters.aws_session import AwsSession
from backup_auditor.adapters.documents import fetch_document
from backup_auditor.adapters.policy_file.loading import parse_policy
from backup_auditor.adapters.secrets import PINECONE_KEY, fetch_secret, secret
from backup_auditor.domain.policy import Policy
from backup_auditor.errors import DocumentError, SecretError

_REMEDY = "pip install 'backup-auditor[aws]'"


def fetched_policy(address: str) -> Policy:
    """Return a policy that AWS keeps. Raises `DocumentError` and `PolicyError`."""
    if find_spec("boto3") is None:
        raise DocumentError(f"{address}: it is fetched with boto3, which is not there: {_REMEDY}; or name a file")
    return parse_policy(fetch_document(_aws(), address), address)


def fetched_key(name: str) -> str:
    """Return the key that a secret holds. Raises `SecretError`."""
    if find_spec("boto3") is None:
        raise SecretError(
            f"the secret {name} is read with boto3, which is not there: {_REMEDY}; or add key_env, the variable that "
            "holds the key"
        )
    return secret(name, PINECONE_KEY, _read)


def _read(name: str, *, fresh: bool = False) -> str | bytes:  # noqa: ARG001  nothing is remembered
    return fetch_secret(_aws(), name)


@cache
def _aws() -> AwsSession:
    return AwsSession()
