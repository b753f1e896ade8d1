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
from backup_auditor.adapters.dynamodb.state_store import DynamoState
from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.bootstrap import local, runtime
from backup_auditor.cli.main import main
from support.aws.dynamodb import REGION, make_table
from support.aws.moto import serve_moto
from support.builders.facts import DAY, NOW, build_index, build_inventory
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
    """Give each test a new session."""
    monkeypatch.setattr(local, "_make_session", cache(AwsSession))


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
    monkeypatch.setattr(runtime, "now", lambda: NOW + 2 * DAY)  # without the nights until today
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
