"""Publishes to topics of SNS."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backup_auditor.adapters.aws_failures import failure_of

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_REMEDY = (
    "check that the topic is there, in the region of the stack, and that its policy and its key let the function in"
)


class SnsTopics:
    """The topics of a region. Safe to use from many threads."""

    def __init__(self, client: "SNSClient") -> None:
        """Take a client that sends each call once."""
        self._client = client

    def publish(self, topic: str, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        """Publish a message, once: JSON with one text for each way of being read. Raises `DeliveryError`."""
        try:
            self._client.publish(
                TopicArn=topic,
                Subject=subject,
                Message=message,
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except Exception as error:  # noqa: BLE001  whatever the client raises is what became of the message
            raise failure_of(error, f"{topic} did not take it", _REMEDY) from None
