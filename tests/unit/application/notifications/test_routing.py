"""A message goes to its current channel, waits while that is unknown, and is dropped without one."""

from dataclasses import replace

import pytest

from backup_auditor.application.notifications.dispatcher import ChannelRoute, ChannelRouter, LostRoute, Route
from backup_auditor.domain.notifications.digest import create_messages, readdress
from backup_auditor.domain.outbox import FLEET, Channel, FleetChannel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import DocumentError, RegistryError
from support.builders.notifications import (
    EVENT_CHANNEL,
    SLACK_CHANNEL,
    SNS_CHANNEL,
    STORED_REPORT,
    build_alert_report,
    build_open_finding,
)

EVENT_MESSAGE, ALERT_MESSAGE = create_messages(
    build_alert_report(build_open_finding()), STORED_REPORT, (EVENT_CHANNEL, SNS_CHANNEL), None
)
REGISTRY_WITH_TOPIC = Registry((RegisteredProject("search", channels=(EVENT_CHANNEL, SNS_CHANNEL)),))
REGISTRY_WITHOUT_TOPIC = Registry((RegisteredProject("search", channels=(EVENT_CHANNEL, SLACK_CHANNEL)),))
OTHER_PROJECT = RegisteredProject("shop", channels=(SNS_CHANNEL,))
MISTAKEN_REGISTRY = Registry((OTHER_PROJECT,), (EntryError("entry 2", 4, "its name is no text; write one"),))


class FakeRegistryReader:
    """A registry as it is cached, and as it is now."""

    def __init__(self, cached: Registry, fresh_result: Registry | Exception | None = None) -> None:
        """Take both; they are the same where only one is given."""
        self.registries = {False: cached, True: cached if fresh_result is None else fresh_result}
        self.freshness_calls: list[bool] = []

    def __call__(self, *, fresh: bool) -> Registry:
        """Return the requested registry."""
        self.freshness_calls.append(fresh)
        result = self.registries[fresh]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.mark.parametrize(
    "registry_reader,channel",
    [
        pytest.param(FakeRegistryReader(REGISTRY_WITH_TOPIC), SNS_CHANNEL, id="registered"),
        pytest.param(
            FakeRegistryReader(REGISTRY_WITHOUT_TOPIC, REGISTRY_WITH_TOPIC), SNS_CHANNEL, id="registered-since"
        ),
        pytest.param(FakeRegistryReader(REGISTRY_WITH_TOPIC, REGISTRY_WITHOUT_TOPIC), SNS_CHANNEL, id="cached"),
        pytest.param(FakeRegistryReader(REGISTRY_WITHOUT_TOPIC), None, id="not-that-channel"),
        pytest.param(FakeRegistryReader(Registry((OTHER_PROJECT,))), None, id="not-that-project"),
        pytest.param(
            FakeRegistryReader(Registry(REGISTRY_WITHOUT_TOPIC.projects, MISTAKEN_REGISTRY.errors)),
            None,
            id="mistakes-of-others",
        ),
    ],
)
def test_a_message_goes_to_its_current_channel(registry_reader: FakeRegistryReader, channel: Channel | None) -> None:
    """A message of a project that is not registered has no channel."""
    assert ChannelRouter(registry_reader).find_route(ALERT_MESSAGE) == (
        ChannelRoute(channel) if channel else LostRoute(())
    )


@pytest.mark.parametrize(
    "registry_reader,error",
    [
        pytest.param(FakeRegistryReader(MISTAKEN_REGISTRY), RegistryError, id="it-may-be-the-mistaken-one"),
        pytest.param(
            FakeRegistryReader(REGISTRY_WITHOUT_TOPIC, DocumentError("it may not be read")), DocumentError, id="unread"
        ),
    ],
)
def test_a_message_waits_while_its_channel_is_unknown(
    registry_reader: FakeRegistryReader, error: type[Exception]
) -> None:
    """An invalid registry entry does not lose an alert."""
    with pytest.raises(error):
        ChannelRouter(registry_reader).find_route(ALERT_MESSAGE)


def test_the_alternatives_are_of_the_same_kind() -> None:
    """A topic is no alternative for a webhook."""
    renamed_channel = replace(SNS_CHANNEL, target=f"{SNS_CHANNEL.target}-renamed")
    registry = Registry(
        (RegisteredProject("search", channels=(EVENT_CHANNEL, SLACK_CHANNEL, renamed_channel)), OTHER_PROJECT)
    )
    assert ChannelRouter(FakeRegistryReader(registry)).find_route(ALERT_MESSAGE) == LostRoute((renamed_channel,))


FLEET_MESSAGE = replace(ALERT_MESSAGE, project=FLEET)
RENAMED_TOPIC = replace(SNS_CHANNEL, target=f"{SNS_CHANNEL.target}-renamed")


@pytest.mark.parametrize(
    "channels,route",
    [
        pytest.param((SLACK_CHANNEL, SNS_CHANNEL), ChannelRoute(SNS_CHANNEL), id="registered"),
        pytest.param((SLACK_CHANNEL, RENAMED_TOPIC), LostRoute((RENAMED_TOPIC,)), id="renamed"),
        pytest.param((), LostRoute(()), id="removed"),
    ],
)
def test_a_message_of_the_fleet_goes_to_the_channels_of_the_fleet(channels: tuple[Channel, ...], route: Route) -> None:
    """No channel of a project receives it, and an invalid entry of a project does not delay it."""
    registry = replace(MISTAKEN_REGISTRY, fleet_channels=tuple(map(FleetChannel, channels)))
    assert ChannelRouter(FakeRegistryReader(registry)).find_route(FLEET_MESSAGE) == route


def test_a_message_of_the_fleet_waits_while_a_channel_of_the_fleet_is_invalid() -> None:
    """The invalid channel can be the one of the message. Messages to the other channels do not wait."""
    registry = Registry(
        REGISTRY_WITH_TOPIC.projects,
        fleet_channels=(FleetChannel(SLACK_CHANNEL),),
        fleet_errors=(EntryError("fleet_channels", 4, "an alert of fleet_channels has no sns; write one"),),
    )
    router = ChannelRouter(FakeRegistryReader(registry))
    with pytest.raises(RegistryError, match="may be one of the invalid fleet channels; correct them: the registry:4"):
        router.find_route(FLEET_MESSAGE)
    slack_message = readdress(FLEET_MESSAGE, SLACK_CHANNEL)
    assert router.find_route(slack_message) == ChannelRoute(SLACK_CHANNEL)
    assert router.find_route(ALERT_MESSAGE) == ChannelRoute(SNS_CHANNEL)


def test_events_need_no_registry() -> None:
    """The route of events is known without the registry."""
    registry_reader = FakeRegistryReader(MISTAKEN_REGISTRY)
    assert ChannelRouter(registry_reader).find_route(EVENT_MESSAGE) == ChannelRoute(EVENT_CHANNEL)
    assert registry_reader.freshness_calls == []


def test_a_registry_is_read_once() -> None:
    """The registry, or the error of reading it, is cached."""
    for registry_reader in (
        FakeRegistryReader(REGISTRY_WITHOUT_TOPIC),
        FakeRegistryReader(REGISTRY_WITHOUT_TOPIC, DocumentError("gone")),
    ):
        channels = ChannelRouter(registry_reader)
        for _ in range(3):
            try:
                channels.find_route(ALERT_MESSAGE)
            except DocumentError:
                continue
        assert registry_reader.freshness_calls == [False, True]
