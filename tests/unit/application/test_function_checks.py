"""Test the judgement of the checks that functions make: registry, keys, topics, audits and many items."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_auditor.application.function_checks import (
    CheckRunner,
    build_test_checks,
    check_audits,
    check_keys,
    check_once,
    check_registry,
    check_topics,
    count_unsubscribed,
    list_channels,
)
from backup_auditor.domain.audit_failure import OVERDUE_AFTER, FailedAudit, WatchedProject
from backup_auditor.domain.audit_record import LastAudits
from backup_auditor.domain.checkup import Check, CheckStatus
from backup_auditor.domain.outbox import EVENT_CHANNEL, FLEET, Channel, ChannelKind, FleetChannel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import ChannelRefusedError, SecretError, StateError
from backup_auditor.ports.messaging import Subscriptions
from support.builders.facts import NOW, SECOND, ago

TOPIC, OTHER_TOPIC = (f"arn:aws:sns:eu-central-1:123456789012:{it}" for it in ("alerts", "others"))
SNS, OTHER_SNS = Channel(ChannelKind.SNS, TOPIC), Channel(ChannelKind.SNS, OTHER_TOPIC)
SLACK = Channel(ChannelKind.SLACK, "backup-auditor/webhooks/slack")


def register(**channels: tuple[Channel, ...]) -> Registry:
    """Return a registry of projects with these channels, and the channel of events."""
    return Registry(tuple(RegisteredProject(name, channels=(EVENT_CHANNEL, *it)) for name, it in channels.items()))


def list_statuses(checks: list[Check]) -> list[CheckStatus]:
    """Return the status of each check."""
    return [it.status for it in checks]


@pytest.mark.parametrize(
    "channels, counts, status",
    [
        pytest.param((SNS,), {TOPIC: Subscriptions(1, 0)}, CheckStatus.PASS, id="confirmed"),
        pytest.param((SNS,), {TOPIC: Subscriptions(1, 1)}, CheckStatus.PASS, id="one-of-two-is-pending"),
        pytest.param((SNS,), {TOPIC: Subscriptions(0, 0)}, CheckStatus.FAIL, id="no-one"),
        pytest.param((SNS,), {TOPIC: Subscriptions(0, 1)}, CheckStatus.FAIL, id="pending"),
        pytest.param((SNS, SLACK), {TOPIC: Subscriptions(0, 0)}, CheckStatus.PASS, id="slack-receives"),
        pytest.param((SNS, SLACK), {TOPIC: Subscriptions(0, 1)}, CheckStatus.FAIL, id="pending-beside-slack"),
        pytest.param(
            (SNS, OTHER_SNS),
            {TOPIC: Subscriptions(0, 0), OTHER_TOPIC: Subscriptions(2, 0)},
            CheckStatus.PASS,
            id="another-topic-receives",
        ),
        pytest.param(
            (SNS,), {TOPIC: ChannelRefusedError("AuthorizationError; allow it")}, CheckStatus.FAIL, id="denied"
        ),
        pytest.param((), {}, CheckStatus.SKIPPED, id="no-topic"),
    ],
)
def test_someone_must_receive_the_findings(
    channels: tuple[Channel, ...], counts: Mapping[str, Subscriptions | Exception], status: CheckStatus
) -> None:
    """A topic without a subscription fails if its project has no other channel; a pending one always fails."""
    (check,) = check_topics(register(search=channels), counts)
    assert check.status is status
    assert (check.remedy is not None) == (status is CheckStatus.FAIL)


def test_one_project_with_slack_does_not_hide_another() -> None:
    """A topic is the only channel of one of its two projects, which the failed check names."""
    registry = register(search=(SNS, SLACK), shop=(SNS,))
    (check,) = check_topics(registry, {TOPIC: Subscriptions(0, 0)})
    assert check.status is CheckStatus.FAIL
    assert "findings of shop" in check.detail


def test_the_fleet_is_checked_like_a_project() -> None:
    """A topic of the fleet alone needs a subscription, its channels are listed, and an invalid one fails."""
    registry = replace(register(search=(SLACK,)), fleet_channels=(FleetChannel(SNS), FleetChannel(SLACK)))
    assert list_channels(registry, ChannelKind.SNS) == {TOPIC: (FLEET,)}
    assert list_channels(registry, ChannelKind.SLACK) == {SLACK.target: ("search", FLEET)}
    (check,) = check_topics(replace(registry, fleet_channels=(FleetChannel(SNS),)), {TOPIC: Subscriptions(0, 0)})
    assert (check.status, "findings of the fleet" in check.detail) == (CheckStatus.FAIL, True)
    shared_registry = replace(registry, fleet_channels=(FleetChannel(SLACK),))
    assert list_channels(shared_registry, ChannelKind.SLACK) == {SLACK.target: ("search",)}
    error = EntryError("fleet_channels", 4, "fleet_channels is not a list; write one")
    (check,) = check_registry(replace(registry, fleet_errors=(error,)))
    assert (check.status, check.remedy) == (CheckStatus.FAIL, "write one")


def test_topics_are_counted_only_if_all_are_known() -> None:
    """A zero is a count; a topic that cannot be examined makes the count unknown."""
    assert count_unsubscribed({}) == 0
    assert count_unsubscribed({TOPIC: Subscriptions(1, 0), OTHER_TOPIC: Subscriptions(0, 3)}) == 1
    assert count_unsubscribed({TOPIC: Subscriptions(1, 0), OTHER_TOPIC: StateError("denied")}) is None


def test_a_channel_of_many_projects_is_listed_once() -> None:
    """Each distinct channel has its projects; the channel of events is of another kind."""
    registry = register(search=(SNS, SLACK), shop=(SNS,))
    assert list_channels(registry, ChannelKind.SNS) == {TOPIC: ("search", "shop")}
    assert list_channels(registry, ChannelKind.SLACK) == {SLACK.target: ("search",)}


@pytest.mark.parametrize(
    "complete_at, registered_at, status",
    [
        pytest.param(ago(OVERDUE_AFTER), None, CheckStatus.PASS, id="at-limit"),
        pytest.param(ago(OVERDUE_AFTER + SECOND), None, CheckStatus.FAIL, id="one-second-past"),
        pytest.param(NOW + timedelta(hours=1), None, CheckStatus.FAIL, id="in-the-future"),
        pytest.param(None, None, CheckStatus.SKIPPED, id="never-counted"),
        pytest.param(None, ago(OVERDUE_AFTER), CheckStatus.SKIPPED, id="new-at-limit"),
        pytest.param(None, ago(OVERDUE_AFTER + SECOND), CheckStatus.FAIL, id="new-one-second-past"),
    ],
)
def test_the_last_complete_audit_must_be_recent(
    complete_at: datetime | None, registered_at: datetime | None, status: CheckStatus
) -> None:
    """An audit is overdue after 30 hours; a project without one is overdue 30 hours after its registration."""
    (check,) = check_audits({"search": WatchedProject(LastAudits(NOW, complete_at), registered_at, None, None)}, NOW)
    assert check.status is status


def test_each_project_with_an_old_audit_is_named() -> None:
    """An overdue project, one whose audit failed and a new one are checks beside those that are recent."""
    recent = WatchedProject(LastAudits(NOW, NOW), None, None, None)
    old = WatchedProject(LastAudits(NOW, ago(timedelta(days=3))), None, None, None)
    new = WatchedProject(LastAudits(None, None), None, None, None)
    failed = replace(recent, failed_audit=FailedAudit(NOW + SECOND, "the key was refused"))
    checks = check_audits({"a": recent, "b": old, "c": new, "d": failed, "e": recent}, NOW)
    fail, skipped = CheckStatus.FAIL, CheckStatus.SKIPPED
    assert list_statuses(checks) == [fail, fail, CheckStatus.PASS, skipped]
    assert checks[0].detail.startswith("b: no complete audit for 3d")
    assert checks[1].detail.startswith("d: the key was refused")
    assert checks[1].remedy is not None
    assert checks[1].remedy.startswith("fix the cause, then invoke the function audit")
    assert checks[2].detail.startswith("2 projects ")


def test_different_secrets_with_one_key_fail() -> None:
    """Two secrets with the same key open one Pinecone project; the key is not shown."""
    places = {"a": "secret-a", "b": "secret-b", "c": "secret-c"}
    keys: Mapping[str, str | Exception] = {"a": "same-key-of-two", "b": "same-key-of-two", "c": "other-key-of-one"}
    (check,) = check_keys(keys, places)
    assert check.status is CheckStatus.FAIL
    assert '"a" and "b"' in check.detail
    assert "same-key" not in f"{check}"
    assert list_statuses(check_keys({**keys, "b": "third-key-of-one"}, places)) == [CheckStatus.PASS]
    assert list_statuses(check_keys({}, {})) == [CheckStatus.SKIPPED]


@pytest.mark.parametrize(
    "places, detail",
    [
        pytest.param({"a": "s"}, "1 key can be read", id="one"),
        pytest.param({"a": "s", "b": "s"}, "1 key can be read", id="one-secret-twice"),
        pytest.param({"a": "s", "b": "t"}, "2 keys can be read; no two are the same", id="two"),
    ],
)
def test_keys_are_called_different_by_their_secrets(places: Mapping[str, str], detail: str) -> None:
    """The key of a shared secret counts once: the check of the registry fails for it."""
    (check,) = check_keys({name: f"key-of-{it}" for name, it in places.items()}, places)
    assert (check.status, check.detail) == (CheckStatus.PASS, detail)


def test_a_key_that_cannot_be_read_fails_with_its_remedy() -> None:
    """The check has the error of the secret, and the other keys are not called valid by it."""
    checks = check_keys(
        {"a": SecretError("the secret a: there is no such secret; create it"), "b": "key-of-b"}, {"b": "b"}
    )
    assert [(it.status, it.remedy) for it in checks] == [(CheckStatus.FAIL, "create it")]


def test_a_registry_must_be_valid_and_must_have_projects() -> None:
    """An invalid entry, a shared secret and an empty registry fail."""
    valid = RegisteredProject("a", secret="s")  # noqa: S106  the name of a secret
    error = EntryError("b", 3, "key is missing; add it")
    assert list_statuses(check_registry(Registry((valid,)))) == [CheckStatus.PASS]
    assert list_statuses(check_registry(Registry(()))) == [CheckStatus.FAIL]
    (check,) = check_registry(Registry((valid,), (error,), "ssm:/registry"))
    assert (check.detail, check.remedy) == ("ssm:/registry:3: key is missing", "add it")
    shared = RegisteredProject("c", secret="s")  # noqa: S106  the name of a secret
    (check,) = check_registry(Registry((valid, shared)))
    assert (check.status, "give each entry a key" in str(check.remedy)) == (CheckStatus.FAIL, True)


def fail() -> None:
    """Fail as a call to AWS does."""
    raise SecretError("the secret b cannot be fetched; allow it")


def test_items_that_pass_are_counted_and_others_are_named() -> None:
    """One check counts what passed, and each failure is a check of its own."""
    checks = CheckRunner(lambda: 900.0).check_all("keys", ("key", "keys"), {"a": lambda: None, "b": fail})
    assert [(it.status, it.detail) for it in checks] == [
        (CheckStatus.FAIL, "the secret b cannot be fetched"),
        (CheckStatus.PASS, "1 key can be used"),
    ]


def test_an_internal_error_does_not_show_its_text() -> None:
    """An error of another kind is a failed check without its text, which can hold a secret."""

    def break_down() -> None:
        raise ValueError("the-secret")

    check = check_once("bus", break_down, "fine")
    assert check.status is CheckStatus.FAIL
    assert "the-secret" not in check.detail


def test_hundreds_of_failures_are_at_most_21_checks() -> None:
    """Twenty failures are shown, and one check counts the others."""
    checks = CheckRunner(lambda: 900.0).check_all("keys", ("key", "keys"), {f"{it:03}": fail for it in range(250)})
    assert len(checks) == 21
    assert checks[-1].detail == "230 more failed"


@pytest.mark.parametrize(
    "seconds, status",
    [pytest.param(30.0, CheckStatus.PASS, id="at-limit"), pytest.param(29.9, CheckStatus.FAIL, id="below-limit")],
)
def test_no_check_begins_without_time(seconds: float, status: CheckStatus) -> None:
    """What was not checked for lack of time is not called valid."""
    (check,) = CheckRunner(lambda: seconds).check_all("keys", ("key", "keys"), {"a": lambda: None})
    assert check.status is status


def test_a_test_message_is_accepted_or_not() -> None:
    """Each channel has a check of its own."""
    results = {"topic a": None, "webhook b": ChannelRefusedError("the webhook returned 404; create a new one")}
    assert [(it.status, it.detail, it.remedy) for it in build_test_checks(results)] == [
        (CheckStatus.PASS, "topic a accepted it; check that it arrived", None),
        (CheckStatus.FAIL, "webhook b: the webhook returned 404", "create a new one"),
    ]
