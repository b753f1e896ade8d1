"""Fetches documents that AWS keeps: `ssm:NAME` from Parameter Store, `s3://BUCKET/KEY` from S3."""

from contextlib import closing
from typing import TYPE_CHECKING

from backup_auditor.adapters.yaml_file.limits import LARGEST
from backup_auditor.domain.text import join_lines
from backup_auditor.errors import DocumentError

if TYPE_CHECKING:
    from backup_auditor.adapters.aws_session import AwsSession

_REMEDIES = {
    "ParameterNotFound": "there is no such parameter; make it, or correct the address",
    "ParameterVersionNotFound": "there is no such version of the parameter; correct the address",
    "NoSuchBucket": "there is no such bucket; correct the address",
    "NoSuchKey": "there is no such object; put it there, or correct the address",
    "AccessDenied": "there is no such object, or it may not be read; put it there, and look at the permissions",
    "AccessDeniedException": "it may not be read; look at the permissions, and at the beginning of its name",
    "ThrottlingException": "it is asked too often; keep it in S3, or switch on higher throughput in Parameter Store",
}
_OTHERWISE = "it cannot be fetched"


def fetch_document(aws: "AwsSession", address: str) -> bytes:
    """Return the bytes of a document. Raises `DocumentError`, which names the address and the remedy."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  boto3 is there once it is needed

    try:
        content = _parameter(aws, address) if address.startswith("ssm:") else _object(aws, address)
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise DocumentError(f"{address}: {_REMEDIES.get(code, _OTHERWISE)} ({code})") from None
    except BotoCoreError as error:
        why = join_lines(str(error))[:200]
        raise DocumentError(
            f"{address}: it cannot be fetched: {why}; look at region, credentials and network"
        ) from None
    if content is None:
        raise DocumentError(f"{address}: has more than {LARGEST:,} bytes; is it the right document?")
    return content


def _parameter(aws: "AwsSession", address: str) -> bytes:
    name = address.removeprefix("ssm:")
    return aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"].encode()


def _object(aws: "AwsSession", address: str) -> bytes | None:
    """Return all of an object, `None` where it is too large. Where its answer breaks off that fails: a part is none."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    answer = aws.s3.get_object(Bucket=bucket, Key=key)
    with closing(answer["Body"]) as body:
        return body.read() if answer["ContentLength"] <= LARGEST else None  # only what is read in full is compared
