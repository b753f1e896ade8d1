"""Steps and commands that put a finding right, with what is known of it."""

import json
import re
import shlex
from dataclasses import replace

import pytest

from backup_auditor.controls.catalog import CATALOG
from backup_auditor.domain.evaluation.evaluator import AnyControl
from backup_auditor.domain.finding import Finding
from backup_auditor.rendering.controls import build_commands, build_steps
from support.builders.facts import DAY, build_index, build_schedule, evaluate_facts
from support.builders.reports import build_finding

CONTROL_PARAMETERS = [pytest.param(it, id=it.id) for it in CATALOG.all_controls]
BLANK_PATTERN = r"\{([a-z_.]+)\}"
HOST = "${PINECONE_CONTROLLER_HOST:-https://api.pinecone.io}"
STRANGE_NAMES = {
    "schedule_id": "a'b/c",
    "last_healthy": {"backup_id": '$(x) "'},
    "required_frequency": '"',
    "min_days": 7,
    "max_days": 9,
}


def evaluate_with_schedules(control: str, *schedules: str) -> Finding:
    """Evaluate an old index that has these schedules and no backup."""
    case = build_index(schedules=[build_schedule(it, retention=DAY) for it in schedules], runs=[])
    return next(it for it in evaluate_facts(case).findings if it.control == control)


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_a_command_has_what_the_step_has(control: AnyControl) -> None:
    """The calls of a control have no blank but those of its remediation: where one is filled, so is the other."""
    placeholders = set(re.findall(BLANK_PATTERN, " ".join((*control.console, *control.api))))
    assert placeholders <= {"name", *re.findall(BLANK_PATTERN, control.remediation)}


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_a_shell_reads_each_command_as_one_call(control: AnyControl) -> None:
    """Whatever is filled in ends no argument, and what is sent is JSON."""
    for command in build_commands(build_finding(control=control.id, evidence=STRANGE_NAMES, name="a'b c; rm")):
        words = shlex.split(command)
        [address] = [it for it in words if it.startswith(HOST)]
        assert re.fullmatch(r"[\w/%-]+", address.removeprefix(HOST))
        assert "DELETE" not in words
        if "-d" in words:
            json.loads(words[-1].replace("DAYS", "7"))


@pytest.mark.parametrize("control", CONTROL_PARAMETERS)
def test_steps_have_no_blanks(control: AnyControl) -> None:
    """What is to be put into a call is in capitals, as in the commands."""
    steps = build_steps(control.id, None)
    assert steps is not None
    assert not re.search(BLANK_PATTERN, " ".join((*steps.console, *steps.api)))


def test_a_call_of_which_everything_is_known_can_be_copied_as_it_stands() -> None:
    """A quote in a name ends no argument."""
    read_command, resume_command = build_commands(
        build_finding(control="schedule-is-enabled", evidence={"schedule_id": "s-1"}, name="a'b c")
    )
    assert f"{HOST}/indexes/a%27b%20c/backup-schedules -H" in read_command
    assert f"-X PATCH {HOST}/backup-schedules/s-1 -H" in resume_command
    assert resume_command.endswith("-d '{\"enabled\": true}'")


@pytest.mark.parametrize(
    "control,evidence,expected",
    [
        pytest.param(
            "schedule-frequency-meets-policy",
            {"required_frequency": "weekly"},
            '{"frequency": "weekly"}',
            id="a-text",
        ),
        pytest.param(
            "schedule-retention-meets-minimum",
            {"min_days": 35},
            '{"retention": {"expire_after_days": 35}}',
            id="a-number",
        ),
    ],
)
def test_what_is_sent_is_what_is_required(control: str, evidence: dict[str, object], expected: str) -> None:
    """As the finding's evidence has it."""
    [command] = build_commands(build_finding(control=control, evidence=evidence))
    assert shlex.split(command)[-1] == expected


@pytest.mark.parametrize(
    "schedules,expected",
    [
        pytest.param(["s-1"], "/backup-schedules/s-1/history", id="one"),
        pytest.param(["s-1", "s-2"], "/backup-schedules/SCHEDULE_ID/history", id="two"),
        pytest.param([], "/backup-schedules/SCHEDULE_ID/history", id="none"),
    ],
)
def test_the_only_schedule_is_known(schedules: list[str], expected: str) -> None:
    """The step, the steps and the command name it, though the verdict was not computed from it alone."""
    finding = evaluate_with_schedules("recovery-points-meet-minimum-copies", *schedules)
    steps = build_steps(finding.control, finding)
    assert steps is not None
    assert expected in finding.remediation
    assert f"GET {expected}." in steps.api
    assert f"{HOST}{expected} " in build_commands(finding)[-1]


def test_what_is_known_is_no_evidence() -> None:
    """A finding says the same of what it was computed from, whatever else is known."""
    finding = evaluate_with_schedules("recovery-points-meet-minimum-copies", "s-1")
    assert finding.remediation_values["schedule_id"] == "s-1"
    assert "schedule_id" not in finding.evidence
    assert "SCHEDULE_ID" in build_commands(replace(finding, remediation_values={}))[-1]


def test_a_control_that_is_not_known_has_no_steps() -> None:
    """As in a report of another version."""
    assert build_steps("no-such-control", None) is None
    assert build_commands(build_finding(control="no-such-control")) == []
