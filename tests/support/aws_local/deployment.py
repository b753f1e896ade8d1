"""What can be seen of a deployed application: what it keeps, what it says, and what would ring."""

import json
from collections.abc import Mapping
from typing import Any

from support.aws_local.aws import Aws
from support.aws_local.clients import client
from support.aws_local.cloudwatch import Datum, metrics_of, ringing
from support.aws_local.events import Flow
from support.aws_local.runner import Runner
from support.aws_local.stack import Stack

_BY_LAMBDA = {
    # Lambda writes the log and sends traces in the function's name; nothing of ours calls either
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}


class Deployed:
    """A deployed application, as whoever operates it sees it."""

    aws: Aws
    stack: Stack
    runner: Runner
    flow: Flow
    queue: str
    """The address of a queue that is given what the stack's topic publishes."""

    def __init__(self) -> None:
        """Begin without having seen anything."""
        self._told: list[Any] = []

    def client(self, service: str) -> Any:
        """Open a client of a service, for the test itself."""
        return client(service, self.aws.endpoint)

    def published(self) -> list[Any]:
        """Return every message of the stack's topic so far: the envelope that a queue is given."""
        self._told += self._taken(self.queue)
        return list(self._told)

    def metrics(self, since: int = 0) -> list[Datum]:
        """Return what CloudWatch has of everything from an invocation on, by its number; and the dead letters."""
        url = self.stack.physical["DeadLetterQueue"]
        name = "ApproximateNumberOfMessages"
        count = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
        letters = Datum("AWS/SQS", f"{name}Visible", {"QueueName": url.rpartition("/")[2]}, float(count))
        return [*metrics_of(self.runner.done[since:]), letters]

    def forget_dead_letters(self) -> None:
        """Empty the queue, as somebody does who has dealt with them."""
        self._taken(self.stack.physical["DeadLetterQueue"])
        self.flow.dead.clear()

    def ringing(self, since: int = 0) -> set[str]:
        """Return the alarms that what was done from an invocation on would set off."""
        return ringing(self.stack, self.metrics(since))

    def items(self, partition: str | None = None) -> list[Mapping[str, Any]]:
        """Return everything in the table, or under one key."""
        table = {"TableName": self.stack.physical["StateTable"]}
        if partition is None:
            pages = self.client("dynamodb").get_paginator("scan").paginate(**table)
        else:
            wanted = {"KeyConditionExpression": "PK = :it", "ExpressionAttributeValues": {":it": {"S": partition}}}
            pages = self.client("dynamodb").get_paginator("query").paginate(**table, **wanted)
        return [it for page in pages for it in page["Items"]]

    def reports(self, prefix: str = "") -> dict[str, bytes]:
        """Return every report of the evidence bucket, or those whose keys begin so."""
        return self._kept(prefix, ".json")

    def pages(self, prefix: str = "") -> dict[str, bytes]:
        """Return every page of the evidence bucket, or those whose keys begin so."""
        return self._kept(prefix, ".html")

    def _kept(self, prefix: str, ending: str) -> dict[str, bytes]:
        s3, bucket = self.client("s3"), self.stack.physical["EvidenceBucket"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [it["Key"] for page in pages for it in page.get("Contents", ())]
        return {it: s3.get_object(Bucket=bucket, Key=it)["Body"].read() for it in keys if it.endswith(ending)}

    def idle(self, name: str) -> set[str]:
        """Return the actions that the role of a function allows, and that were not made so far."""
        function = self.stack.functions[name]
        made = {need.action for it in self.aws.seen if it.function == function.name for need in it.call.needs}
        allowed = {action for it in self.stack.statements[function.role] if it.allows for action in it.actions}
        return allowed - made - _BY_LAMBDA

    def _taken(self, url: str) -> list[Any]:
        """Take every message out of a queue."""
        sqs, taken = self.client("sqs"), list[Any]()
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for it in found:
                taken.append(json.loads(it["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=it["ReceiptHandle"])
        return taken
