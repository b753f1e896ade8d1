"""Asking for audits: one event for each registered project, the mistaken too, however often the bus stumbles."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from backup_auditor.application.dispatch import request_audits
from backup_auditor.domain.events import DispatchRequest
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import AcceptanceUnknownError, ChannelRefusedError, DeliveryError
from backup_auditor.ports.messaging import Event, PutResult

REQUEST = DispatchRequest("2026-11-22T02:00:00Z", "scheduled")
REGISTRY = Registry(
    (RegisteredProject("a", "s/a"), RegisteredProject("b", "s/b")),
    (
        EntryError("c", 5, "the project c has no secret; add it"),
        EntryError("c", 6, "and more"),
        EntryError("entry 4", 7, "odd"),
    ),
    "s3://config/registry.yaml",
)


class FakeBus:
    """A bus that accepts all events except those of its script."""

    def __init__(self, *put_results: PutResult) -> None:
        """Take the result of each call; after these, all events are accepted."""
        self.put_results = list(put_results)
        self.events: list[list[Event]] = []

    def put(self, events: Sequence[Event], seconds_left: Callable[[], float]) -> PutResult:
        """Take note."""
        assert seconds_left() == 60
        self.events.append(list(events))
        return self.put_results.pop(0) if self.put_results else PutResult((), None)


class FakeLog:
    """A log that stores its lines."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lines: list[tuple[str, str]] = []

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store the line."""
        self.lines.append(("info", f"{msg} {dict(extra)}"))

    def warning(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store the line."""
        self.lines.append(("warning", f"{msg} {dict(extra)}"))

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Store the line."""
        self.lines.append(("error", f"{msg} {dict(extra)}"))


def dispatch_audits(bus: FakeBus, log: FakeLog | None = None) -> dict[str, object]:
    """Request the audits."""
    return request_audits(REQUEST, REGISTRY, bus, log or FakeLog(), lambda: 60)


def test_every_registered_project_is_asked_for_once() -> None:
    """Each project has an event with its own request id, also a project with an invalid entry."""
    bus = FakeBus()
    assert dispatch_audits(bus)["requested"] == 4
    assert bus.events == [
        [
            Event(
                "Backup Audit Requested",
                {"project": it, "reason": "scheduled", "request_id": f"2026-11-22T02:00:00Z/{it}"},
            )
            for it in ("a", "b", "c", "entry 4")
        ]
    ]


def test_mistakes_are_logged_as_errors_and_returned() -> None:
    """Each registry error has its line."""
    log = FakeLog()
    entry_errors = dispatch_audits(FakeBus(), log)["registry_errors"]
    assert entry_errors == [
        "s3://config/registry.yaml:5: the project c has no secret; add it",
        "s3://config/registry.yaml:6: and more",
        "s3://config/registry.yaml:7: odd",
    ]
    assert [level for level, _ in log.lines] == ["error", "error", "error", "info"]


@pytest.mark.parametrize("error", [DeliveryError("busy"), AcceptanceUnknownError("no answer")])
def test_what_was_left_is_put_again(error: DeliveryError) -> None:
    """Events that were not accepted, or not for certain, are put again, and no others: their ids make that harmless."""
    bus = FakeBus(PutResult((1, 3), error), PutResult((0,), error))
    assert dispatch_audits(bus)["requested"] == 4
    assert [[it.detail["project"] for it in put_events] for put_events in bus.events] == [
        ["a", "b", "c", "entry 4"],
        ["b", "entry 4"],
        ["b"],
    ]


def test_what_is_left_in_the_end_is_raised() -> None:
    """After three attempts the error is raised, so that the request is retried."""
    bus = FakeBus(*[PutResult((0,), DeliveryError("busy"))] * 3)
    with pytest.raises(DeliveryError, match="busy"):
        dispatch_audits(bus)
    assert len(bus.events) == 3


def test_a_refusal_is_raised_at_once() -> None:
    """A bus that is not there takes nothing the second time either."""
    bus = FakeBus(PutResult((0, 1, 2, 3), ChannelRefusedError("no such bus")))
    with pytest.raises(ChannelRefusedError, match="no such bus"):
        dispatch_audits(bus)
    assert len(bus.events) == 1
