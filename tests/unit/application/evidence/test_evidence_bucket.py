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
from backup_auditor.errors import EvidenceError, EvidenceMissingError
from support.aws.s3 import BUCKET, versions
from support.builders.facts import BROKEN
from support.builders.reports import check_report, finding, report
from support.faults.aws_clients import KilledError, Strike, raising, refusal, struck, unanswered, unreachable

REPORT = report()
ANOTHER = replace(REPORT, findings=(finding(),))
"""The same audit, judged anew."""
FOLDER = f"s3://{BUCKET}/default/2026-11-22/{REPORT.audit_id}"


def test_a_report_lies_under_its_project_its_day_and_its_audit(client: Any) -> None:
    """As JSON that the schema takes, with its hash, and what it is about beside it."""
    bucket = EvidenceBucket(client, BUCKET)
    kept = bucket.store_report(REPORT)
    content = bucket.read(kept)
    assert kept == StoredReport(f"{FOLDER}/report.json", hashlib.sha256(content).hexdigest())
    check_report(json.loads(content))
    assert content.endswith(b"}\n")
    name = kept.location.removeprefix(f"s3://{BUCKET}/")
    there = client.head_object(Bucket=BUCKET, Key=name)
    assert there["ContentType"] == "application/json"
    assert there["Metadata"] == {
        "project": "default",
        "audit_id": REPORT.audit_id,
        "compliance": "COMPLIANT",
        "sha256": kept.sha256,
    }


def test_the_bucket_is_told_the_hash_to_check_what_arrives_by(client: Any) -> None:
    """What was altered on its way is not kept."""
    sent: list[dict[str, Any]] = []
    watch = "provide-client-params.s3.PutObject"
    client.meta.events.register(watch, listen := lambda params, **_: sent.append(params))
    try:
        kept = EvidenceBucket(client, BUCKET).store_report(REPORT)
    finally:
        client.meta.events.unregister(watch, listen)
    assert [it["ChecksumSHA256"] for it in sent] == [b64encode(bytes.fromhex(kept.sha256)).decode()]


def test_the_same_report_is_written_once(client: Any) -> None:
    """Whoever keeps it again finds it there."""
    bucket = EvidenceBucket(client, BUCKET)
    assert bucket.store_report(REPORT) == bucket.store_report(REPORT)
    assert len(versions(client)) == 1


def test_another_report_of_the_same_audit_is_kept_beside_the_first(client: Any) -> None:
    """It was judged anew after another audit was recorded; neither is written over."""
    bucket = EvidenceBucket(client, BUCKET)
    first, second = bucket.store_report(REPORT), bucket.store_report(ANOTHER)
    third = bucket.store_report(replace(REPORT, read_failures=(BROKEN,)))
    assert [it.location for it in (first, second, third)] == [
        f"{FOLDER}/{it}" for it in ("report.json", "report.2.json", "report.3.json")
    ]
    assert (bucket.store_report(ANOTHER), bucket.store_report(REPORT)) == (second, first)
    assert len(versions(client)) == 3
    for it in (first, second, third):
        assert hashlib.sha256(bucket.read(it)).hexdigest() == it.sha256


def test_more_reports_of_one_audit_than_anybody_needs_are_refused(client: Any) -> None:
    """It is said where they are."""
    bucket = EvidenceBucket(client, BUCKET)
    for number in range(20):
        bucket.store_report(replace(REPORT, project_id=f"{number}"))
    with pytest.raises(EvidenceError, match=f"^{FOLDER} holds 20 other reports of this audit"):
        bucket.store_report(REPORT)


@pytest.mark.parametrize("name", ["team a", "Größe #1?", "日本", "a%2Fb+c"])
def test_any_name_of_a_project_is_fit_for_a_bucket(client: Any, name: str) -> None:
    """What was kept is read again by its location alone."""
    bucket = EvidenceBucket(client, BUCKET)
    kept = bucket.store_report(replace(REPORT, project=name))
    assert kept.location.startswith(f"s3://{BUCKET}/{name}/2026-11-22/")
    assert json.loads(bucket.read(kept))["project"]["name"] == name


def test_a_large_report_is_kept_whole(client: Any) -> None:
    """One that does not stay in memory."""
    large = replace(
        REPORT, findings=tuple(replace(finding(), fingerprint=f"{number:032x}") for number in range(12_000))
    )
    bucket = EvidenceBucket(client, BUCKET)
    content = bucket.read(bucket.store_report(large))
    assert len(content) > 4 << 20
    assert len(json.loads(content)["findings"]) == 12_000


@pytest.mark.parametrize(
    "error,after",
    [
        pytest.param(unreachable, False, id="unreachable"),
        pytest.param(unanswered, True, id="unanswered"),
        pytest.param(KilledError, True, id="killed"),
        pytest.param(lambda: refusal("SlowDown", 503), False, id="slow-down"),
        pytest.param(lambda: refusal("AccessDenied", 403), False, id="forbidden"),
    ],
)
@pytest.mark.parametrize("until_end", [False, True], ids=["once", "always"])
def test_a_report_that_could_not_be_kept_is_kept_the_next_time(
    client: Any, error: Callable[[], BaseException], *, after: bool, until_end: bool
) -> None:
    """Once, also where it was there already, and nobody heard of it."""
    bucket = EvidenceBucket(client, BUCKET)
    strike = Strike(raising(error), 0, until_end=until_end)
    with struck(client, strike, after=after), pytest.raises((EvidenceError, KilledError)) as caught:
        bucket.store_report(REPORT)
    if isinstance(caught.value, EvidenceError):
        assert str(caught.value).startswith(f"{FOLDER}/report.json cannot be used: ")
        assert "\n" not in str(caught.value)
    assert bucket.store_report(REPORT).location == f"{FOLDER}/report.json"
    assert len(versions(client)) == 1


def test_one_that_is_written_at_this_moment_is_waited_for(client: Any) -> None:
    """S3 says that two want to write the same, and takes one of them."""
    conflict = raising(lambda: refusal("ConditionalRequestConflict", 409))
    bucket = EvidenceBucket(client, BUCKET)
    with struck(client, Strike(conflict, 0)):
        bucket.store_report(REPORT)
    with (
        struck(client, Strike(conflict, 0, until_end=True)),
        pytest.raises(EvidenceError, match="is written by others again and again"),
    ):
        bucket.store_report(REPORT)


def _deleted(client: Any, kept: StoredReport) -> StoredReport:
    client.delete_object(Bucket=BUCKET, Key=kept.location.removeprefix(f"s3://{BUCKET}/"))
    return kept


@pytest.mark.parametrize(
    "harm,error,said",
    [
        pytest.param(
            _deleted, EvidenceMissingError, "is gone; restore an earlier version of it from the bucket", id="gone"
        ),
        pytest.param(
            lambda _, kept: replace(kept, location="s3://elsewhere/report.json"),
            EvidenceError,
            "cannot be used: NoSuchBucket: The specified bucket does not exist; look whether it is there",
            id="no-bucket",
        ),
        pytest.param(
            lambda _, kept: replace(kept, location="/tmp/report.json"),  # noqa: S108  a name
            EvidenceError,
            "/tmp/report.json is no address in a bucket",  # noqa: S108  a name
            id="no-address",
        ),
    ],
)
def test_a_report_that_is_gone_is_told_from_one_that_cannot_be_read(
    client: Any, harm: Callable[[Any, StoredReport], StoredReport], error: type[Exception], said: str
) -> None:
    """In one line that names it."""
    bucket = EvidenceBucket(client, BUCKET)
    kept = harm(client, bucket.store_report(REPORT))
    with pytest.raises(EvidenceError) as caught:
        bucket.read(kept)
    assert type(caught.value) is error
    assert said in str(caught.value)


def test_a_report_that_may_not_be_read_may_be_gone(client: Any) -> None:
    """S3 tells who may not list a bucket, as no function may, only that access is denied."""
    bucket = EvidenceBucket(client, BUCKET)
    kept = bucket.store_report(REPORT)
    denied = Strike(raising(lambda: refusal("AccessDenied", 403)), 0)
    with struck(client, denied), pytest.raises(EvidenceError, match="look whether it is there, and who may"):
        bucket.read(kept)


def test_what_is_no_answer_of_aws_stays_what_it_is(client: Any) -> None:
    """A fault of our own is not dressed up as one of the bucket."""
    with struck(client, Strike(raising(lambda: ZeroDivisionError("ours")), 0)), pytest.raises(ZeroDivisionError):
        EvidenceBucket(client, BUCKET).store_report(REPORT)
