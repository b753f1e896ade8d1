"""One simulated Pinecone project, and an application on moto that audits it, without a stack."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup_auditor_simulator.web.server import Server
from support.aws.moto import open_client

ROOT = Path(__file__).parents[3]
KEY_SECRET = "backup-auditor/keys/search"  # noqa: S105  the name of a secret


@dataclass
class FakeLambdaContext:
    """A fake of Lambda's context."""

    remaining_seconds: float = 900.0
    function_name: str = "audit"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:audit"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        """Return the remaining time in milliseconds."""
        return int(self.remaining_seconds * 1000)


type Handler = Callable[[object, FakeLambdaContext], object]


def load_handler(verb: str) -> Handler:
    """Return the handler of a function."""
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions" / verb / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.lambda_handler
    return handler


def make_resource_names(test: str) -> dict[str, str]:
    """Return unique resource names for a test, as the variables of the application's functions."""
    name = hashlib.sha256(test.encode()).hexdigest()[:12]
    return {"STATE_TABLE": f"state-{name}", "EVIDENCE_BUCKET": f"evidence-{name}", "EVENT_BUS": f"bus-{name}"}


def make_project_variables(server: Server) -> dict[str, str]:
    """Return the variables that name the project, and the prefixes of the template."""
    return {
        "STACK_NAME": "stack",
        "NAME_PREFIX": "backup-auditor/",
        "TOPIC_PREFIX": "arn:aws:sns:eu-central-1:123456789012:backup-auditor-",
        "PROJECT_NAME": "search",
        "API_KEY_SECRET": KEY_SECRET,
        "PINECONE_CONTROLLER_HOST": server.url,
    }


def create_resources(names: Mapping[str, str]) -> None:
    """Create table, bucket and bus, and a queue that receives all events; boto3 is configured by the environment."""
    open_client("dynamodb").create_table(
        TableName=names["STATE_TABLE"],
        AttributeDefinitions=[{"AttributeName": it, "AttributeType": "S"} for it in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    location: Any = {"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    open_client("s3").create_bucket(Bucket=names["EVIDENCE_BUCKET"], CreateBucketConfiguration=location)
    sqs, bus = open_client("sqs"), open_client("events")
    queue = sqs.create_queue(QueueName=names["EVENT_BUS"])["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus.create_event_bus(Name=names["EVENT_BUS"])
    bus.put_rule(Name="all", EventBusName=names["EVENT_BUS"], EventPattern='{"source": ["backup-auditor"]}')
    bus.put_targets(Rule="all", EventBusName=names["EVENT_BUS"], Targets=[{"Id": "queue", "Arn": arn}])


def put_secret(value: str, name: str = KEY_SECRET) -> None:
    """Create a secret, or replace its value."""
    client = open_client("secretsmanager")
    try:
        client.put_secret_value(SecretId=name, SecretString=value)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=value)


def take_events() -> list[dict[str, Any]]:
    """Remove and return the events on the bus."""
    sqs, events = open_client("sqs"), []
    queue = sqs.get_queue_url(QueueName=os.environ["EVENT_BUS"])["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        events += [json.loads(it["Body"]) for it in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return events
