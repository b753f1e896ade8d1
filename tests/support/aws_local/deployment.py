"""What can be seen of a deployed application: what it keeps, what it says, and what would ring."""

import json
from collections.abc import Mapping
from typing import Any

from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.cloudwatch import MetricValue, collect_metrics, find_alarms
from support.aws_local.events import EventFlow
from support.aws_local.runner import FunctionRunner
from support.aws_local.stack import Stack

_LAMBDA_ACTIONS = {
    # Lambda writes the log and sends traces in the function's name; nothing of ours calls either
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}


class DeployedApplication:
    """A deployed application, as its operator sees it."""

    aws: LocalAws
    stack: Stack
    runner: FunctionRunner
    flow: EventFlow
    queue_url: str
    """The address of a queue that is given what the stack's topic publishes."""

    def __init__(self) -> None:
        """Begin without having seen anything."""
        self._published: list[Any] = []

    def open_client(self, service: str) -> Any:
        """Open a client of a service, for the test itself."""
        return open_client(service, self.aws.endpoint)

    def list_published(self) -> list[Any]:
        """Return every message of the stack's topic so far: the envelope that a queue is given."""
        self._published += self._take_messages(self.queue_url)
        return list(self._published)

    def collect_metrics(self, first_invocation: int = 0) -> list[MetricValue]:
        """Return what CloudWatch has of everything from an invocation on, by its number; and the dead letters."""
        url = self.stack.physical_ids["DeadLetterQueue"]
        name = "ApproximateNumberOfMessages"
        count = self.open_client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
        dead_letter_count = MetricValue(
            "AWS/SQS", f"{name}Visible", {"QueueName": url.rpartition("/")[2]}, float(count)
        )
        return [*collect_metrics(self.runner.invocations[first_invocation:]), dead_letter_count]

    def clear_dead_letters(self) -> None:
        """Empty the queue, as an operator does who has fixed the causes."""
        self._take_messages(self.stack.physical_ids["DeadLetterQueue"])
        self.flow.dead_letters.clear()

    def find_alarms(self, first_invocation: int = 0) -> set[str]:
        """Return the alarms that what was done from an invocation on would set off."""
        return find_alarms(self.stack, self.collect_metrics(first_invocation))

    def list_items(self, partition: str | None = None) -> list[Mapping[str, Any]]:
        """Return everything in the table, or under one key."""
        table = {"TableName": self.stack.physical_ids["StateTable"]}
        if partition is None:
            pages = self.open_client("dynamodb").get_paginator("scan").paginate(**table)
        else:
            query = {"KeyConditionExpression": "PK = :it", "ExpressionAttributeValues": {":it": {"S": partition}}}
            pages = self.open_client("dynamodb").get_paginator("query").paginate(**table, **query)
        return [it for page in pages for it in page["Items"]]

    def load_reports(self, prefix: str = "") -> dict[str, bytes]:
        """Return every report of the evidence bucket, or those whose keys begin so."""
        return self._load_objects(prefix, ".json")

    def load_pages(self, prefix: str = "") -> dict[str, bytes]:
        """Return every page of the evidence bucket, or those whose keys begin so."""
        return self._load_objects(prefix, ".html")

    def _load_objects(self, prefix: str, suffix: str) -> dict[str, bytes]:
        s3, bucket = self.open_client("s3"), self.stack.physical_ids["EvidenceBucket"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [it["Key"] for page in pages for it in page.get("Contents", ())]
        return {it: s3.get_object(Bucket=bucket, Key=it)["Body"].read() for it in keys if it.endswith(suffix)}

    def find_unused_actions(self, name: str) -> set[str]:
        """Return the actions that the role of a function allows, and that were not made so far."""
        function = self.stack.functions[name]
        used_actions = {
            permission.action
            for it in self.aws.requests
            if it.function == function.name
            for permission in it.call.permissions
        }
        allowed_actions = {
            action for it in self.stack.statements[function.role] if it.is_allow for action in it.actions
        }
        return allowed_actions - used_actions - _LAMBDA_ACTIONS

    def _take_messages(self, url: str) -> list[Any]:
        """Take every message out of a queue."""
        sqs, bodies = self.open_client("sqs"), list[Any]()
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies
