"""Where a browser finds a report that is kept on AWS."""

from urllib.parse import quote

_S3 = "s3://"
_CONSOLES = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""The consoles of the partitions that have their own, by how the names of their regions begin."""


def report_link(location: str, region: str) -> str | None:
    """Return the address of a kept report in the console of a region; `None` where it is not kept on S3."""
    if not location.startswith(_S3):
        return None
    bucket, _, key = location.removeprefix(_S3).partition("/")
    host = next((host for start, host in _CONSOLES if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{host}/s3/object/{quote(bucket)}?region={quote(region)}&prefix={quote(key)}"
