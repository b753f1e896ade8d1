"""Where a browser finds a report."""

import pytest

from backup_auditor.rendering.digest import build_report_link


@pytest.mark.parametrize(
    "region,host",
    [
        pytest.param("eu-central-1", "console.aws.amazon.com", id="aws"),
        pytest.param("cn-north-1", "console.amazonaws.cn", id="aws-cn"),
        pytest.param("us-gov-west-1", "console.amazonaws-us-gov.com", id="aws-us-gov"),
    ],
)
def test_a_report_on_s3_is_in_the_console_of_its_partition(region: str, host: str) -> None:
    """By bucket, region and key; a project's name may hold what an address may not."""
    link = build_report_link("s3://evidence/a b|<ü>/2026-11-22/0/report.json", region)
    key = "a%20b%7C%3C%C3%BC%3E/2026-11-22/0/report.json"
    assert link == f"https://{host}/s3/object/evidence?region={region}&prefix={key}"


@pytest.mark.parametrize("base_url", ["https://reports.example.com/audits", "https://reports.example.com/audits/"])
def test_a_report_on_s3_is_under_the_base_url(base_url: str) -> None:
    """A service that serves the bucket has its own address, and the key follows it."""
    link = build_report_link("s3://evidence/a b|<ü>/2026-11-22/0/report.html", "eu-central-1", base_url)
    assert link == "https://reports.example.com/audits/a%20b%7C%3C%C3%BC%3E/2026-11-22/0/report.html"


def test_a_file_has_no_address() -> None:
    """A file has only its path."""
    assert build_report_link("/var/reports/report.json", "eu-central-1", "https://reports.example.com") is None
    assert build_report_link("/var/reports/report.json", "eu-central-1") is None
