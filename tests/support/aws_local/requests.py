"""What one request to AWS asks for, in the words of IAM: who, which actions, on which resources, on what terms."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from support.aws_local.environment import ACCOUNT, REGION

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_ON_CONDITION = "s3:if-none-match"
_ITEM_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a request takes."""

    action: str
    """As IAM has it: `dynamodb:PutItem`."""
    resource: str
    """An ARN."""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    """The keys that conditions may speak of."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    key: str
    """The access key of who sent it."""
    service: str
    operation: str
    needs: tuple[Need, ...]
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Service and operation."""
        return f"{self.service}:{self.operation}"


def call_of(method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Call:
    """Read a request. Raises `NotImplementedError` for one that nobody has described here yet."""
    credential = _CREDENTIAL.search(headers.get("authorization", ""))
    key, service = credential.groups() if credential else ("", "")
    target = headers.get("x-amz-target", "")
    if target:
        operation = target.partition(".")[2]
        members = json.loads(content or b"{}")
    elif service == "s3":
        operation, needs = _s3(method, path, query, headers)
        return Call(key, service, operation, needs, content)
    else:
        members = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        operation = members.get("Action", "")
    return Call(key, service, operation, _needs(service, operation, members), content)


def _needs(service: str, operation: str, members: Mapping[str, Any]) -> tuple[Need, ...]:
    if service == "dynamodb":
        return tuple(_dynamodb(operation, members))
    if service == "events":
        return tuple(_events(operation, members))
    resource = _RESOURCES.get(service)
    # where there is none, it is something that tests call, and no function
    return (Need(f"{service}:{operation}", resource(members)),) if resource else ()


def _secret(members: Mapping[str, Any]) -> str:
    """Return the ARN of a secret. Secrets Manager adds six characters, any: a policy has to allow for them."""
    name = str(members.get("SecretId", ""))
    return name if name.startswith("arn:") else _arn("secretsmanager", f"secret:{name}-a1B2c3")


def _dynamodb(operation: str, members: Mapping[str, Any]) -> list[Need]:
    if operation == "TransactWriteItems":
        inner = [(kind, it) for entry in members["TransactItems"] for kind, it in entry.items()]
        return [_item(_ITEM_ACTIONS[kind], it["TableName"], [it]) for kind, it in inner]
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return [_item(operation, table, _rows(it)) for table, it in members["RequestItems"].items()]
    return [_item(operation, members["TableName"], [members])]


def _item(operation: str, table: str, rows: list[Any]) -> Need:
    keys = (row.get("Key") or row.get("Item") or {} for row in rows)
    leading = tuple(str(key["PK"].get("S")) for key in keys if "PK" in key)
    return Need(f"dynamodb:{operation}", _arn("dynamodb", f"table/{table}"), {"dynamodb:LeadingKeys": leading})


def _rows(request: Any) -> list[Any]:
    if isinstance(request, dict):
        return [{"Key": key} for key in request["Keys"]]
    return [next(iter(it.values())) for it in request]


def _events(operation: str, members: Mapping[str, Any]) -> list[Need]:
    needs = []
    for entry in members.get("Entries", ()):
        bus = str(entry.get("EventBusName", "default")).rpartition("/")[2]
        context = {"events:source": (str(entry["Source"]),), "events:detail-type": (str(entry["DetailType"]),)}
        needs.append(Need(f"events:{operation}", _arn("events", f"event-bus/{bus}"), context))
    return needs


def _s3(method: str, path: str, query: str, headers: Mapping[str, str]) -> tuple[str, tuple[Need, ...]]:
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    arguments = parse_qs(query, keep_blank_values=True)
    thing = f"arn:aws:s3:::{bucket}/{key}"
    if not key:
        return "ListObjectsV2", (Need("s3:ListBucket", f"arn:aws:s3:::{bucket}"),)
    if method in {"GET", "HEAD"}:
        action = "s3:GetObjectVersion" if "versionId" in arguments else "s3:GetObject"
        return "GetObject" if method == "GET" else "HeadObject", (Need(action, thing),)
    if method == "PUT":
        context = {_ON_CONDITION: (headers["if-none-match"],)} if "if-none-match" in headers else {}
        more = ["s3:PutObjectRetention"] if "x-amz-object-lock-mode" in headers else []
        more += ["s3:PutObjectTagging"] if "x-amz-tagging" in headers else []
        return "PutObject", tuple(Need(it, thing, context) for it in ("s3:PutObject", *more))
    raise NotImplementedError(f"no function was to send {method} {path}?{query} to S3")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


_RESOURCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "secretsmanager": _secret,
    "sns": lambda members: str(members.get("TopicArn", "")),
    "sqs": lambda members: _arn("sqs", str(members.get("QueueUrl", "")).rpartition("/")[2]),
    "ssm": lambda members: _arn("ssm", f"parameter/{str(members.get('Name', '')).removeprefix('/')}"),
}
