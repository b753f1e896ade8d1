"""The command on platforms that lack something."""

import signal
import sys

import pytest

from backup_auditor.cli.main import main


def test_windows_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is asked there, the command names the way out and ends with 2."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(signal, "SIGHUP")
    assert main(["--help"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "backup-auditor: Windows is not supported; run it in the Windows Subsystem for Linux (WSL)\n"
    )


def test_a_signal_that_is_not_there_is_not_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A platform without SIGHUP runs every command."""
    monkeypatch.delattr(signal, "SIGHUP")
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)  # so that none of this process is changed
    assert main(["controls", "index-has-schedule"]) == 0
    assert "index-has-schedule" in capsys.readouterr().out
