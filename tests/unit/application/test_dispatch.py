"""Asking for audits: one event for each registered project, the mistaken too, however often the bus stumbles."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from backup_auditor.application.requests import request_audits
from backup_auditor.domain.events import DispatchRequest
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import ChannelRefusedError, DeliveryError
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

    def put(
        self, events: Sequence[Event], seconds_left: Callable[[], float], *, may_duplicate: bool = False
    ) -> PutResult:
        """Take note."""
        assert seconds_left() == 60
        assert may_duplicate
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


@pytest.mark.parametrize("error", [DeliveryError("busy"), ChannelRefusedError("no such bus")])
def test_an_event_that_is_not_accepted_is_an_error(error: DeliveryError) -> None:
    """The bus has retried by then, so the invocation fails and Lambda retries it."""
    bus = FakeBus(PutResult((0,), error))
    with pytest.raises(type(error), match=str(error)):
        dispatch_audits(bus)
    assert len(bus.events) == 1
