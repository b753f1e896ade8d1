"""One session with AWS and its clients, each made when it is first needed: boto3 is the slowest import of all."""

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

_ATTEMPTS = 5
_PATIENT_ATTEMPTS = 12
"""Parameter Store answers 40 calls a second. Of a thousand audits that begin at once each comes to its turn within
about a minute; with five attempts half of them would give up (docs/deployment.md)."""
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
        return cast("SSMClient", self._client("ssm", attempts=_PATIENT_ATTEMPTS))

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

    def _client(self, service: str, *, attempts: int = _ATTEMPTS) -> Any:  # noqa: ANN401  each property says which
        from botocore.config import Config  # noqa: PLC0415

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        with self._lock:  # a session is for one thread at a time, its clients are for all
            return self._session.client(service, config=config)
