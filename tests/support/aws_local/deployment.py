"""The observable parts of a deployed application: its data, its messages and its alarms."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from backup_auditor.domain.outbox import FLEET
from support.aws_local.aws import LocalAws
from support.aws_local.clients import open_client
from support.aws_local.clock import MovedClock
from support.aws_local.cloudwatch import (
    AlarmMessage,
    MetricValue,
    collect_metrics,
    find_alarm_messages,
    find_alarms,
    repeat_counts,
)
from support.aws_local.events import EventFlow
from support.aws_local.runner import FunctionRunner
from support.aws_local.stack import Stack

_LAMBDA_ACTIONS = {
    # Lambda writes the log with the role of the function; the product does not
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    # Lambda polls the queue of a function with its role, which support.aws_local.events checks
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
}


class DeployedApplication:
    """A deployed application as its operator sees it."""

    aws: LocalAws
    clock: MovedClock
    stack: Stack
    runner: FunctionRunner
    flow: EventFlow
    queue_url: str
    """The address of a queue that receives the messages of the stack's topic."""

    def __init__(self) -> None:
        """Start without messages."""
        self._published: dict[str, list[Any]] = {}

    def open_client(self, service: str) -> Any:
        """Open a client of a service for the test itself."""
        return open_client(service, self.aws.endpoint)

    def list_published(self, queue_url: str | None = None) -> list[Any]:
        """Return all messages in a queue so far, by default in that of the stack's topic."""
        url = queue_url or self.queue_url
        messages = self._published.setdefault(url, [])
        messages += self._take_messages(url)
        return list(messages)

    def collect_metrics(self, first_invocation: int = 0) -> list[MetricValue]:
        """Return the metrics from an invocation number on, and the present and earlier numbers of dead letters."""
        queue = {"QueueName": self.stack.queues[self.stack.dead_letter_queue].arn.rpartition(":")[2]}
        counts = [*self.flow.dead_letter_counts, (self.clock.now(), len(self.flow.dead_letters))]
        return [
            *collect_metrics(self.runner.invocations[first_invocation:]),
            *(
                MetricValue("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, count, moment)
                for moment, count in repeat_counts(counts)
            ),
        ]

    def find_alarms(self, first_invocation: int = 0) -> set[str]:
        """Return the alarms that the invocations from this number on trigger until now."""
        return find_alarms(self.stack, *self._collect_data(first_invocation))

    def find_alarm_messages(self, first_invocation: int = 0) -> list[AlarmMessage]:
        """Return the messages that alarms send because of the invocations from this number on."""
        return find_alarm_messages(self.stack, *self._collect_data(first_invocation))

    def _collect_data(self, first_invocation: int) -> tuple[list[MetricValue], datetime, datetime]:
        """Return the metrics from an invocation on, and the times between which alarms are evaluated."""
        invocations = self.runner.invocations[first_invocation:]
        start = min((it.ended_at for it in invocations), default=self.clock.now()) - timedelta(seconds=1)
        return self.collect_metrics(first_invocation), start, self.clock.now()

    def list_items(self, partition: str | None = None) -> list[Mapping[str, Any]]:
        """Return all items of the table, or those of one partition."""
        table = {"TableName": self.stack.physical_ids["StateTable"]}
        if partition is None:
            pages = self.open_client("dynamodb").get_paginator("scan").paginate(**table)
        else:
            query = {"KeyConditionExpression": "PK = :it", "ExpressionAttributeValues": {":it": {"S": partition}}}
            pages = self.open_client("dynamodb").get_paginator("query").paginate(**table, **query)
        return [it for page in pages for it in page["Items"]]

    def load_reports(self, prefix: str = "") -> dict[str, bytes]:
        """Return the reports in the evidence bucket with a key prefix. Those of the fleet need its prefix."""
        return self._load_objects(prefix, ".json")

    def load_pages(self, prefix: str = "") -> dict[str, bytes]:
        """Return the pages in the evidence bucket with a key prefix."""
        return self._load_objects(prefix, ".html")

    def _load_objects(self, prefix: str, suffix: str) -> dict[str, bytes]:
        s3, bucket = self.open_client("s3"), self.stack.physical_ids["EvidenceBucket"]
        is_fleet = prefix.startswith(FLEET)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [it["Key"] for page in pages for it in page.get("Contents", ())]
        selected_keys = (it for it in keys if it.endswith(suffix) and it.startswith(f"{FLEET}/") == is_fleet)
        return {it: s3.get_object(Bucket=bucket, Key=it)["Body"].read() for it in selected_keys}

    def find_unused_actions(self, name: str) -> set[str]:
        """Return the actions that the role of a function allows but no request used so far."""
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
        """Receive and delete all messages of a queue."""
        sqs, bodies = self.open_client("sqs"), list[Any]()
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies
