"""Test the judgement of a stack: its functions, code, schedules, alarms, topic and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from backup_auditor.application.stack_checks import FUNCTIONS, check_stack
from backup_auditor.domain.checkup import Check, CheckStatus, FunctionAnswer, pass_check
from backup_auditor.errors import StackError
from backup_auditor.ports.messaging import Subscriptions
from backup_auditor.ports.stack import Alarm, StackParts

CODE = "0123456789ab"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
PARTS = StackParts(
    "auditor",
    "123456789012",
    "UPDATE_COMPLETE",
    {it: f"auditor-{it}" for it in FUNCTIONS},
    ("auditor-one", "auditor-two"),
    ("nightly", "sweep"),
    {
        "AlarmTopicInUse": TOPIC,
        "DeadLetterQueueUrl": "https://queue",
        "RedriveDeadLetters": "aws sqs start-message-move-task --source-arn arn:queue",
    },
)


@dataclass
class FakeStack:
    """A stack whose parts are given; a part that is an error raises it."""

    parts: StackParts = PARTS
    codes: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    """The answers that replace those of functions."""
    alarms: Any = field(default_factory=lambda: [Alarm("auditor-one", True), Alarm("auditor-two", True)])
    enabled: Any = frozenset({"nightly", "sweep"})
    messages: Any = 0
    subscriptions: Any = field(default_factory=lambda: Subscriptions(1, 0))
    payloads: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def load_parts(self) -> StackParts:
        """Return the parts."""
        return self.parts

    def invoke(self, function: str, payload: Mapping[str, object]) -> object:
        """Record a payload and return an answer."""
        self.payloads[function] = payload
        if function in self.answers:
            return self._give(self.answers[function])
        return FunctionAnswer(self.codes.get(function, CODE), (pass_check("table", "fine"),)).to_json()

    def list_alarms(self, names: Sequence[str]) -> Sequence[Alarm]:
        """Return the alarms."""
        return [it for it in self._give(self.alarms) if it.name in names]

    def list_enabled_schedules(self, group: str) -> frozenset[str]:
        """Return the enabled schedules."""
        assert group == "auditor"
        return frozenset(self._give(self.enabled))

    def count_messages(self, queue_url: str) -> int:
        """Return the number of dead letters."""
        assert queue_url == "https://queue"
        return int(self._give(self.messages))

    def count_subscriptions(self, topic: str) -> Subscriptions:
        """Return the subscriptions of the alarm topic."""
        assert topic == TOPIC
        return Subscriptions(*self._give(self.subscriptions))

    @staticmethod
    def _give(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value


def find_failed(stack: FakeStack) -> dict[str, Check]:
    """Return the failed checks of a stack by their labels."""
    checks = check_stack(stack, CODE, sends_test=False)
    return {it.label: it for it in checks if it.status is CheckStatus.FAIL}


def test_a_stack_that_works_passes() -> None:
    """Every function is asked for its checks only, and nothing fails."""
    stack = FakeStack()
    checks = check_stack(stack, CODE, sends_test=False)
    assert {it.status for it in checks} == {CheckStatus.PASS}
    assert [it.label for it in checks if it.function] == [f"{it}: table" for it in FUNCTIONS]
    assert stack.payloads == {f"auditor-{it}": {"check": True} for it in FUNCTIONS}


def test_only_notify_sends_the_test() -> None:
    """The request for a test message goes to the function that knows the channels."""
    stack = FakeStack()
    check_stack(stack, CODE, sends_test=True)
    assert stack.payloads["auditor-notify"] == {"check": True, "send_test": True}
    assert {str(it) for name, it in stack.payloads.items() if name != "auditor-notify"} == {"{'check': True}"}


DENIED = StackError("it cannot be examined: AccessDenied; allow your role to call it")


@pytest.mark.parametrize(
    "changes, label",
    [
        pytest.param({"parts": replace(PARTS, status="UPDATE_IN_PROGRESS")}, "stack", id="deploying"),
        pytest.param({"parts": replace(PARTS, status="ROLLBACK_COMPLETE")}, "stack", id="never-deployed"),
        pytest.param({"enabled": frozenset({"nightly"})}, "schedules", id="disabled-schedule"),
        pytest.param({"parts": replace(PARTS, schedules=())}, "schedules", id="no-schedule"),
        pytest.param({"enabled": DENIED}, "schedules", id="schedules-denied"),
        pytest.param({"alarms": [Alarm("auditor-one", has_actions=True)]}, "alarms", id="missing-alarm"),
        pytest.param(
            {"alarms": [Alarm("auditor-one", has_actions=True), Alarm("auditor-two", has_actions=False)]},
            "alarms",
            id="silent-alarm",
        ),
        pytest.param(
            {"alarms": [Alarm("auditor-one", False, frozenset({"auditor-two"})), Alarm("auditor-two", False)]},
            "alarms",
            id="silent-composite-alarm",
        ),
        pytest.param({"parts": replace(PARTS, alarms=())}, "alarms", id="no-alarm"),
        pytest.param({"alarms": DENIED}, "alarms", id="alarms-denied"),
        pytest.param({"subscriptions": Subscriptions(0, 0)}, "alarm topic", id="no-subscription"),
        pytest.param({"subscriptions": Subscriptions(0, 1)}, "alarm topic", id="pending-subscription"),
        pytest.param({"subscriptions": DENIED}, "alarm topic", id="topic-denied"),
        pytest.param({"messages": 2}, "dead letters", id="dead-letters"),
        pytest.param({"messages": DENIED}, "dead letters", id="queue-denied"),
        pytest.param({"codes": {"auditor-watch": "another"}}, "code", id="different-code"),
        pytest.param({"answers": {"auditor-audit": DENIED}}, "audit", id="function-denied"),
        pytest.param({"answers": {"auditor-watch": {"registered": 3}}}, "watch", id="older-function"),
        pytest.param({"answers": {"auditor-audit": None}}, "audit", id="no-answer"),
    ],
)
def test_one_fault_fails_one_check(changes: dict[str, Any], label: str) -> None:
    """A fault fails its own check with a remedy; what the operator may not examine is not called working."""
    failed = find_failed(FakeStack(**changes))
    assert set(failed) == {label}
    assert failed[label].remedy


@pytest.mark.parametrize(
    "rules, actions, silent",
    [
        pytest.param({"a": "b"}, "a", "", id="part-of-one-with-an-action"),
        pytest.param({"a": "b", "b": "c"}, "a", "", id="part-of-a-part"),
        pytest.param({"a": "b"}, "b", "a", id="composite-without-an-action"),
        pytest.param({"a": "bc"}, "", "a", id="the-cause-of-silence-alone"),
        pytest.param({"a": "c", "b": "c"}, "b", "a", id="part-of-two"),
        pytest.param({"a": "b"}, "ac", "", id="each-in-one-way"),
        pytest.param({}, "ab", "c", id="part-of-none"),
        pytest.param({"a": "b", "b": "a"}, "", "ab", id="parts-of-each-other"),
        pytest.param({"a": "b", "b": "a"}, "a", "", id="parts-of-each-other-with-an-action"),
        pytest.param({"a": "bx"}, "a", "", id="alarm-of-another-stack"),
    ],
)
def test_an_alarm_sends_messages_by_itself_or_through_a_composite_alarm(
    rules: Mapping[str, str], actions: str, silent: str
) -> None:
    """An alarm without an action passes if a composite alarm with one names it."""
    names = sorted({*rules, *actions, *silent, *"".join(rules.values())} - {"x"})
    alarms = [Alarm(it, it in actions, frozenset(rules.get(it, ""))) for it in names]
    failed = find_failed(FakeStack(parts=replace(PARTS, alarms=tuple(names)), alarms=alarms))
    details = [it.detail.partition(": ")[2] for it in failed.values()]
    assert details == ([", ".join(silent)] if silent else [])


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"])
def test_an_update_that_was_undone_is_shown(status: str) -> None:
    """The stack works, with the settings before the update."""
    checks = check_stack(FakeStack(parts=replace(PARTS, status=status)), CODE, sends_test=False)
    (check,) = (it for it in checks if it.name == "stack")
    assert check.status is CheckStatus.PASS
    assert (
        check.detail == f"auditor is {status}; the last update failed and was undone, so the settings before it apply"
    )


def test_without_outputs_nothing_is_known_to_work() -> None:
    """A stack without outputs fails the checks that need them."""
    assert set(find_failed(FakeStack(parts=replace(PARTS, outputs={})))) == {"alarm topic", "dead letters"}


def test_a_topic_of_another_account_is_not_examined() -> None:
    """An incident tool's topic cannot be examined by the operator of the stack, and that is no fault."""
    parts = replace(PARTS, outputs={**PARTS.outputs, "AlarmTopicInUse": TOPIC.replace("123456789012", "210987654321")})
    checks = check_stack(FakeStack(parts=parts, subscriptions=DENIED), CODE, sends_test=False)
    assert {it.name for it in checks if it.status is CheckStatus.SKIPPED} == {"alarm topic"}
    assert {it.name for it in checks if it.status is CheckStatus.FAIL} == set()


def test_dead_letters_name_the_command_that_sends_them_again() -> None:
    """The remedy is the output of the stack."""
    check = find_failed(FakeStack(messages=1))["dead letters"]
    assert check.detail == "1 request failed in all attempts"
    assert str(check.remedy).endswith("aws sqs start-message-move-task --source-arn arn:queue")


def test_a_stack_without_options_is_complete() -> None:
    """Remediation and restore drills are optional; any other missing function fails."""
    functions = {name: it for name, it in PARTS.functions.items() if name not in {"remediate", "drill", "watch"}}
    checks = check_stack(FakeStack(parts=replace(PARTS, functions=functions)), CODE, sends_test=False)
    statuses = {it.label: it.status for it in checks}
    assert {name: statuses[name] for name in ("remediate", "drill", "watch")} == {
        "remediate": CheckStatus.SKIPPED,
        "drill": CheckStatus.SKIPPED,
        "watch": CheckStatus.FAIL,
    }


def test_other_code_than_the_command_is_no_failure() -> None:
    """The functions agree, and the detail shows that the command has other code."""
    (check,) = (it for it in check_stack(FakeStack(), "ffffffffffff", sends_test=False) if it.name == "code")
    assert check.status is CheckStatus.PASS
    assert "not this command's, which is ffffffffffff" in check.detail


def test_a_stack_that_cannot_be_found_is_an_error() -> None:
    """Nothing was checked, so there is no table."""
    stack = FakeStack()
    stack.load_parts = lambda: FakeStack._give(StackError("the stack auditor does not exist"))  # type: ignore[method-assign]
    with pytest.raises(StackError, match="does not exist"):
        check_stack(stack, CODE, sends_test=False)
