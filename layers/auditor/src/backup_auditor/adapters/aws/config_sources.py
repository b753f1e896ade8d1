"""Policies, registries and secrets in AWS, cached for five minutes. No message contains a secret."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from backup_auditor.adapters.documents import MAX_DOCUMENT_BYTES
from backup_auditor.domain.identifiers import PARAMETER_SCHEME, parse_key
from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import DocumentError, SecretError, SecretUnavailableError

if TYPE_CHECKING:
    from backup_auditor.adapters.aws.session import AwsSession

_PARAMETER_REMEDIES = {
    "ParameterNotFound": "there is no such parameter; create it, or correct the address",
    "InvalidKeyId": "it cannot be decrypted; check that its KMS key is enabled and that the role may use it",
    "AccessDeniedException": "the role may not read it; check the permissions and the name's prefix",
}
_DOCUMENT_REMEDIES = {
    **_PARAMETER_REMEDIES,
    "ParameterVersionNotFound": "there is no such version of the parameter; correct the address",
    "NoSuchBucket": "there is no such bucket; correct the address",
    "NoSuchKey": "there is no such object; upload it, or correct the address",
    "AccessDenied": "there is no such object, or the role may not read it; upload it, or allow the role to read it",
    "ThrottlingException": "requests are throttled; store it in S3, or enable higher throughput in Parameter Store",
}


@contextmanager
def _translate_errors(
    error_type: type[DocumentError | SecretError],
    unavailable_type: type[DocumentError | SecretError],
    subject: str,
    remedies: Mapping[str, str],
) -> Iterator[None]:
    """Translate errors of AWS into one line that names the subject and what to do.

    An error without a remedy becomes `unavailable_type`: a retry can succeed.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  imported when a call needs it

    try:
        yield
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        remedy = remedies.get(code)
        if remedy is None:
            raise unavailable_type(f"{subject}: it cannot be fetched ({code})") from None
        raise error_type(f"{subject}: {remedy} ({code})") from None
    except BotoCoreError as error:
        reason = collapse_whitespace(str(error))[:200]
        message = f"{subject}: it cannot be fetched: {reason}; check region, credentials and network"
        raise unavailable_type(message) from None


def fetch_document(aws: "AwsSession", address: str) -> bytes:
    """Return the bytes of a document. Raises `DocumentError`."""
    with _translate_errors(DocumentError, DocumentError, address, _DOCUMENT_REMEDIES):
        if address.startswith(PARAMETER_SCHEME):
            return str(_fetch_parameter(aws, address)["Value"]).encode()
        content = _fetch_object(aws, address)
    if content is None:
        raise DocumentError(
            f"{address}: has more than {MAX_DOCUMENT_BYTES:,} bytes (the limit); check that it is the right document"
        )
    return content


def _fetch_parameter(aws: "AwsSession", address: str) -> Mapping[str, Any]:
    response: Mapping[str, Any] = aws.ssm.get_parameter(
        Name=address.removeprefix(PARAMETER_SCHEME), WithDecryption=True
    )
    return cast("Mapping[str, Any]", response["Parameter"])


def _fetch_object(aws: "AwsSession", address: str) -> bytes | None:
    """Return an object, `None` if it is too large. An incomplete answer raises an error of botocore."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    response = aws.s3.get_object(Bucket=bucket, Key=key)
    with closing(response["Body"]) as body:
        # botocore checks the length only of a body that is read completely
        return body.read() if response["ContentLength"] <= MAX_DOCUMENT_BYTES else None


_CACHE_SECONDS = 300


class Source[Value]:
    """Fetches values by name. Its cache lives as long as the process of a function, across invocations."""

    def __init__(self, fetch: Callable[[str], Value], *, is_cached: bool = True) -> None:
        """Take the function that fetches a value. Its errors pass through."""
        self._fetch: Callable[[str], Value] = fetch
        self._is_cached = is_cached
        self._values: dict[str, tuple[float, Value]] = {}

    def __call__(self, name: str, *, fresh: bool = False) -> Value:
        """Return the cached value, or fetch it; `fresh` always fetches. Failures are not cached."""
        fetched_at, value = self._values.get(name, (0.0, None))
        if fresh or not self._is_cached or value is None or time() - fetched_at >= _CACHE_SECONDS:
            value = self._fetch(name)
            if self._is_cached:
                self._values[name] = time(), value
        return value


_SECRET_REMEDIES = {
    **_PARAMETER_REMEDIES,
    "ThrottlingException": "requests are throttled; enable higher throughput in Parameter Store",
    "ResourceNotFoundException": "there is no such secret; create it, or correct the name",
    "InvalidRequestException": "it is scheduled for deletion, or has no value; restore it, or store a value",
    "DecryptionFailure": "it cannot be decrypted; check the permissions of its KMS key",
}
_MAX_ADDRESS_LENGTH = 2000


class SecretFormat[Value](NamedTuple):
    """The format of a secret."""

    field: str | None
    """The field of a secret that is JSON; `None` if the whole text is parsed."""
    parse: Callable[[str], Value]
    """Raises `ValueError`, which does not repeat the value."""


def fetch_secret(aws: "AwsSession", name: str) -> str | bytes:
    """Return the current value of a secret or of a SecureString parameter. Raises `SecretError`."""
    with _translate_errors(SecretError, SecretUnavailableError, f"the secret {name}", _SECRET_REMEDIES):
        if name.startswith(PARAMETER_SCHEME):
            parameter = _fetch_parameter(aws, name)
            if parameter["Type"] != "SecureString":
                raise SecretError(f"the secret {name} is a parameter of type {parameter['Type']}; store a SecureString")
            return str(parameter["Value"])
        response = aws.secrets.get_secret_value(SecretId=name)
    values: Mapping[str, Any] = response  # one of the two
    return cast("str | bytes", values["SecretString"] if "SecretString" in values else values["SecretBinary"])


def read_secret[Value](
    name: str, secret_format: SecretFormat[Value], source: Source[str | bytes], *, fresh: bool = False
) -> Value:
    """Return the parsed value of a secret; `fresh` bypasses the cache. Raises `SecretError`.

    An invalid cached value is fetched again: the secret may have been corrected since.
    """
    value = source(name, fresh=fresh)
    try:
        return _parse_secret(name, value, secret_format)
    except SecretError:
        if fresh:
            raise
        return _parse_secret(name, source(name, fresh=True), secret_format)


def _parse_secret[Value](name: str, value: str | bytes, secret_format: SecretFormat[Value]) -> Value:
    if isinstance(value, bytes):
        raise SecretError(f"the secret {name} is binary; store it as text")
    text = value.strip()
    if secret_format.field is not None and text.startswith("{"):
        text = _read_field(name, text, secret_format.field)
    if not text:
        content = "JSON" if secret_format.field is None else f"the value, or JSON with {secret_format.field}"
        raise SecretError(f"the secret {name} is empty; store {content}")
    try:
        return secret_format.parse(text)
    except ValueError as error:
        raise SecretError(f"the secret {name} {error}") from None


def _read_field(name: str, text: str, field: str) -> str:
    try:
        value = json.loads(text)[field]
    except (ValueError, RecursionError):
        raise SecretError(f"the secret {name} starts like JSON and is not valid JSON; correct it") from None
    except KeyError:
        raise SecretError(f"the secret {name} is JSON without {field}; add it") from None
    if not isinstance(value, str):
        raise SecretError(f"the secret {name} has a {field} that is not text; put it in quotes")
    return value.strip()


def _parse_key(text: str) -> str:
    if "://" in text:
        raise ValueError("is a URL, not a Pinecone API key; store the key")
    return parse_key(text)


def _parse_address(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _MAX_ADDRESS_LENGTH:
        raise ValueError("has characters that a URL cannot have; copy the URL again, without spaces or quotes")
    if not text.startswith(("https://", "http://")):
        raise ValueError("is not a URL; store a URL that starts with https://")
    return text


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The credentials of a service account."""

    client_id: str
    client_secret: str = field(repr=False)


_CREDENTIALS_EXAMPLE = '{"client_id": "...", "client_secret": "..."}'


def _parse_credentials(text: str) -> ClientCredentials:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError(f"is not a JSON object; store {_CREDENTIALS_EXAMPLE}")  # noqa: TRY004  as every format
    return ClientCredentials(*(_read_credential(document, it) for it in ("client_id", "client_secret")))


def _read_credential(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"is JSON without a text {name}; store {_CREDENTIALS_EXAMPLE}")
    try:
        return parse_key(value.strip())
    except ValueError:
        raise ValueError(
            f"has a {name} that is too short, or contains a space or a quote; copy it from the console again"
        ) from None


PINECONE_KEY = SecretFormat("PINECONE_API_KEY", _parse_key)
SLACK_WEBHOOK = SecretFormat("SLACK_WEBHOOK_URL", _parse_address)
PING_URL = SecretFormat("PING_URL", _parse_address)
SERVICE_ACCOUNT = SecretFormat(None, _parse_credentials)
