"""Dead letters: Lambda sends an event that failed in all attempts to a queue, with the role of the function."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from support.aws_local.aws import LocalAws
from support.aws_local.callers import Principal
from support.aws_local.clients import open_client
from support.aws_local.function import Function
from support.aws_local.iam import Statement
from support.aws_local.invocation import Invocation


def send_dead_letter(
    aws: LocalAws,
    function: Function,
    statements: tuple[Statement, ...],
    event: Mapping[str, Any],
    last_invocation: Invocation,
) -> None:
    """Send an event to the dead-letter queue, with the response of its last invocation."""
    message = {
        "version": "1.0",
        "requestContext": {
            "requestId": last_invocation.request_id,
            "functionArn": function.arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": function.retries + 1,
        },
        "requestPayload": event,
        "responsePayload": last_invocation.content.decode(errors="replace"),
    }
    key = f"LAMBDA{uuid4().hex[:14].upper()}"
    aws.principals[key] = Principal(function.name, statements, lambda: None)
    queue = open_client("sqs", aws.endpoint, key=key)
    queue.send_message(QueueUrl=function.dead_letters, MessageBody=json.dumps(message))
