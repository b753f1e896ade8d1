"""Pages in a bucket: each beside its report, under the same name, written once, and never written over."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.domain.audit_record import StoredFile
from backup_auditor.errors import EvidenceError
from backup_auditor.rendering.html.page import render_html
from support.aws.s3 import BUCKET, list_version_keys
from support.builders.reports import build_finding, build_report
from support.faults.aws_clients import (
    KilledError,
    NthCallFault,
    inject_fault,
    make_client_error,
    make_raiser,
    make_timeout_error,
    make_unreachable_error,
)

REPORT = build_report()
FOLDER = f"default/2026-11-22/{REPORT.audit_id}"


def test_a_page_lies_beside_its_report_as_a_browser_takes_it(client: Any) -> None:
    """The page is rendered from the evaluated report, with its hash and its metadata."""
    bucket = EvidenceBucket(client, BUCKET)
    page = bucket.store_page(REPORT, bucket.store_report(REPORT))
    content = bucket.read(page)
    assert page == StoredFile(f"s3://{BUCKET}/{FOLDER}/report.html", hashlib.sha256(content).hexdigest())
    assert content.decode() == "".join(render_html([REPORT])) + "\n"
    object_head = client.head_object(Bucket=BUCKET, Key=f"{FOLDER}/report.html")
    assert object_head["ContentType"] == "text/html; charset=utf-8"
    assert object_head["Metadata"] == {
        "project": "default",
        "audit_id": REPORT.audit_id,
        "compliance": "COMPLIANT",
        "sha256": page.sha256,
    }


def test_the_same_page_is_written_once(client: Any) -> None:
    """A repeated audit finds the stored report and page."""
    bucket = EvidenceBucket(client, BUCKET)
    first_page, second_page = (
        (stored_report := bucket.store_report(REPORT), bucket.store_page(REPORT, stored_report)) for _ in range(2)
    )
    assert first_page == second_page
    assert sorted(list_version_keys(client)) == [f"{FOLDER}/report.html", f"{FOLDER}/report.json"]


def test_the_page_of_another_report_of_the_same_audit_has_that_reports_number(client: Any) -> None:
    """A page is stored later if the first attempt was stopped after its report."""
    bucket = EvidenceBucket(client, BUCKET)
    bucket.store_report(REPORT)
    other_report = replace(REPORT, findings=(build_finding(),))
    page = bucket.store_page(other_report, bucket.store_report(other_report))
    assert page.location == f"s3://{BUCKET}/{FOLDER}/report.2.html"
    assert bucket.store_page(REPORT, bucket.store_report(REPORT)).location == f"s3://{BUCKET}/{FOLDER}/report.html"


def test_another_page_that_stands_there_is_left_as_it_is(client: Any) -> None:
    """A different stored page, as after an upgrade between two attempts, is not recorded as the page of this report."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = bucket.store_report(REPORT)
    client.put_object(Bucket=BUCKET, Key=f"{FOLDER}/report.html", Body=b"another")
    with pytest.raises(EvidenceError, match=rf"^s3://{BUCKET}/{FOLDER}/report.html is a different page"):
        bucket.store_page(REPORT, stored_report)
    assert client.get_object(Bucket=BUCKET, Key=f"{FOLDER}/report.html")["Body"].read() == b"another"


@pytest.mark.parametrize(
    "error,after_effect",
    [
        pytest.param(make_unreachable_error, False, id="unreachable"),
        pytest.param(make_timeout_error, True, id="unanswered"),
        pytest.param(KilledError, True, id="killed"),
        pytest.param(lambda: make_client_error("AccessDenied", 403), False, id="forbidden"),
    ],
)
def test_a_page_that_could_not_be_kept_is_kept_the_next_time(
    client: Any, error: Callable[[], BaseException], *, after_effect: bool
) -> None:
    """The report was stored meanwhile; both files are stored once."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = bucket.store_report(REPORT)
    fault = NthCallFault(make_raiser(error), 0)
    with inject_fault(client, fault, after=after_effect), pytest.raises((EvidenceError, KilledError)) as error_info:
        bucket.store_page(REPORT, stored_report)
    if isinstance(error_info.value, EvidenceError):
        assert str(error_info.value).startswith(f"s3://{BUCKET}/{FOLDER}/report.html cannot be used: ")
    assert bucket.store_report(REPORT) == stored_report
    bucket.store_page(REPORT, stored_report)
    assert sorted(list_version_keys(client)) == [f"{FOLDER}/report.html", f"{FOLDER}/report.json"]
