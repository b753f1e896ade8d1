"""Check a stack on AWS: its functions answer with their own checks; alarms, schedules and queues are examined."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from backup_auditor.domain.checkup import (
    Check,
    FunctionAnswer,
    fail_by_message,
    fail_check,
    parse_answer,
    pass_check,
    skip_check,
)
from backup_auditor.domain.text import pluralize
from backup_auditor.errors import StackError
from backup_auditor.ports.stack import Alarm, DeployedStack, StackParts

FUNCTIONS = ("dispatch", "audit", "notify", "watch", "remediate", "drill")
_OPTIONAL_FUNCTIONS = {
    "remediate": "the stack has no remediation (EnableRemediation)",
    "drill": "the stack has no restore drills (EnableRestoreDrills)",
}
"""Why a stack may lack a function."""
_TESTING_FUNCTION = "notify"
_STABLE_STATUSES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_UNDONE_STATUSES = frozenset({"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})


def check_stack(stack: DeployedStack, local_code: str, *, sends_test: bool) -> list[Check]:
    """Return every check of a stack. `local_code` is the hash of the command's own code.

    Raises `StackError` if the stack cannot be found.
    """
    parts = stack.load_parts()
    answers = _invoke_functions(stack, parts, sends_test=sends_test)
    checks = [_check_status(parts)]
    for function in FUNCTIONS:
        checks += _list_answered_checks(function, answers.get(function))
    checks.append(_check_code(answers, local_code))
    for name, check_part in _PARTS.items():
        try:
            checks.append(check_part(stack, parts))
        except StackError as error:  # what could not be examined is not known to work
            checks.append(fail_by_message(name, error))
    return checks


def _check_status(parts: StackParts) -> Check:
    detail = f"{parts.name} is {parts.status}"
    if parts.status in _STABLE_STATUSES:
        return pass_check("stack", detail)
    if parts.status in _UNDONE_STATUSES:
        return pass_check("stack", f"{detail}; the last update failed and was undone, so the settings before it apply")
    return fail_check("stack", detail, "wait until the deployment ends, or deploy the stack again")


def _invoke_functions(
    stack: DeployedStack, parts: StackParts, *, sends_test: bool
) -> Mapping[str, FunctionAnswer | StackError]:
    """Return the answer of each function, or why there is none."""

    def invoke(function: str) -> FunctionAnswer | StackError:
        payload = {"check": True, **({"send_test": True} if sends_test and function == _TESTING_FUNCTION else {})}
        name = parts.functions[function]
        try:
            return parse_answer(stack.invoke(name, payload), function)
        except StackError as error:
            return error
        except ValueError as error:
            return StackError(f"the function {name} does not answer checks: {error}; deploy the code of this command")

    present = [it for it in FUNCTIONS if it in parts.functions]
    with ThreadPoolExecutor(len(FUNCTIONS)) as pool:
        return dict(zip(present, pool.map(invoke, present), strict=True))


def _list_answered_checks(function: str, answer: FunctionAnswer | StackError | None) -> list[Check]:
    """Return the checks of a function, or one that failed if it gave no answer."""
    if isinstance(answer, FunctionAnswer):
        return list(answer.checks)
    if answer is not None:
        return [fail_by_message(function, answer)]
    if function in _OPTIONAL_FUNCTIONS:
        return [skip_check(function, _OPTIONAL_FUNCTIONS[function])]
    return [fail_check(function, "the stack has no such function", "deploy the stack again")]


def _check_code(answers: Mapping[str, FunctionAnswer | StackError], local_code: str) -> Check:
    """Return whether all functions run the same code. It may differ from that of this command."""
    codes = {name: it.code for name, it in answers.items() if isinstance(it, FunctionAnswer)}
    if not codes:
        return skip_check("code", "no function answered")
    counts = Counter(codes.values())
    if len(counts) > 1:
        shown = ", ".join(f"{name} {code}" for name, code in codes.items())
        return fail_check("code", f"the functions run different code ({shown})", "deploy the stack again")
    (code,) = counts
    comparison = "the same as this command's" if code == local_code else f"not this command's, which is {local_code}"
    return pass_check("code", f"every function runs {code}, {comparison}")


def _check_schedules(stack: DeployedStack, parts: StackParts) -> Check:
    enabled = stack.list_enabled_schedules(parts.name)
    disabled = [it for it in parts.schedules if it not in enabled]
    if not parts.schedules:
        return fail_check("schedules", "the stack has no schedule", "deploy the stack again")
    if disabled:
        remedy = f"enable them in EventBridge Scheduler, group {parts.name}"
        return fail_check("schedules", f"not enabled: {', '.join(disabled)}", remedy)
    return pass_check("schedules", f"{pluralize(len(parts.schedules), 'schedule')}, each enabled")


def _check_alarms(stack: DeployedStack, parts: StackParts) -> Check:
    alarms = {it.name: it for it in stack.list_alarms(parts.alarms)}
    missing = [it for it in parts.alarms if it not in alarms]
    silent = _find_silent(alarms)
    if not parts.alarms or missing:
        names = ", ".join(missing) or "all"
        return fail_check("alarms", f"alarms are missing: {names}", "deploy the stack again")
    if silent:
        return fail_check(
            "alarms",
            f"alarms have no action, or their actions are disabled: {', '.join(silent)}",
            f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(silent)}, or deploy the stack again",
        )
    detail = f"{pluralize(len(parts.alarms), 'alarm')}, each with an action or in a composite alarm that has one"
    return pass_check("alarms", detail)


def _find_silent(alarms: Mapping[str, Alarm]) -> list[str]:
    """Return the alarms that send no message, neither by themselves nor through a composite alarm that names them.

    The causes of a composite alarm without a message are left out: they are silent because of it.
    """
    reported: set[str] = set()
    remaining = [it for it in alarms.values() if it.has_actions]
    while remaining:
        alarm = remaining.pop()
        if alarm.name not in reported:
            reported.add(alarm.name)
            remaining += [alarms[it] for it in alarm.causes if it in alarms]
    silent = [it for it in alarms.values() if it.name not in reported]
    causes = {name for it in silent for name in it.causes}
    return [it.name for it in silent if it.name not in causes] or [it.name for it in silent]


def _check_alarm_topic(stack: DeployedStack, parts: StackParts) -> Check:
    topic = parts.outputs.get("AlarmTopicInUse")
    if topic is None:
        return fail_check("alarm topic", "the stack has no output AlarmTopicInUse", "deploy the stack again")
    if f":{parts.account}:" not in topic:
        return skip_check("alarm topic", f"{topic} is of another account, which has to check its subscriptions")
    counts = stack.count_subscriptions(topic)
    if counts.confirmed:
        return pass_check("alarm topic", f"{topic} has {pluralize(counts.confirmed, 'confirmed subscription')}")
    if counts.pending:
        remedy = "confirm each from its inbox"
        return fail_check("alarm topic", f"{topic} has only subscriptions that wait for confirmation", remedy)
    remedy = "set AlertEmail or AlarmTopicArn, or subscribe to the topic"
    return fail_check("alarm topic", f"{topic} has no subscription, so no alarm reaches anyone", remedy)


def _check_dead_letters(stack: DeployedStack, parts: StackParts) -> Check:
    queue = parts.outputs.get("DeadLetterQueueUrl")
    if queue is None:
        return fail_check("dead letters", "the stack has no output DeadLetterQueueUrl", "deploy the stack again")
    count = stack.count_messages(queue)
    if not count:
        return pass_check("dead letters", "the queue is empty")
    redrive = parts.outputs.get("RedriveDeadLetters", "aws sqs start-message-move-task --source-arn ARN")
    detail = f"{pluralize(count, 'request')} failed in all attempts"
    return fail_check("dead letters", detail, f"fix the cause that the log of the function names, then run {redrive}")


_PARTS: Mapping[str, Callable[[DeployedStack, StackParts], Check]] = {
    "schedules": _check_schedules,
    "alarms": _check_alarms,
    "alarm topic": _check_alarm_topic,
    "dead letters": _check_dead_letters,
}
"""The checks of the parts of a stack, by name."""
