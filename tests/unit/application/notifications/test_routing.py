"""A message goes where it is wanted now, waits where nobody can know that, and is dropped where nobody wants it."""

from dataclasses import replace

import pytest

from backup_auditor.application.notifications.routing import ChannelRouter, Route
from backup_auditor.domain.notifications.triggers import create_messages
from backup_auditor.domain.outbox import Channel
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import DocumentError, RegistryError
from support.builders.notifications import EVENTS, KEPT, SLACK, TOPIC, found, told

EVENT, ALERT = create_messages(told(found()), KEPT, (EVENTS, TOPIC), None)
WITH = Registry((RegisteredProject("search", channels=(EVENTS, TOPIC)),))
WITHOUT = Registry((RegisteredProject("search", channels=(EVENTS, SLACK)),))
ELSEWHERE = RegisteredProject("shop", channels=(TOPIC,))
MISTAKEN = Registry((ELSEWHERE,), (EntryError("entry 2", 4, "its name is no text; write one"),))


class Readings:
    """What is remembered of a registry, and what it is now."""

    def __init__(self, remembered: Registry, now: Registry | Exception | None = None) -> None:
        """Take both; they are the same where only one is given."""
        self.kept = {False: remembered, True: remembered if now is None else now}
        self.asked: list[bool] = []

    def __call__(self, *, fresh: bool) -> Registry:
        """Return the one that is asked for."""
        self.asked.append(fresh)
        found = self.kept[fresh]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    "readings,channel",
    [
        pytest.param(Readings(WITH), TOPIC, id="registered"),
        pytest.param(Readings(WITHOUT, WITH), TOPIC, id="registered-since"),
        pytest.param(Readings(WITH, WITHOUT), TOPIC, id="remembered"),
        pytest.param(Readings(WITHOUT), None, id="not-that-channel"),
        pytest.param(Readings(Registry((ELSEWHERE,))), None, id="not-that-project"),
        pytest.param(Readings(Registry(WITHOUT.projects, MISTAKEN.errors)), None, id="mistakes-of-others"),
    ],
)
def test_a_message_goes_where_it_is_wanted(readings: Readings, channel: Channel | None) -> None:
    """Nobody is told who is not registered now."""
    assert ChannelRouter(readings).find_route(ALERT).channel == channel


@pytest.mark.parametrize(
    "readings,error",
    [
        pytest.param(Readings(MISTAKEN), RegistryError, id="it-may-be-the-mistaken-one"),
        pytest.param(Readings(WITHOUT, DocumentError("it may not be read")), DocumentError, id="unread"),
    ],
)
def test_a_message_waits_where_nobody_can_know(readings: Readings, error: type[Exception]) -> None:
    """A mistake in the registry costs no alert."""
    with pytest.raises(error):
        ChannelRouter(readings).find_route(ALERT)


def test_one_of_its_kind_may_be_the_same_by_its_right_name() -> None:
    """A topic takes nobody's place that was told by a webhook."""
    renamed = replace(TOPIC, target=f"{TOPIC.target}-renamed")
    registry = Registry((RegisteredProject("search", channels=(EVENTS, SLACK, renamed)), ELSEWHERE))
    assert ChannelRouter(Readings(registry)).find_route(ALERT) == Route(None, (renamed,))


def test_events_need_no_registry() -> None:
    """Every project has the bus."""
    readings = Readings(MISTAKEN)
    assert ChannelRouter(readings).find_route(EVENT) == Route(EVENTS)
    assert readings.asked == []


def test_a_registry_is_read_once() -> None:
    """Where it cannot be, too."""
    for readings in (Readings(WITHOUT), Readings(WITHOUT, DocumentError("gone"))):
        channels = ChannelRouter(readings)
        for _ in range(3):
            try:
                channels.find_route(ALERT)
            except DocumentError:
                continue
        assert readings.asked == [False, True]
