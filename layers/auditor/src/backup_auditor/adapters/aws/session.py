"""AWS sessions and clients, and the meaning of AWS errors. boto3 is imported on first use."""

from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from backup_auditor.adapters.http import is_transient
from backup_auditor.domain.text import collapse_whitespace
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError

_MAX_MESSAGE_LENGTH = 300


def get_error_response(error: BaseException) -> Mapping[str, Any]:
    """Return the AWS answer that an exception holds; empty if there was no answer, or if it is not from AWS."""
    response = getattr(error, "response", None)  # the attribute is None if the connection failed
    return response if isinstance(response, Mapping) else {}


def get_error_code(error: BaseException) -> str:
    """Return the error code of the answer that an exception holds; empty if there is none."""
    return str(get_error_response(error).get("Error", {}).get("Code", ""))


def describe_error(error: BaseException) -> str:
    """Return in one line the error of AWS, or of its SDK for a call without an answer."""
    code = get_error_code(error)
    message = f"{code}: {get_error_response(error)['Error'].get('Message', '')}" if code else str(error)
    return collapse_whitespace(message)[:_MAX_MESSAGE_LENGTH].removesuffix(".")


def build_delivery_error(error: Exception, summary: str, remedy: str) -> DeliveryError:
    """Return the delivery error of an exception. The message is `summary`, the cause, and for a refusal `remedy`.

    After a transient status or a failed connection the message was not accepted. After a lost answer it may have been.
    """
    from botocore import exceptions  # noqa: PLC0415  imported once a call has failed

    if isinstance(error, exceptions.ClientError):
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = collapse_whitespace(f"{summary}: {code}: {text}")[:_MAX_MESSAGE_LENGTH]
        if is_transient(status) or "Throttl" in code:
            return DeliveryError(message)
        return ChannelRefusedError(f"{message}; {remedy}")
    if isinstance(
        error, exceptions.EndpointConnectionError | exceptions.ConnectTimeoutError | exceptions.ProxyConnectionError
    ):
        return DeliveryError(f"{summary}: AWS cannot be reached ({type(error).__name__})")
    if isinstance(error, exceptions.BotoCoreError) and not isinstance(
        error, exceptions.HTTPClientError
    ):  # raised before the request was sent
        message = collapse_whitespace(f"{summary}: {type(error).__name__}: {error}")[:_MAX_MESSAGE_LENGTH]
        return ChannelRefusedError(f"{message}; {remedy}")
    return AcceptanceUnknownError(f"{summary}: the response was lost or invalid ({type(error).__name__})")


if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

_MAX_ATTEMPTS = 5
_PARAMETER_ATTEMPTS = 12
"""Parameter Store answers 40 calls per second. If 1,000 audits start at once, each gets its answer within about a
minute; with five attempts half of them would fail (docs/guides/registry.md)."""
_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_CONNECTIONS = 16


class AwsSession:
    """The AWS clients of a function. Safe to use from many threads.

    Clients retry calls that may be made twice. Publishing messages and putting events are not retried: after a lost
    answer the message may have been accepted, and only the caller can mark a repeat as a possible duplicate.
    """

    def __init__(self) -> None:
        """Create no client yet."""
        self._lock = Lock()

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The client of the state."""
        return cast("DynamoDBClient", self.create_client("dynamodb"))

    @cached_property
    def s3(self) -> "S3Client":
        """The client of the evidence, and of documents in S3."""
        return cast("S3Client", self.create_client("s3"))

    @cached_property
    def ssm(self) -> "SSMClient":
        """The client of the registry and policies. All audits of a night read from it at the same time."""
        return cast("SSMClient", self.create_client("ssm", attempts=_PARAMETER_ATTEMPTS))

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        """The client of API keys and webhooks."""
        return cast("SecretsManagerClient", self.create_client("secretsmanager"))

    @cached_property
    def sns(self) -> "SNSClient":
        """The client of the topics; it sends each call once."""
        return cast("SNSClient", self.create_client("sns", attempts=1))

    @cached_property
    def events(self) -> "EventBridgeClient":
        """The client of the bus; it sends each call once."""
        return cast("EventBridgeClient", self.create_client("events", attempts=1))

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401  boto3 is not imported here
        import boto3  # noqa: PLC0415

        return boto3.session.Session()

    def create_client(self, service: str, *, attempts: int = _MAX_ATTEMPTS, read_seconds: float = _READ_SECONDS) -> Any:  # noqa: ANN401  each property has its own type
        """Create a client of a service, which sends each call `attempts` times at most."""
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=read_seconds,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        with self._lock:  # a session is not thread-safe, its clients are
            return self._session.client(service, config=config)
