"""Requests to AWS as IAM sees them: caller, actions, resources and condition keys."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from support.aws_local.environment import ACCOUNT, REGION

_CREDENTIAL_PATTERN = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_IF_NONE_MATCH_KEY = "s3:if-none-match"
_ITEM_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission that a request needs."""

    action: str
    """An IAM action, such as `dynamodb:PutItem`."""
    resource: str
    """An ARN."""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    """The condition keys of the request."""


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One request."""

    key: str
    """The access key of the caller."""
    service: str
    operation: str
    permissions: tuple[Permission, ...]
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Service and operation."""
        return f"{self.service}:{self.operation}"


def parse_call(method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> AwsCall:
    """Parse a request. Raises `NotImplementedError` for an unsupported request."""
    credential = _CREDENTIAL_PATTERN.search(headers.get("authorization", ""))
    key, service = credential.groups() if credential else ("", "")
    target = headers.get("x-amz-target", "")
    if target:
        operation = target.partition(".")[2]
        parameters = json.loads(content or b"{}")
    elif service == "s3":
        operation, permissions = _find_s3_permissions(method, path, query, headers)
        return AwsCall(key, service, operation, permissions, content)
    else:
        parameters = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        operation = parameters.get("Action", "")
    return AwsCall(key, service, operation, _find_permissions(service, operation, parameters), content)


def _find_permissions(service: str, operation: str, parameters: Mapping[str, Any]) -> tuple[Permission, ...]:
    if service == "dynamodb":
        return tuple(_find_dynamodb_permissions(operation, parameters))
    if service == "events":
        return tuple(_find_event_permissions(operation, parameters))
    make_resource = _RESOURCE_BUILDERS.get(service)
    # without one, only tests call the service
    return (Permission(f"{service}:{operation}", make_resource(parameters)),) if make_resource else ()


def _make_secret_arn(parameters: Mapping[str, Any]) -> str:
    """Return the ARN of a secret. Secrets Manager appends six random characters, which policies must match."""
    name = str(parameters.get("SecretId", ""))
    return name if name.startswith("arn:") else _make_arn("secretsmanager", f"secret:{name}-a1B2c3")


def _find_dynamodb_permissions(operation: str, parameters: Mapping[str, Any]) -> list[Permission]:
    if operation == "TransactWriteItems":
        items = [(kind, it) for entry in parameters["TransactItems"] for kind, it in entry.items()]
        return [_make_item_permission(_ITEM_ACTIONS[kind], it["TableName"], [it]) for kind, it in items]
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        return [
            _make_item_permission(operation, table, _list_rows(it)) for table, it in parameters["RequestItems"].items()
        ]
    return [_make_item_permission(operation, parameters["TableName"], [parameters])]


def _make_item_permission(operation: str, table: str, rows: list[Any]) -> Permission:
    leading_keys = tuple(key for row in rows for key in _find_leading_keys(row))
    return Permission(
        f"dynamodb:{operation}", _make_arn("dynamodb", f"table/{table}"), {"dynamodb:LeadingKeys": leading_keys}
    )


def _find_leading_keys(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the partition that a part of a request reads or writes; a scan has none."""
    if "KeyConditionExpression" in row:
        name = row["KeyConditionExpression"].removeprefix("PK = ").partition(" ")[0]
        yield str(row["ExpressionAttributeValues"][name]["S"])
    elif key := row.get("Key") or row.get("Item"):
        yield str(key["PK"]["S"])


def _list_rows(request: Any) -> list[Any]:
    if isinstance(request, dict):
        return [{"Key": key} for key in request["Keys"]]
    return [next(iter(it.values())) for it in request]


def _find_event_permissions(operation: str, parameters: Mapping[str, Any]) -> list[Permission]:
    permissions = []
    for entry in parameters.get("Entries", ()):
        bus = str(entry.get("EventBusName", "default")).rpartition("/")[2]
        context = {"events:source": (str(entry["Source"]),), "events:detail-type": (str(entry["DetailType"]),)}
        permissions.append(Permission(f"events:{operation}", _make_arn("events", f"event-bus/{bus}"), context))
    return permissions


def _find_s3_permissions(
    method: str, path: str, query: str, headers: Mapping[str, str]
) -> tuple[str, tuple[Permission, ...]]:
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    arguments = parse_qs(query, keep_blank_values=True)
    object_arn = f"arn:aws:s3:::{bucket}/{key}"
    if not key:
        return "ListObjectsV2", (Permission("s3:ListBucket", f"arn:aws:s3:::{bucket}"),)
    if method in {"GET", "HEAD"}:
        action = "s3:GetObjectVersion" if "versionId" in arguments else "s3:GetObject"
        return "GetObject" if method == "GET" else "HeadObject", (Permission(action, object_arn),)
    if method == "PUT":
        context = {_IF_NONE_MATCH_KEY: (headers["if-none-match"],)} if "if-none-match" in headers else {}
        extra_actions = ["s3:PutObjectRetention"] if "x-amz-object-lock-mode" in headers else []
        extra_actions += ["s3:PutObjectTagging"] if "x-amz-tagging" in headers else []
        return "PutObject", tuple(Permission(it, object_arn, context) for it in ("s3:PutObject", *extra_actions))
    raise NotImplementedError(f"unsupported request to S3: {method} {path}?{query}")


def _make_arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


_RESOURCE_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "secretsmanager": _make_secret_arn,
    "sns": lambda members: str(members.get("TopicArn", "")),
    "sqs": lambda members: _make_arn("sqs", str(members.get("QueueUrl", "")).rpartition("/")[2]),
    "ssm": lambda members: _make_arn("ssm", f"parameter/{str(members.get('Name', '')).removeprefix('/')}"),
}
