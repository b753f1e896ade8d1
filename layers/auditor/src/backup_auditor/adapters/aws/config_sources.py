"""Policies, registries and secrets that AWS stores, cached for five minutes. No message holds a secret."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from backup_auditor.adapters.document_problems import MAX_DOCUMENT_BYTES
from backup_auditor.domain.identifiers import parse_key
from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import DocumentError, SecretError

if TYPE_CHECKING:
    from backup_auditor.adapters.aws.session import AwsSession

_DOCUMENT_REMEDIES = {
    "ParameterNotFound": "there is no such parameter; make it, or correct the address",
    "ParameterVersionNotFound": "there is no such version of the parameter; correct the address",
    "NoSuchBucket": "there is no such bucket; correct the address",
    "NoSuchKey": "there is no such object; put it there, or correct the address",
    "AccessDenied": "there is no such object, or it may not be read; put it there, and look at the permissions",
    "AccessDeniedException": "it may not be read; look at the permissions, and at the beginning of its name",
    "ThrottlingException": "it is asked too often; keep it in S3, or switch on higher throughput in Parameter Store",
}
_OTHER_DOCUMENT_REMEDY = "it cannot be fetched"


def fetch_document(aws: "AwsSession", address: str) -> bytes:
    """Return the bytes of a document. Raises `DocumentError`, which names the address and the remedy."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  boto3 is there once it is needed

    try:
        content = _fetch_parameter(aws, address) if address.startswith("ssm:") else _fetch_object(aws, address)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise DocumentError(f"{address}: {_DOCUMENT_REMEDIES.get(code, _OTHER_DOCUMENT_REMEDY)} ({code})") from None
    except BotoCoreError as error:
        reason = collapse_whitespace(str(error))[:200]
        raise DocumentError(
            f"{address}: it cannot be fetched: {reason}; look at region, credentials and network"
        ) from None
    if content is None:
        raise DocumentError(f"{address}: has more than {MAX_DOCUMENT_BYTES:,} bytes; is it the right document?")
    return content


def _fetch_parameter(aws: "AwsSession", address: str) -> bytes:
    name = address.removeprefix("ssm:")
    return aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"].encode()


def _fetch_object(aws: "AwsSession", address: str) -> bytes | None:
    """Return all of an object, `None` where it is too large. Where its answer breaks off that fails: a part is none."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    response = aws.s3.get_object(Bucket=bucket, Key=key)
    with closing(response["Body"]) as body:
        return (
            body.read() if response["ContentLength"] <= MAX_DOCUMENT_BYTES else None
        )  # only what is read in full is compared


if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import BaseProvider

_CACHE_SECONDS = 300


class Source[Value](Protocol):
    """Reads something by its name."""

    def __call__(self, name: str, *, fresh: bool = False) -> Value:
        """Return it; `fresh` as it is now, whatever is remembered."""


class CachedSource[Value]:
    """What was fetched by name. It lives as long as a function's process, from one invocation to the next."""

    def __init__(self, fetch: Callable[[str], Value]) -> None:
        """Take what fetches, which raises what it will."""
        self._fetch: Callable[[str], Value] = fetch

    def __call__(self, name: str, *, fresh: bool = False) -> Value:
        """Return what is remembered, or fetch it; `fresh` fetches in any case. What failed is not remembered."""
        from aws_lambda_powertools.utilities.parameters import GetParameterError  # noqa: PLC0415  it imports boto3

        try:
            return cast("Value", self._provider.get(name, max_age=_CACHE_SECONDS, force_fetch=fresh))
        except GetParameterError as error:
            raise (error.__context__ or error) from None

    @cached_property
    def _provider(self) -> "BaseProvider":
        from aws_lambda_powertools.utilities.parameters import BaseProvider  # noqa: PLC0415  it imports boto3

        fetch: Callable[[str], Any] = self._fetch

        class Provider(BaseProvider):
            def _get(self, name: str, **_: object) -> Any:  # noqa: ANN401  whatever is fetched
                return fetch(name)

            def _get_multiple(self, path: str, **_: object) -> dict[str, str]:
                raise NotImplementedError(path)

        return Provider()  # type: ignore[no-untyped-call]


if TYPE_CHECKING:
    from backup_auditor.adapters.aws.session import AwsSession

_SECRET_FAILURES = {
    "ResourceNotFoundException": "there is no such secret; make it, or correct the name",
    "InvalidRequestException": "it is marked for deletion, or has no value yet; restore it, or put a value there",
    "AccessDeniedException": "it may not be read; look at the permissions, and at the beginning of its name",
    "DecryptionFailure": "it cannot be decrypted; look at the permissions of its KMS key",
}
_DEFAULT_ADVICE = "it cannot be fetched"
_MAX_ADDRESS_LENGTH = 2000


class SecretFormat(NamedTuple):
    """What a secret is to hold."""

    field: str
    """Where it stands in a secret that is JSON."""
    parse: Callable[[str], str]
    """Raises `ValueError`, which does not repeat it."""


def fetch_secret(aws: "AwsSession", name: str) -> str | bytes:
    """Return the value of a secret as it is now. Raises `SecretError`, which names it and the remedy."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  boto3 is there once it is needed

    try:
        response = aws.secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise SecretError(f"the secret {name}: {_SECRET_FAILURES.get(code, _DEFAULT_ADVICE)} ({code})") from None
    except BotoCoreError as error:
        reason = collapse_whitespace(str(error))[:200]
        raise SecretError(
            f"the secret {name}: it cannot be fetched: {reason}; look at region, credentials and network"
        ) from None
    values: Mapping[str, Any] = response  # one of the two
    return cast("str | bytes", values["SecretString"] if "SecretString" in values else values["SecretBinary"])


def read_secret(name: str, secret_format: SecretFormat, source: Source[str | bytes], *, fresh: bool = False) -> str:
    """Return what a secret holds; `fresh` as it is now, whatever is remembered. Raises `SecretError`.

    One that is not what it should be is read afresh: it may be corrected by now.
    """
    value = source(name, fresh=fresh)
    try:
        return _parse_secret(name, value, secret_format)
    except SecretError:
        if fresh:
            raise
        return _parse_secret(name, source(name, fresh=True), secret_format)


def _parse_secret(name: str, value: str | bytes, secret_format: SecretFormat) -> str:
    if isinstance(value, bytes):
        raise SecretError(f"the secret {name} is binary; put it there as text")
    text = value.strip()
    if text.startswith("{"):
        text = _read_field(name, text, secret_format.field)
    if not text:
        raise SecretError(f"the secret {name} is empty; put the value there, or JSON with {secret_format.field}")
    try:
        return secret_format.parse(text)
    except ValueError as error:
        raise SecretError(f"the secret {name} {error}") from None


def _read_field(name: str, text: str, field: str) -> str:
    try:
        value = json.loads(text)[field]
    except (ValueError, RecursionError):
        raise SecretError(f"the secret {name} begins as JSON and is none; correct it") from None
    except KeyError:
        raise SecretError(f"the secret {name} is JSON without {field}; add it") from None
    if not isinstance(value, str):
        raise SecretError(f"the secret {name} has a {field} that is no text; put it in quotes")
    return value.strip()


def _parse_key(text: str) -> str:
    if "://" in text:
        raise ValueError("is an address, and no key of Pinecone; put the key there")
    return parse_key(text)


def _parse_address(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > _MAX_ADDRESS_LENGTH:
        raise ValueError("holds characters that no address has; copy the address again, without blanks or quotes")
    if not text.startswith(("https://", "http://")):
        raise ValueError("is no address; put one there that begins with https://")
    return text


PINECONE_KEY = SecretFormat("PINECONE_API_KEY", _parse_key)
SLACK_WEBHOOK = SecretFormat("SLACK_WEBHOOK_URL", _parse_address)
PING_URL = SecretFormat("PING_URL", _parse_address)
