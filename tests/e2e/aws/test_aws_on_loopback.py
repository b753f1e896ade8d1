"""Test that the loopback AWS enforces IAM, hides missing objects as S3 does, and injects the requested faults."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from support.aws_local.aws import LocalAws
from support.aws_local.callers import Principal
from support.aws_local.clients import open_client
from support.aws_local.iam import is_allowed, parse_statements
from support.aws_local.requests import Permission
from support.faults.aws_requests import AwsFault, AwsFaultKind

CONNECTION_ERRORS = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)
KEY = "SANDBOX0000000TOYTOY"
BUS_ARN = "arn:aws:events:eu-central-1:123456789012:event-bus/bus"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::reports/*"},
        {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": BUS_ARN,
            "Condition": {"StringEquals": {"events:source": "backup-auditor"}},
        },
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*:*:parameter/backup-auditor/*"},
    ]
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """Serve AWS, with a bucket, a bus and a parameter."""
    with LocalAws() as local_aws:
        s3 = open_client("s3", local_aws.endpoint)
        s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        open_client("events", local_aws.endpoint).create_event_bus(Name="bus")
        open_client("ssm", local_aws.endpoint).put_parameter(
            Name="/backup-auditor/policy", Value="version: 1", Type="String"
        )
        yield local_aws


@pytest.fixture
def kill_calls(aws: LocalAws) -> list[str]:
    """Register a function, and return a list that records each call that kills it."""
    calls: list[str] = []
    aws.principals[KEY] = Principal("toy", parse_statements([POLICY]), lambda: calls.append("toy"))
    aws.denied_permissions.clear()
    aws.faults.clear()
    aws.requests.clear()
    return calls


def get_error_code(error_info: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the error code of an AWS error."""
    return str(error_info.value.response["Error"]["Code"])


def build_entry(source: str = "backup-auditor", bus: str = "bus") -> list[dict[str, Any]]:
    """Build the entries of a PutEvents call with one event."""
    return [{"Source": source, "DetailType": "Any", "Detail": "{}", "EventBusName": bus}]


@pytest.mark.usefixtures("kill_calls")
def test_an_allowed_call_succeeds(aws: LocalAws) -> None:
    """An allowed call is recorded with its role, action and resource."""
    open_client("s3", aws.endpoint, key=KEY).put_object(Bucket="reports", Key="a/b.json", Body=b"{}", IfNoneMatch="*")
    open_client("ssm", aws.endpoint, key=KEY).get_parameter(Name="/backup-auditor/policy")
    open_client("events", aws.endpoint, key=KEY).put_events(Entries=build_entry())
    assert [(it.function, it.call.name, it.status) for it in aws.requests] == [
        ("toy", "s3:PutObject", 200),
        ("toy", "ssm:GetParameter", 200),
        ("toy", "events:PutEvents", 200),
    ]
    assert aws.requests[0].call.permissions == (Permission("s3:PutObject", "arn:aws:s3:::reports/a/b.json"),)
    assert aws.denied_permissions == []


@pytest.mark.usefixtures("kill_calls")
def test_a_call_that_is_not_allowed_is_denied(aws: LocalAws) -> None:
    """Another resource, condition or action is denied."""
    with pytest.raises(ClientError) as error_info:
        open_client("s3", aws.endpoint, key=KEY).put_object(Bucket="others", Key="a", Body=b"")
    assert get_error_code(error_info) == "AccessDenied"
    with pytest.raises(ClientError) as error_info:
        open_client("events", aws.endpoint, key=KEY).put_events(Entries=build_entry(source="other"))
    assert get_error_code(error_info) == "AccessDeniedException"
    with pytest.raises(ClientError) as error_info:
        open_client("sns", aws.endpoint, key=KEY).publish(
            TopicArn="arn:aws:sns:eu-central-1:123456789012:t", Message="x"
        )
    assert get_error_code(error_info) == "AuthorizationError"
    assert [it.action for _, it in aws.denied_permissions] == ["s3:PutObject", "events:PutEvents", "sns:Publish"]


@pytest.mark.usefixtures("kill_calls")
def test_a_missing_object_is_hidden_without_permission_to_list(aws: LocalAws) -> None:
    """S3 returns 403 instead of 404 to a caller that must not list the bucket."""
    with pytest.raises(ClientError) as error_info:
        open_client("s3", aws.endpoint, key=KEY).get_object(Bucket="reports", Key="missing")
    assert get_error_code(error_info) == "AccessDenied"
    with pytest.raises(ClientError) as error_info:
        open_client("s3", aws.endpoint).get_object(Bucket="reports", Key="missing")
    assert get_error_code(error_info) == "NoSuchKey"


@pytest.mark.parametrize(
    "kind, code",
    [
        (AwsFaultKind.UNAVAILABLE, "ServiceUnavailable"),
        (AwsFaultKind.THROTTLED, "SlowDown"),
        (AwsFaultKind.REFUSED, "AccessDenied"),
    ],
)
def test_a_refused_call_succeeds_when_it_is_retried(
    aws: LocalAws, kill_calls: list[str], kind: AwsFaultKind, code: str
) -> None:
    """A fault that occurs once refuses one call, and the next call succeeds."""
    s3 = open_client("s3", aws.endpoint, key=KEY)
    aws.faults.append(AwsFault(kind=kind, call="s3:PutObject"))
    with pytest.raises(ClientError) as error_info:
        s3.put_object(Bucket="reports", Key=f"refused/{kind}", Body=b"", IfNoneMatch="*")
    assert get_error_code(error_info) == code
    s3.put_object(Bucket="reports", Key=f"refused/{kind}", Body=b"", IfNoneMatch="*")
    assert kill_calls == []


@pytest.mark.parametrize("kind", [AwsFaultKind.LOST, AwsFaultKind.KILLED])
def test_a_call_whose_response_is_lost_takes_effect(aws: LocalAws, kill_calls: list[str], kind: AwsFaultKind) -> None:
    """The response is lost, the object is stored, and only a fault of kind `KILLED` kills the process."""
    s3 = open_client("s3", aws.endpoint, key=KEY)
    aws.faults.append(AwsFault(kind=kind, call="s3:PutObject"))
    with pytest.raises(CONNECTION_ERRORS):
        s3.put_object(Bucket="reports", Key=f"lost/{kind}", Body=b"1", IfNoneMatch="*")
    assert s3.get_object(Bucket="reports", Key=f"lost/{kind}")["Body"].read() == b"1"
    assert kill_calls == (["toy"] if kind is AwsFaultKind.KILLED else [])


def test_a_deny_statement_overrides_an_allow_statement() -> None:
    """A denied call fails even if another statement allows it, as in IAM."""
    permission = Permission("s3:PutObject", "arn:aws:s3:::reports/a")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "arn:aws:s3:::reports/*"}
    assert is_allowed(permission, parse_statements([{"Statement": allow}]))
    assert not is_allowed(permission, parse_statements([{"Statement": [allow, deny]}]))
    assert not is_allowed(permission, ())


def test_a_null_condition_matches_a_missing_key(aws: LocalAws, kill_calls: list[str]) -> None:
    """A bucket that forbids overwriting refuses a write without the condition."""
    deny = {
        "Effect": "Deny",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::reports/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}},
    }
    aws.denials = parse_statements([{"Statement": deny}])
    try:
        s3 = open_client("s3", aws.endpoint, key=KEY)
        s3.put_object(Bucket="reports", Key="once", Body=b"", IfNoneMatch="*")
        with pytest.raises(ClientError):
            s3.put_object(Bucket="reports", Key="once", Body=b"")
    finally:
        aws.denials = ()
    assert kill_calls == []


def test_a_transaction_that_fails_changes_nothing(aws: LocalAws) -> None:
    """A failed transaction puts, updates and deletes nothing."""
    dynamodb = open_client("dynamodb", aws.endpoint)
    names = [{"AttributeName": it, "AttributeType": "S"} for it in ("PK", "SK")]
    keys = [{"AttributeName": it, "KeyType": kind} for it, kind in (("PK", "HASH"), ("SK", "RANGE"))]
    dynamodb.create_table(TableName="table", AttributeDefinitions=names, KeySchema=keys, BillingMode="PAY_PER_REQUEST")

    def build_key(sort_key: str) -> dict[str, Any]:
        return {"PK": {"S": "a"}, "SK": {"S": sort_key}}

    for sort_key in ("1", "2", "3"):
        dynamodb.put_item(TableName="table", Item={**build_key(sort_key), "n": {"N": "1"}})
    items_before = dynamodb.scan(TableName="table")["Items"]
    update = {"UpdateExpression": "SET m = :it ADD n :it", "ExpressionAttributeValues": {":it": {"N": "1"}}}
    writes: list[dict[str, Any]] = [
        {"Put": {"TableName": "table", "Item": {**build_key("4"), "n": {"N": "1"}}}},
        {"Update": {"TableName": "table", "Key": build_key("1"), **update}},
        {"Delete": {"TableName": "table", "Key": build_key("2")}},
    ]
    failing_item = {
        "ConditionCheck": {
            "TableName": "table",
            "Key": build_key("3"),
            "ConditionExpression": "attribute_not_exists(PK)",
        }
    }
    with pytest.raises(ClientError) as error_info:
        dynamodb.transact_write_items(TransactItems=[*writes, failing_item])
    assert get_error_code(error_info) == "TransactionCanceledException"
    assert dynamodb.scan(TableName="table")["Items"] == items_before
    dynamodb.transact_write_items(TransactItems=writes)
    numbers_after = {it["SK"]["S"]: it.get("n", {}).get("N") for it in dynamodb.scan(TableName="table")["Items"]}
    assert numbers_after == {"1": "2", "3": "1", "4": "1"}
