"""A bucket like the application's, in moto: within the process, so that it takes no socket."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from support.aws.s3 import BUCKET


@cache
def _make_client() -> Any:
    """Make a client, once: it is slow to make."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-central-1")  # noqa: S106  no secret
    return session.client("s3")


@pytest.fixture
def client() -> Iterator[Any]:
    """Make a bucket as the template does: versioned."""
    with mock_aws():
        client = _make_client()
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client
