"""Test that `evidence list` and `evidence verify` read the table and the bucket of a stack."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from backup_auditor.adapters.aws.evidence_bucket import EvidenceBucket
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.adapters.dynamodb.drill_ledger import DynamoDrillLedger
from backup_auditor.adapters.dynamodb.fleet_store import DynamoFleetStore
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.bootstrap import local, runtime
from backup_auditor.cli.main import main
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.fleet_record import FleetPage, RecordedDigest
from support.aws.dynamodb import REGION, make_table
from support.aws.moto import serve_moto
from support.builders.drills import build_drill
from support.builders.facts import DAY, NOW, SECOND, build_index, build_inventory
from support.builders.reports import BUILT_IN_POLICY

TABLE = "state"
BUCKET = "reports"


@pytest.fixture(scope="module")
def aws() -> Iterator[Mapping[str, str]]:
    """Serve AWS while the tests of this module run."""
    with serve_moto() as environ:
        yield environ


@pytest.fixture(scope="module")
def reports_client(aws: Mapping[str, str]) -> Any:
    """Record two audits with a missing night between them, and return a client for the reports."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.items():
            patch.setenv(name, value)
        session = AwsSession()
        bucket: Any = session.s3
        make_table(session.dynamodb, TABLE)
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    store = DynamoState(session.dynamodb, TABLE, retention=timedelta(days=400))
    for night in (0, 2):
        inventory = build_inventory(build_index("orders"), observed_at=NOW + night * DAY)
        result = evaluate_inventory(inventory, BUILT_IN_POLICY, store, EvidenceBucket(bucket, BUCKET))
        assert (result.record_error, result.page_failure) == (None, None)
    return bucket


@pytest.fixture(autouse=True)
def _reset_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a new session, and the time of the last audit."""
    monkeypatch.setattr(local, "_make_session", cache(AwsSession))
    monkeypatch.setattr(runtime, "now", lambda: NOW + 2 * DAY)


def run_command(*arguments: str) -> tuple[int, str, str]:
    """Run the command, and return its exit code and its output on both streams."""
    output, error_output = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(output), redirect_stderr(error_output):
        code = main(["evidence", *arguments])
    for stream in (output, error_output):
        stream.seek(0)
    return code, output.read(), error_output.read()


def test_nights_and_reports_of_the_application_are_shown(
    reports_client: Any, aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands report a missing audit, an altered report and a missing report of the stack."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    code, output, error_output = run_command("list", "--table", TABLE, "--format", "json")
    assert (code, error_output) == (1, "")
    assert [it["status"] for it in json.loads(output)["audits"]] == ["audited", "missing", "audited"]
    code, output, _ = run_command("verify", "--table", TABLE, "--format", "json")
    assert code == 0
    reports = json.loads(output)["reports"]
    assert {(it["status"], it["page"]["status"]) for it in reports} == {("intact", "intact")}
    locations = [it["report"]["location"].removeprefix(f"s3://{BUCKET}/") for it in reports]
    reports_client.put_object(Bucket=BUCKET, Key=locations[0], Body=b"{}")
    reports_client.delete_object(Bucket=BUCKET, Key=locations[1])
    code, output, error_output = run_command("verify", "--table", TABLE, "--format", "json")
    assert (code, error_output) == (1, "")
    reports = json.loads(output)["reports"]
    assert [(it["status"], it["page"]["status"]) for it in reports] == [("altered", "intact"), ("missing", "intact")]


def test_an_altered_page_is_reported(
    reports_client: Any, aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An altered page is reported although its report is intact."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    code_before, _, _ = run_command("verify", "--table", TABLE, "--project", "paged")
    assert code_before == 2
    inventory = build_inventory(build_index("orders"), project="paged")
    session = AwsSession()
    store = DynamoState(session.dynamodb, TABLE, retention=timedelta(days=400))
    evaluate_inventory(inventory, BUILT_IN_POLICY, store, EvidenceBucket(reports_client, BUCKET))
    (page,) = [
        stored_object["Key"]
        for stored_object in reports_client.list_objects_v2(Bucket=BUCKET, Prefix="paged/")["Contents"]
        if "html" in stored_object["Key"]
    ]
    reports_client.put_object(Bucket=BUCKET, Key=page, Body=b"<p>All is well</p>")
    code, output, _ = run_command("verify", "--table", TABLE, "--project", "paged")
    assert code == 1
    assert output.startswith("paged: 1 audit: reports 1 intact; pages 1 altered\n")


def test_what_has_expired_is_not_missing(
    reports_client: Any, aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit past its retention is left out, and so is a missing document from before the first audit."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    client, flags = AwsSession().dynamodb, ("verify", "--table", TABLE, "--project", "old", "--format", "json")
    store = DynamoState(client, TABLE, retention=400 * DAY)
    for age in (400 * DAY, 400 * DAY - SECOND):
        inventory = build_inventory(build_index("orders"), project="old", observed_at=NOW - age)
        evaluate_inventory(inventory, BUILT_IN_POLICY, store, EvidenceBucket(reports_client, BUCKET))
    for number, age in enumerate((401 * DAY, 399 * DAY, 401 * DAY), start=1):
        document = StoredFile(f"s3://{BUCKET}/old/drills/{number}.json", "0" * 64)
        drill = build_drill(
            project="old",
            drill_id=str(number),
            number=number,
            chosen_at=NOW - age,
            verified_at=NOW - age,
            evidence=document,
        )
        assert DynamoDrillLedger(client, TABLE).create_drill(drill)
    reports_client.put_object(Bucket=BUCKET, Key="old/drills/3.json", Body=b"{}")
    monkeypatch.setattr(runtime, "now", lambda: NOW)
    code, output, _ = run_command(*flags)
    found = json.loads(output)
    assert [it["status"] for it in found["reports"]] == ["intact"]
    assert [(it["drill_id"], it["status"]) for it in found["restore_drills"]] == [("2", "missing"), ("3", "altered")]
    assert code == 1


def test_the_pages_of_the_fleet_are_verified(
    reports_client: Any, aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each revision is a line, and a page as HTML has a status of its own; what has expired is left out."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    flags = ("verify", "--fleet", "--table", TABLE)
    code, _, error_output = run_command(*flags)
    assert code == 2
    assert "no page of the fleet is recorded for this time" in error_output
    store, archive = (
        DynamoFleetStore(AwsSession().dynamodb, TABLE, retention=400 * DAY),
        EvidenceBucket(reports_client, BUCKET),
    )
    last_page = None
    for number in range(3):
        night = NOW + number * DAY
        document = archive.store_fleet(night, 1, [f"night {number}"])
        assert document is not None
        html = archive.store_fleet_page(document, [f"<p>night {number}"]) if number else None
        page = FleetPage(night, 1, "0" * 64, StoredReport(document.location, document.sha256, html))
        digest = RecordedDigest(night, "0" * 64, document)
        assert store.record_page(page, last_page, (), digest)
        last_page = page
    code, output, _ = run_command(*flags)
    assert (code, output.splitlines()[0]) == (0, "fleet: 3 pages: JSON 3 intact; HTML 2 intact")
    reports_client.put_object(Bucket=BUCKET, Key=".fleet/2026-11-23/120000Z/fleet.1.html", Body=b"<p>All is well</p>")
    reports_client.delete_object(Bucket=BUCKET, Key=".fleet/2026-11-24/120000Z/fleet.1.json")
    code, output, _ = run_command(*flags, "--since", "2026-11-23", "--format", "json")
    pages = json.loads(output)["pages"]
    assert (code, [(it["status"], it["page"]["status"]) for it in pages]) == (
        1,
        [("intact", "altered"), ("missing", "intact")],
    )
    monkeypatch.setattr(runtime, "now", lambda: NOW + 402 * DAY)
    assert run_command(*flags)[0] == 2


@pytest.mark.parametrize(
    "flags,message",
    [
        (["--fleet"], "--fleet needs --table: only a stack on AWS writes pages of the fleet"),
        (["--fleet", "--table", TABLE, "--project", "a"], "--project is for one project and --fleet for all"),
    ],
)
def test_the_pages_of_the_fleet_are_those_of_a_stack(flags: list[str], message: str) -> None:
    """A laptop has none, and they are of all projects."""
    code, output, error_output = run_command("verify", *flags)
    assert (code, output) == (2, "")
    assert message in error_output


@pytest.mark.parametrize(
    "missing_variable,table,expected_text",
    [
        pytest.param("AWS_DEFAULT_REGION", TABLE, "You must specify a region", id="no-region"),
        pytest.param("AWS_ACCESS_KEY_ID", TABLE, "credentials", id="no-credentials"),
        pytest.param("", "other", "ResourceNotFoundException", id="no-table"),
    ],
)
def test_a_missing_setting_of_aws_is_reported_in_one_line(
    aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, missing_variable: str, table: str, expected_text: str
) -> None:
    """A missing region, missing credentials or a missing table is exit code 2 and one error line."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name, value in aws.items():
        if name != missing_variable:
            monkeypatch.setenv(name, value)
    code, output, error_output = run_command("list", "--table", table)
    assert (code, output) == (2, "")
    assert expected_text in error_output
    assert error_output.count("\n") == 1


def test_without_boto3_the_error_has_the_command_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option `--table` without boto3 is exit code 2 and the command that installs it."""
    monkeypatch.setattr("backup_auditor.bootstrap.local.find_spec", lambda _: None)
    code, output, error_output = run_command("list", "--table", TABLE)
    assert (code, output) == (2, "")
    assert error_output == (
        f"backup-auditor: table {TABLE}: boto3 is not installed; run pip install 'backup-auditor[aws]'\n"
    )
