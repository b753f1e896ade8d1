"""Fetches secrets from Secrets Manager, and makes sure that each is what it should be. No message holds its value."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from backup_auditor.adapters.remembered import Reading
from backup_auditor.domain.naming import usable_key
from backup_auditor.domain.text import join_lines
from backup_auditor.errors import SecretError

if TYPE_CHECKING:
    from backup_auditor.adapters.aws_session import AwsSession

_REMEDIES = {
    "ResourceNotFoundException": "there is no such secret; make it, or correct the name",
    "InvalidRequestException": "it is marked for deletion, or has no value yet; restore it, or put a value there",
    "AccessDeniedException": "it may not be read; look at the permissions, and at the beginning of its name",
    "DecryptionFailure": "it cannot be decrypted; look at the permissions of its KMS key",
}
_OTHERWISE = "it cannot be fetched"
_LONGEST = 2000


class Sort(NamedTuple):
    """What a secret is to hold."""

    field: str
    """Where it stands in a secret that is JSON."""
    parse: Callable[[str], str]
    """Raises `ValueError`, which does not repeat it."""


def fetch_secret(aws: "AwsSession", name: str) -> str | bytes:
    """Return the value of a secret as it is now. Raises `SecretError`, which names it and the remedy."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  boto3 is there once it is needed

    try:
        answer = aws.secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise SecretError(f"the secret {name}: {_REMEDIES.get(code, _OTHERWISE)} ({code})") from None
    except BotoCoreError as error:
        why = join_lines(str(error))[:200]
        raise SecretError(
            f"the secret {name}: it cannot be fetched: {why}; look at region, credentials and network"
        ) from None
    held: Mapping[str, Any] = answer  # one of the two
    return cast("str | bytes", held["SecretString"] if "SecretString" in held else held["SecretBinary"])


def secret(name: str, sort: Sort, read: Reading[str | bytes], *, fresh: bool = False) -> str:
    """Return what a secret holds; `fresh` as it is now, whatever is remembered. Raises `SecretError`.

    One that is not what it should be is read afresh: it may be corrected by now.
    """
    value = read(name, fresh=fresh)
    try:
        return _understood(name, value, sort)
    except SecretError:
        if fresh:
            raise
        return _understood(name, read(name, fresh=True), sort)


def _understood(name: str, value: str | bytes, sort: Sort) -> str:
    if isinstance(value, bytes):
        raise SecretError(f"the secret {name} is binary; put it there as text")
    text = value.strip()
    if text.startswith("{"):
        text = _field(name, text, sort.field)
    if not text:
        raise SecretError(f"the secret {name} is empty; put the value there, or JSON with {sort.field}")
    try:
        return sort.parse(text)
    except ValueError as error:
        raise SecretError(f"the secret {name} {error}") from None


def _field(name: str, text: str, field: str) -> str:
    try:
        value = json.loads(text)[field]
    except (ValueError, RecursionError):
        raise SecretError(f"the secret {name} begins as JSON and is none; correct it") from None
    except KeyError:
        raise SecretError(f"the secret {name} is JSON without {field}; add it") from None
    if not isinstance(value, str):
        raise SecretError(f"the secret {name} has a {field} that is no text; put it in quotes")
    return value.strip()


def _key(text: str) -> str:
    if "://" in text:
        raise ValueError("is an address, and no key of Pinecone; put the key there")
    return usable_key(text)


def _address(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _LONGEST:
        raise ValueError("holds characters that no address has; copy the address again, without blanks or quotes")
    if not text.startswith(("https://", "http://")):
        raise ValueError("is no address; put one there that begins with https://")
    return text


PINECONE_KEY = Sort("PINECONE_API_KEY", _key)
SLACK_WEBHOOK = Sort("SLACK_WEBHOOK_URL", _address)
PING_URL = Sort("PING_URL", _address)
