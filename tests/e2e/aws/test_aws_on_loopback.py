"""The door before moto lets in by IAM's rules, hides what S3 hides, and lets go wrong what it is told to."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from support.aws_local.aws import Aws
from support.aws_local.callers import Principal
from support.aws_local.clients import client
from support.aws_local.iam import allowed, statements_of
from support.aws_local.requests import Need
from support.faults.aws_requests import Fault, Kind

LOST = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)
KEY = "SANDBOX0000000TOYTOY"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/bus"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::reports/*"},
        {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": BUS,
            "Condition": {"StringEquals": {"events:source": "backup-auditor"}},
        },
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*:*:parameter/backup-auditor/*"},
    ]
}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Serve AWS, with a bucket, a bus and a parameter."""
    with Aws() as served:
        s3 = client("s3", served.endpoint)
        s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client("events", served.endpoint).create_event_bus(Name="bus")
        client("ssm", served.endpoint).put_parameter(Name="/backup-auditor/policy", Value="version: 1", Type="String")
        yield served


@pytest.fixture
def killed(aws: Aws) -> list[str]:
    """Let a function in, and say when it was killed."""
    kills: list[str] = []
    aws.principals[KEY] = Principal("toy", statements_of([POLICY]), lambda: kills.append("toy"))
    aws.denied.clear()
    aws.faults.clear()
    aws.seen.clear()
    return kills


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    """Return what AWS called its refusal."""
    return str(refused.value.response["Error"]["Code"])


def event(source: str = "backup-auditor", bus: str = "bus") -> list[dict[str, Any]]:
    """Build one entry of a call that puts events."""
    return [{"Source": source, "DetailType": "Any", "Detail": "{}", "EventBusName": bus}]


@pytest.mark.usefixtures("killed")
def test_what_a_role_allows_is_done(aws: Aws) -> None:
    """And written down: who, what, on which resource."""
    client("s3", aws.endpoint, key=KEY).put_object(Bucket="reports", Key="a/b.json", Body=b"{}", IfNoneMatch="*")
    client("ssm", aws.endpoint, key=KEY).get_parameter(Name="/backup-auditor/policy")
    client("events", aws.endpoint, key=KEY).put_events(Entries=event())
    assert [(it.function, it.call.name, it.status) for it in aws.seen] == [
        ("toy", "s3:PutObject", 200),
        ("toy", "ssm:GetParameter", 200),
        ("toy", "events:PutEvents", 200),
    ]
    assert aws.seen[0].call.needs == (Need("s3:PutObject", "arn:aws:s3:::reports/a/b.json"),)
    assert aws.denied == []


@pytest.mark.usefixtures("killed")
def test_what_a_role_does_not_allow_is_denied(aws: Aws) -> None:
    """Another resource, another condition, another action."""
    with pytest.raises(ClientError) as refused:
        client("s3", aws.endpoint, key=KEY).put_object(Bucket="others", Key="a", Body=b"")
    assert code_of(refused) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        client("events", aws.endpoint, key=KEY).put_events(Entries=event(source="other"))
    assert code_of(refused) == "AccessDeniedException"
    with pytest.raises(ClientError) as refused:
        client("sns", aws.endpoint, key=KEY).publish(TopicArn="arn:aws:sns:eu-central-1:123456789012:t", Message="x")
    assert code_of(refused) == "AuthorizationError"
    assert [it.action for _, it in aws.denied] == ["s3:PutObject", "events:PutEvents", "sns:Publish"]


@pytest.mark.usefixtures("killed")
def test_a_missing_object_is_hidden_from_who_may_not_list(aws: Aws) -> None:
    """S3 says 403 and not 404 then."""
    with pytest.raises(ClientError) as refused:
        client("s3", aws.endpoint, key=KEY).get_object(Bucket="reports", Key="missing")
    assert code_of(refused) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        client("s3", aws.endpoint).get_object(Bucket="reports", Key="missing")
    assert code_of(refused) == "NoSuchKey"


@pytest.mark.parametrize(
    "kind, code",
    [(Kind.UNAVAILABLE, "ServiceUnavailable"), (Kind.THROTTLED, "SlowDown"), (Kind.REFUSED, "AccessDenied")],
)
def test_what_is_refused_is_not_done(aws: Aws, killed: list[str], kind: Kind, code: str) -> None:
    """And the next one is, where it strikes once."""
    s3 = client("s3", aws.endpoint, key=KEY)
    aws.faults.append(Fault(kind=kind, call="s3:PutObject"))
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="reports", Key=f"refused/{kind}", Body=b"", IfNoneMatch="*")
    assert code_of(refused) == code
    s3.put_object(Bucket="reports", Key=f"refused/{kind}", Body=b"", IfNoneMatch="*")
    assert killed == []


@pytest.mark.parametrize("kind", [Kind.LOST, Kind.KILLED])
def test_what_is_lost_was_done(aws: Aws, killed: list[str], kind: Kind) -> None:
    """Nobody hears of it, and the process that asked is killed, where that is what goes wrong."""
    s3 = client("s3", aws.endpoint, key=KEY)
    aws.faults.append(Fault(kind=kind, call="s3:PutObject"))
    with pytest.raises(LOST):
        s3.put_object(Bucket="reports", Key=f"lost/{kind}", Body=b"1", IfNoneMatch="*")
    assert s3.get_object(Bucket="reports", Key=f"lost/{kind}")["Body"].read() == b"1"
    assert killed == (["toy"] if kind is Kind.KILLED else [])


def test_a_denial_outweighs_what_is_allowed() -> None:
    """As IAM has it."""
    need = Need("s3:PutObject", "arn:aws:s3:::reports/a")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "arn:aws:s3:::reports/*"}
    assert allowed(need, statements_of([{"Statement": allow}]))
    assert not allowed(need, statements_of([{"Statement": [allow, deny]}]))
    assert not allowed(need, ())


def test_a_condition_that_something_is_missing_holds_where_it_is(aws: Aws, killed: list[str]) -> None:
    """A bucket that may not be written over refuses who does not say: only if there is none."""
    deny = {
        "Effect": "Deny",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::reports/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}},
    }
    aws.denials = statements_of([{"Statement": deny}])
    try:
        s3 = client("s3", aws.endpoint, key=KEY)
        s3.put_object(Bucket="reports", Key="once", Body=b"", IfNoneMatch="*")
        with pytest.raises(ClientError):
            s3.put_object(Bucket="reports", Key="once", Body=b"")
    finally:
        aws.denials = ()
    assert killed == []


def test_a_transaction_that_fails_changes_nothing(aws: Aws) -> None:
    """Neither what it put, nor what it updated, nor what it deleted."""
    dynamodb = client("dynamodb", aws.endpoint)
    names = [{"AttributeName": it, "AttributeType": "S"} for it in ("PK", "SK")]
    keys = [{"AttributeName": it, "KeyType": kind} for it, kind in (("PK", "HASH"), ("SK", "RANGE"))]
    dynamodb.create_table(TableName="table", AttributeDefinitions=names, KeySchema=keys, BillingMode="PAY_PER_REQUEST")

    def key(sort: str) -> dict[str, Any]:
        return {"PK": {"S": "a"}, "SK": {"S": sort}}

    for sort in ("1", "2", "3"):
        dynamodb.put_item(TableName="table", Item={**key(sort), "n": {"N": "1"}})
    before = dynamodb.scan(TableName="table")["Items"]
    update = {"UpdateExpression": "SET m = :it ADD n :it", "ExpressionAttributeValues": {":it": {"N": "1"}}}
    writes: list[dict[str, Any]] = [
        {"Put": {"TableName": "table", "Item": {**key("4"), "n": {"N": "1"}}}},
        {"Update": {"TableName": "table", "Key": key("1"), **update}},
        {"Delete": {"TableName": "table", "Key": key("2")}},
    ]
    fails = {
        "ConditionCheck": {"TableName": "table", "Key": key("3"), "ConditionExpression": "attribute_not_exists(PK)"}
    }
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[*writes, fails])
    assert code_of(refused) == "TransactionCanceledException"
    assert dynamodb.scan(TableName="table")["Items"] == before
    dynamodb.transact_write_items(TransactItems=writes)
    after = {it["SK"]["S"]: it.get("n", {}).get("N") for it in dynamodb.scan(TableName="table")["Items"]}
    assert after == {"1": "2", "3": "1", "4": "1"}
