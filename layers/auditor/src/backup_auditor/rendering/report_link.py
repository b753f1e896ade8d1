"""Where people find a report that is kept on AWS."""

from urllib.parse import quote

from backup_auditor.domain.alerting.digest import Digest

_S3 = "s3://"
_CONSOLES = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))
"""The consoles of the partitions that have their own, by how the names of their regions begin."""


def report_link(location: str, region: str) -> str | None:
    """Return the address of a kept file in the console of a region; `None` where it is not kept on S3."""
    if not location.startswith(_S3):
        return None
    bucket, _, key = location.removeprefix(_S3).partition("/")
    host = next((host for start, host in _CONSOLES if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{host}/s3/object/{quote(bucket)}?region={quote(region)}&prefix={quote(key)}"


def for_people(digest: Digest) -> tuple[str, str | None]:
    """Return where a report is to be read, and the link there: its page, or the report itself where it has none."""
    kept = digest.message.report
    return (kept.page.location, digest.page_link) if kept.page else (kept.location, digest.report_link)
