"""boto3 clients for tests that call AWS on loopback, configured as in a function."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from support.aws_local.environment import REGION


@cache
def open_client(service: str, endpoint: str, *, key: str = "TESTTESTTESTTESTTEST", attempts: int = 1) -> Any:
    """Open a client of a service; `key` is the access key that identifies the caller."""
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key=key[::-1], region_name=REGION)
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"}, read_timeout=20
    )
    return session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]
