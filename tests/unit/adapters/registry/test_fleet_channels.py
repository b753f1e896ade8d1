"""Channels of the fleet have the forms of other channels and a timing, and their errors affect no audit."""

import pytest

from backup_auditor.adapters.registry_file import parse_registry
from backup_auditor.domain.outbox import FLEET, Channel, ChannelKind, DigestTiming, FleetChannel
from backup_auditor.domain.registry import NamePrefixes, Registry

TOPIC = "arn:aws:sns:eu-central-1:111122223333:platform"
HEAD = "version: 1\nprojects: [{name: search, secret: keys/s}]\nchannels: {on-call: [{slack: hook, severity: high}]}\n"
SNS, SLACK = Channel(ChannelKind.SNS, TOPIC), Channel(ChannelKind.SLACK, "hook")


def read_fleet(text: str) -> Registry:
    """Read a registry with these channels of the fleet, on line 4."""
    return parse_registry(f"{HEAD}fleet_channels: {text}\n".encode(), "r.yaml")


@pytest.mark.parametrize(
    "text,expected",
    [
        pytest.param("[]", [], id="none"),
        pytest.param(f"[{{sns: '{TOPIC}'}}]", [(SNS, DigestTiming.DAILY)], id="daily-by-default"),
        pytest.param(
            f"[{{sns: '{TOPIC}', when: weekly}}, {{slack: hook, when: on-change}}]",
            [(SNS, DigestTiming.WEEKLY), (SLACK, DigestTiming.ON_CHANGE)],
            id="weekly-and-on-change",
        ),
        pytest.param("on-call", [(SLACK, DigestTiming.DAILY)], id="group"),
        pytest.param("[on-call]", [(SLACK, DigestTiming.DAILY)], id="list-of-groups"),
    ],
)
def test_a_channel_has_a_target_and_a_timing(text: str, expected: list[tuple[Channel, DigestTiming]]) -> None:
    """A channel of a group, or without a timing, receives the digest daily."""
    registry = read_fleet(text)
    assert registry.fleet_errors == ()
    assert [(it.channel.channel_id, it.when) for it in registry.fleet_channels] == [
        (channel.channel_id, when) for channel, when in expected
    ]


@pytest.mark.parametrize(
    "text,problem",
    [
        pytest.param("{slack: hook}", "fleet_channels is not a list of channels; write [{sns: ARN, sev", id="mapping"),
        pytest.param("[7]", "an alert of fleet_channels is neither {sns: ARN} nor {slack: SECRET}", id="number"),
        pytest.param("[{when: daily}]", "an alert of fleet_channels is neither {sns: ARN} nor", id="no-target"),
        pytest.param(
            "[{slack: hook, when: hourly}]",
            "when of an alert of fleet_channels is not a time for digests; write daily, weekly or on-change",
            id="timing",
        ),
        pytest.param(
            "[{slack: hook, severity: high}]", 'unknown key "severity" in an alert of fleet_channels', id="severity"
        ),
        pytest.param("[oncall]", 'fleet_channels names the unknown group of channels "oncall"; did', id="group"),
        pytest.param("[{slack: hook}, on-call]", "fleet_channels has the same slack channel twice", id="twice"),
    ],
)
def test_an_invalid_channel_affects_no_audit(text: str, problem: str) -> None:
    """The error names key and line, and the projects are audited."""
    registry = read_fleet(text)
    assert registry.fleet_errors[0].text.startswith(problem)
    assert registry.fleet_errors[0].line == 4
    assert (registry.errors, registry.names) == ((), ("search",))


def test_more_channels_than_one_transaction_has_room_for_are_left_out() -> None:
    """A page is recorded with two items for each of its messages, at most 100 in one transaction."""
    registry = read_fleet(f"[{', '.join(f'{{slack: hook-{number}}}' for number in range(60))}]")
    assert [it.text for it in registry.fleet_errors] == ["fleet_channels has 60 channels (limit: 20); remove some"]
    assert len(registry.fleet_channels) == 20


def test_on_aws_a_channel_has_the_prefix_of_its_kind() -> None:
    """A channel outside its prefix is left out with an error, and the others stay."""
    prefixes = NamePrefixes(keys="keys/", webhooks="webhooks/", topics=("arn:aws:sns:eu-central-1:1:backup-auditor-",))
    allowed = "webhooks/platform"
    registry = read_fleet(f"[{{slack: hook}}, {{sns: '{TOPIC}'}}, {{slack: {allowed}}}]").filter_for_aws(prefixes)
    assert registry.fleet_channels == (FleetChannel(Channel(ChannelKind.SLACK, allowed)),)
    assert [registry.format_error(it) for it in registry.fleet_errors] == [
        (
            "r.yaml: fleet_channels has the slack hook, which the stack may not read; give it a name that starts with"
            " webhooks/"
        ),
        (
            f"r.yaml: fleet_channels has the topic {TOPIC}, to which the stack may not publish; name a topic whose ARN"
            " starts with arn:aws:sns:eu-central-1:1:backup-auditor-"
        ),
    ]
    assert registry.names == ("search",)


def test_no_project_has_the_name_of_the_fleet() -> None:
    """An entry with the name of the fleet is refused."""
    registry = parse_registry(f"version: 1\nprojects: [{{name: {FLEET}, secret: s}}]".encode(), "r.yaml")
    assert registry.projects == ()
    assert "is not a valid project name" in registry.errors[0].text
