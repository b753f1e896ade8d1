"""Audits of a registry that run at the same time: their order, and what a failure of one changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest

from backup_auditor.application.audit import AuditResult
from backup_auditor.cli.main import main
from backup_auditor.cli.options import AuditOptions
from backup_auditor.errors import StateError, UnreachableError
from support.builders.facts import build_index, build_inventory
from support.builders.reports import build_report

NAMES = [f"p{it}" for it in range(6)]
WAIT_SECONDS = 30

type FakeAudit = Callable[..., AuditResult]


@pytest.fixture
def run_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, Any]]:
    """Return a function that audits a registry of six projects with a fake, and returns exit code and document."""
    registry, output = tmp_path / "registry.yaml", tmp_path / "out.json"
    registry.write_text("version: 1\nprojects:\n" + "".join(f"- {{name: {it}, key_env: KEY_{it}}}\n" for it in NAMES))
    for name in NAMES:
        monkeypatch.setenv(f"KEY_{name}", f"key-of-the-project-{name}")

    def run(audit: FakeAudit, *flags: str) -> tuple[int, Any]:
        arguments = ["audit", "--no-state", "--registry", str(registry), "--format", "json", "--output", str(output)]
        with patch("backup_auditor.cli.registry_audit.run_with_options", audit):
            code = main([*arguments, *flags])
        return code, json.loads(output.read_text()) if output.exists() else None

    return run


def make_result(options: AuditOptions, **facts: Any) -> AuditResult:
    """Return the result of an audit of a healthy project."""
    inventory = build_inventory(build_index())
    report = replace(build_report(inventory), project=str(options.project), project_id=f"id-{options.project}")
    return AuditResult(inventory, report, **facts)


def test_messages_and_reports_have_their_order_whoever_ends_first(
    run_audit: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first project ends last; its messages still come first, and reports come by name."""
    last_ended = Event()

    def audit(options: AuditOptions, **_: object) -> AuditResult:
        if options.project == NAMES[0]:
            assert last_ended.wait(WAIT_SECONDS)
        if options.project == NAMES[-1]:
            last_ended.set()
        return make_result(options, notes=("A note.",))

    code, document = run_audit(audit)
    assert code == 0
    assert capsys.readouterr().err == "".join(f"backup-auditor: {it}: A note.\n" for it in NAMES)
    assert [it["project"]["name"] for it in document["reports"]] == NAMES


@pytest.mark.parametrize(
    "error,reason",
    [
        pytest.param(
            UnreachableError("the host cannot be reached; check the network."), "the host cannot be", id="known"
        ),
        pytest.param(ZeroDivisionError("secret"), "internal error of backup-auditor (ZeroDivisionError)", id="defect"),
    ],
)
def test_a_failure_of_one_ends_no_other(
    error: Exception, reason: str, run_audit: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its reason is in the fleet and on standard error; all others have reports."""

    def audit(options: AuditOptions, **_: object) -> AuditResult:
        if options.project == "p2":
            raise error
        return make_result(options)

    code, document = run_audit(audit)
    assert code == 2
    [unaudited] = document["fleet"]["not_audited"]
    assert unaudited["name"] == "p2"
    assert unaudited["reason"].startswith(reason)
    assert capsys.readouterr().err.startswith(f"backup-auditor: p2: {reason}")
    assert [it["project"]["name"] for it in document["reports"]] == [it for it in NAMES if it != "p2"]
    assert "secret" not in json.dumps(document)


def test_a_defect_ends_the_run_with_debug(
    run_audit: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Then its traceback is shown, and nothing is written."""

    def audit(*_: object, **__: object) -> AuditResult:
        raise ZeroDivisionError

    assert run_audit(audit, "--debug") == (2, None)
    assert "Traceback" in capsys.readouterr().err


def test_an_audit_that_is_not_recorded_makes_the_run_incomplete(
    run_audit: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its report is there, standard error says why, and the exit code is 3."""

    def audit(options: AuditOptions, **_: object) -> AuditResult:
        return make_result(options, record_error=StateError("the disk is full") if options.project == "p1" else None)

    code, document = run_audit(audit)
    assert (code, len(document["reports"])) == (3, len(NAMES))
    assert capsys.readouterr().err == "backup-auditor: p1: this audit could not be recorded: the disk is full\n"


def test_a_full_temporary_folder_is_named(
    run_audit: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Reports that cannot be kept until the end are one error line with the remedy, and nothing is written."""
    full_device = Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115  closed with the spool
    with patch("backup_auditor.cli.registry_audit.SpooledTemporaryFile", return_value=full_device):
        code, document = run_audit(lambda options, **_: make_result(options))
    assert (code, document) == (2, None)
    error = "the reports of the projects cannot be kept in a temporary file: No space left on device"
    assert capsys.readouterr().err == f"backup-auditor: {error}; set TMPDIR to a folder with enough space\n"
