"""Reports in a bucket: written once, known again, and never written over."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.domain.audit_record import StoredReport
from backup_auditor.errors import EvidenceError, EvidenceMissingError, EvidenceRefusedError
from support.aws.s3 import BUCKET, list_version_keys
from support.builders.drills import build_drill
from support.builders.facts import READ_FAILURE
from support.builders.reports import build_finding, build_report, check_report
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
OTHER_REPORT = replace(REPORT, findings=(build_finding(),))
"""The same audit, evaluated again."""
FOLDER = f"s3://{BUCKET}/default/2026-11-22/{REPORT.audit_id}"


def test_a_report_lies_under_its_project_its_day_and_its_audit(client: Any) -> None:
    """The stored report is JSON that fits the schema, with its hash and its metadata."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = bucket.store_report(REPORT)
    content = bucket.read(stored_report)
    assert stored_report == StoredReport(f"{FOLDER}/report.json", hashlib.sha256(content).hexdigest())
    check_report(json.loads(content))
    assert content.endswith(b"}\n")
    name = stored_report.location.removeprefix(f"s3://{BUCKET}/")
    object_head = client.head_object(Bucket=BUCKET, Key=name)
    assert object_head["ContentType"] == "application/json"
    assert object_head["Metadata"] == {
        "project": "default",
        "audit_id": REPORT.audit_id,
        "compliance": "COMPLIANT",
        "sha256": stored_report.sha256,
    }


def test_the_bucket_receives_the_hash_to_check_what_arrives_by(client: Any) -> None:
    """The bucket refuses a report that was altered on its way."""
    sent_parameters: list[dict[str, Any]] = []
    event_name = "provide-client-params.s3.PutObject"
    client.meta.events.register(event_name, listen := lambda params, **_: sent_parameters.append(params))
    try:
        stored_report = EvidenceBucket(client, BUCKET).store_report(REPORT)
    finally:
        client.meta.events.unregister(event_name, listen)
    assert [it["ChecksumSHA256"] for it in sent_parameters] == [b64encode(bytes.fromhex(stored_report.sha256)).decode()]


def test_the_same_report_is_written_once(client: Any) -> None:
    """A report that is stored twice is stored once."""
    bucket = EvidenceBucket(client, BUCKET)
    assert bucket.store_report(REPORT) == bucket.store_report(REPORT)
    assert len(list_version_keys(client)) == 1


def test_another_report_of_the_same_audit_is_kept_beside_the_first(client: Any) -> None:
    """A report that was evaluated again after another audit does not overwrite the first one."""
    bucket = EvidenceBucket(client, BUCKET)
    first_report, second_report = bucket.store_report(REPORT), bucket.store_report(OTHER_REPORT)
    third_report = bucket.store_report(replace(REPORT, read_failures=(READ_FAILURE,)))
    assert [it.location for it in (first_report, second_report, third_report)] == [
        f"{FOLDER}/{it}" for it in ("report.json", "report.2.json", "report.3.json")
    ]
    assert (bucket.store_report(OTHER_REPORT), bucket.store_report(REPORT)) == (second_report, first_report)
    assert len(list_version_keys(client)) == 3
    for it in (first_report, second_report, third_report):
        assert hashlib.sha256(bucket.read(it)).hexdigest() == it.sha256


def test_more_reports_of_one_audit_than_anybody_needs_are_refused(client: Any) -> None:
    """The error names the place of the stored reports."""
    bucket = EvidenceBucket(client, BUCKET)
    for number in range(20):
        bucket.store_report(replace(REPORT, project_id=f"{number}"))
    with pytest.raises(EvidenceError, match=f"^{FOLDER} has 20 other reports of this audit"):
        bucket.store_report(REPORT)


@pytest.mark.parametrize("name", ["team a", "Größe #1?", "日本", "a%2Fb+c"])
def test_any_name_of_a_project_is_fit_for_a_bucket(client: Any, name: str) -> None:
    """A stored report is read by its location alone."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = bucket.store_report(replace(REPORT, project=name))
    assert stored_report.location.startswith(f"s3://{BUCKET}/{name}/2026-11-22/")
    assert json.loads(bucket.read(stored_report))["project"]["name"] == name


def test_a_large_report_is_kept_whole(client: Any) -> None:
    """One that does not stay in memory."""
    large_report = replace(
        REPORT, findings=tuple(replace(build_finding(), fingerprint=f"{number:032x}") for number in range(12_000))
    )
    bucket = EvidenceBucket(client, BUCKET)
    content = bucket.read(bucket.store_report(large_report))
    assert len(content) > 4 << 20
    assert len(json.loads(content)["findings"]) == 12_000


@pytest.mark.parametrize(
    "error,after_effect",
    [
        pytest.param(make_unreachable_error, False, id="unreachable"),
        pytest.param(make_timeout_error, True, id="unanswered"),
        pytest.param(KilledError, True, id="killed"),
        pytest.param(lambda: make_client_error("SlowDown", 503), False, id="slow-down"),
        pytest.param(lambda: make_client_error("AccessDenied", 403), False, id="forbidden"),
    ],
)
@pytest.mark.parametrize("is_permanent", [False, True], ids=["once", "always"])
def test_a_report_that_could_not_be_kept_is_kept_the_next_time(
    client: Any, error: Callable[[], BaseException], *, after_effect: bool, is_permanent: bool
) -> None:
    """A report is stored once, even if an earlier attempt stored it without a response."""
    bucket = EvidenceBucket(client, BUCKET)
    fault = NthCallFault(make_raiser(error), 0, is_permanent=is_permanent)
    with inject_fault(client, fault, after=after_effect), pytest.raises((EvidenceError, KilledError)) as error_info:
        bucket.store_report(REPORT)
    if isinstance(error_info.value, EvidenceError):
        assert str(error_info.value).startswith(f"{FOLDER}/report.json cannot be used: ")
        assert "\n" not in str(error_info.value)
    assert bucket.store_report(REPORT).location == f"{FOLDER}/report.json"
    assert len(list_version_keys(client)) == 1


def test_one_that_is_written_at_this_moment_is_waited_for(client: Any) -> None:
    """S3 says that two want to write the same, and takes one of them."""
    raise_conflict = make_raiser(lambda: make_client_error("ConditionalRequestConflict", 409))
    bucket = EvidenceBucket(client, BUCKET)
    with inject_fault(client, NthCallFault(raise_conflict, 0)):
        bucket.store_report(REPORT)
    with (
        inject_fault(client, NthCallFault(raise_conflict, 0, is_permanent=True)),
        pytest.raises(EvidenceError, match="is being written by other processes"),
    ):
        bucket.store_report(REPORT)


def test_the_document_of_a_drill_is_stored_once(client: Any) -> None:
    """A repeated write finds the document; another document of the same revision is refused, and of the next stored."""
    bucket, record = EvidenceBucket(client, BUCKET), build_drill(project="search")
    stored_file = bucket.store_drill(record, b"{}")
    assert stored_file.location == f"s3://{BUCKET}/search/drills/{record.drill_id}/0.json"
    assert bucket.store_drill(record, b"{}") == stored_file
    with pytest.raises(EvidenceError, match="is a different document and is not overwritten"):
        bucket.store_drill(record, b"[]")
    next_file = bucket.store_drill(replace(record, revision=1), b"[]")
    assert (bucket.read(stored_file), bucket.read(next_file)) == (b"{}", b"[]")
    assert len(list_version_keys(client)) == 2


def _delete_object(client: Any, stored_report: StoredReport) -> StoredReport:
    client.delete_object(Bucket=BUCKET, Key=stored_report.location.removeprefix(f"s3://{BUCKET}/"))
    return stored_report


@pytest.mark.parametrize(
    "damage,error,expected_text",
    [
        pytest.param(
            _delete_object,
            EvidenceMissingError,
            "is missing; restore an earlier version of it from the bucket",
            id="gone",
        ),
        pytest.param(
            lambda _, stored_report: replace(stored_report, location="s3://elsewhere/report.json"),
            EvidenceError,
            "cannot be used: NoSuchBucket: The specified bucket does not exist; check that it exists",
            id="no-bucket",
        ),
        pytest.param(
            lambda _, stored_report: replace(stored_report, location="/tmp/report.json"),  # noqa: S108  a name
            EvidenceError,
            "/tmp/report.json is not an address in a bucket",  # noqa: S108  a name
            id="no-address",
        ),
    ],
)
def test_a_report_that_is_gone_is_distinguished_from_one_that_cannot_be_read(
    client: Any, damage: Callable[[Any, StoredReport], StoredReport], error: type[Exception], expected_text: str
) -> None:
    """In one line that names it."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = damage(client, bucket.store_report(REPORT))
    with pytest.raises(EvidenceError) as error_info:
        bucket.read(stored_report)
    assert type(error_info.value) is error
    assert expected_text in str(error_info.value)


def test_a_report_that_may_not_be_read_may_be_gone(client: Any) -> None:
    """S3 tells who may not list a bucket, as no function may, only that access is denied."""
    bucket = EvidenceBucket(client, BUCKET)
    stored_report = bucket.store_report(REPORT)
    denied_fault = NthCallFault(make_raiser(lambda: make_client_error("AccessDenied", 403)), 0)
    with (
        inject_fault(client, denied_fault),
        pytest.raises(EvidenceRefusedError, match="check that it exists and that the role may"),
    ):
        bucket.read(stored_report)


def test_what_is_no_answer_of_aws_stays_what_it_is(client: Any) -> None:
    """A fault of our own is not dressed up as one of the bucket."""
    with (
        inject_fault(client, NthCallFault(make_raiser(lambda: ZeroDivisionError("ours")), 0)),
        pytest.raises(ZeroDivisionError),
    ):
        EvidenceBucket(client, BUCKET).store_report(REPORT)
