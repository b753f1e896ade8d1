"""A table like the application's in moto, inside the process and without a socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any

import boto3
from moto import mock_aws

from support.aws.moto_responses import shorten_responses

REGION = "eu-central-1"
shorten_responses()
_TABLE_NUMBERS = count()


def make_table(client: Any, name: str) -> None:
    """Create a table as the template does."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": it, "AttributeType": "S"} for it in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )


@contextmanager
def open_table() -> Iterator[tuple[Any, str]]:
    """Create a table, and yield a client and the name of the table."""
    with mock_aws():
        client = _make_client()
        name = f"table-{next(_TABLE_NUMBERS)}"
        make_table(client, name)
        yield client, name


@cache
def _make_client() -> Any:
    """Create a client, once: creation is slow."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION)  # noqa: S106  not a secret
    return session.client("dynamodb")


def list_items(client: Any, table: str) -> list[dict[str, Any]]:
    """Return all items of a table."""
    pages = client.get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def list_chunk_names(client: Any, table: str) -> set[str]:
    """Return the names of the chunks in a table."""
    return {it["SK"]["S"] for it in list_items(client, table) if it["SK"]["S"].startswith("chunk#")}
