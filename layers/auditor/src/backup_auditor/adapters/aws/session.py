"""Sessions and clients of AWS, and what its errors mean. boto3 is imported on first use."""

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from backup_auditor.adapters.http_status import is_transient
from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError


def get_error_response(error: BaseException) -> Mapping[str, Any]:
    """Return the answer that an exception tells of; empty where there was none, or where it is none of AWS's."""
    response = getattr(error, "response", None)  # there, and None, where the connection failed
    return response if isinstance(response, Mapping) else {}


def get_error_code(error: BaseException) -> str:
    """Return the code of that answer; empty where there was none."""
    return str(get_error_response(error).get("Error", {}).get("Code", ""))


def describe_error(error: BaseException, max_length: int = 300) -> str:
    """Return in one line what AWS said, or what its SDK says of a call that was not answered."""
    code = get_error_code(error)
    message = f"{code}: {get_error_response(error)['Error'].get('Message', '')}" if code else str(error)
    return collapse_whitespace(message)[:max_length].removesuffix(".")


_MAX_MESSAGE_LENGTH = 300


def build_delivery_error(error: Exception, summary: str, remedy: str) -> DeliveryError:
    """Return what a call's exception says of the message; `what` begins the sentence, `remedy` ends a refusal.

    A transient status says that it was not accepted. Where no answer came, only who never connected knows that.
    """
    from botocore import exceptions as told  # noqa: PLC0415  it is there once a call has failed

    if isinstance(error, told.ClientError):
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = _cut_to_line(f"{summary}: {code}: {text}")
        if is_transient(status) or "Throttl" in code:
            return DeliveryError(message)
        return ChannelRefusedError(f"{message}; {remedy}")
    if isinstance(error, told.EndpointConnectionError | told.ConnectTimeoutError | told.ProxyConnectionError):
        return DeliveryError(f"{summary}: AWS cannot be reached ({type(error).__name__})")
    if isinstance(error, told.BotoCoreError) and not isinstance(error, told.HTTPClientError):  # before it was sent
        return ChannelRefusedError(_cut_to_line(f"{summary}: {type(error).__name__}: {error}") + f"; {remedy}")
    return AcceptanceUnknownError(f"{summary}: the answer was lost, or is none ({type(error).__name__})")


def _cut_to_line(text: str) -> str:
    return collapse_whitespace(text)[:_MAX_MESSAGE_LENGTH]


if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

_MAX_ATTEMPTS = 5
_PARAMETER_ATTEMPTS = 12
"""Parameter Store answers 40 calls a second. Of a thousand audits that begin at once each comes to its turn within
about a minute; with five attempts half of them would give up (docs/guides/registry.md)."""
_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_CONNECTIONS = 16


class AwsSession:
    """The clients that a function shares. Safe to use from many threads.

    What may be done twice is tried again by the client itself. Publishing and putting events are not: an answer that
    was lost may stand for a message that was accepted, and only the caller can say so to whom it is sent again.
    """

    def __init__(self) -> None:
        """Make nothing yet."""
        self._lock = Lock()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The state."""
        return cast("DynamoDBClient", self._client("dynamodb"))

    @cached_property
    def s3(self) -> "S3Client":
        """The evidence, and documents that are kept there."""
        return cast("S3Client", self._client("s3"))

    @cached_property
    def ssm(self) -> "SSMClient":
        """The registry and policies, of which every audit of a night reads its own, all at once."""
        return cast("SSMClient", self._client("ssm", attempts=_PARAMETER_ATTEMPTS))

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        """Keys and webhooks."""
        return cast("SecretsManagerClient", self._client("secretsmanager"))

    @cached_property
    def sns(self) -> "SNSClient":
        """The topics; each call is sent once."""
        return cast("SNSClient", self._client("sns", attempts=1))

    @cached_property
    def events(self) -> "EventBridgeClient":
        """The bus; each call is sent once."""
        return cast("EventBridgeClient", self._client("events", attempts=1))

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401  boto3 is not imported here
        import boto3  # noqa: PLC0415

        return boto3.session.Session()

    def _client(self, service: str, *, attempts: int = _MAX_ATTEMPTS) -> Any:  # noqa: ANN401  each property says which
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        with self._lock:  # a session is for one thread at a time, its clients are for all
            return self._session.client(service, config=config)
