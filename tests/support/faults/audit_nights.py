"""One project's nights with faults chosen by a seed, and what may never come of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backup_auditor_simulator.project import SimulatedProject
from support.aws_local.application import Application
from support.aws_local.recipients import Told, by_topic, by_webhook, changes
from support.faults.aws_night import UNHEARD, Trouble, trouble_of
from support.slack_server import LOST

_SWEEPS = 12
_FIRST = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


class Nights:
    """Two nights of one project of its own: trouble in the first, then none, and a change before the second."""

    def __init__(self, app: Application, name: str, moment: datetime) -> None:
        """Begin with an index that nobody protects, and one that is well."""
        self.app, self.name, self.moment = app, name, moment
        self.world = SimulatedProject(moment - timedelta(days=9))
        self.world.create_index("orders")
        self.world.create_schedule("orders", "nightly")
        self.world.advance_to(moment - timedelta(hours=1))
        self.world.create_index("bare")
        app.forget_dead_letters()
        self._begun = len(app.runner.done)
        self._topic, self._webhook, self._events = len(by_topic(app)), len(by_webhook(app)), len(app.flow.events)

    def first(self, trouble: Trouble) -> set[str]:
        """Let a night come in which something goes wrong, and stays so for some hours; return the alarms that ring."""
        app = self.app
        app.aws.faults[:] = trouble.faults
        app.slack.answers[:] = trouble.slack
        app.slack.answer_for = lambda _path, _content: trouble.slack_for_ever
        app.night(self.moment)
        for _ in range(3):
            app.sweep(timedelta(minutes=50))
        app.clock.set(self.moment + timedelta(hours=23))
        ringing = app.ringing(self._begun) - {"ProjectsOverdueAlarm"}
        app.aws.faults.clear()
        app.slack.answers.clear()
        app.slack.answer_for = lambda _path, _content: None
        return ringing

    def second(self) -> None:
        """Let a night come in which nothing goes wrong, and all be told that is still to be told."""
        self.world.delete_index("bare")
        self.world.create_index("other")
        self.app.night(self.moment + timedelta(days=1))
        for _ in range(_SWEEPS):
            if not self.waiting():
                break
            self.app.sweep(timedelta(minutes=50))

    def waiting(self) -> list[Any]:
        """Return what is still to be told."""
        return [it for it in self.app.items("outbox") if it["project"]["S"] == self.name]

    def records(self) -> list[Any]:
        """Return what is kept of its audits."""
        return [it for it in self.app.items(f"project#{self.name}") if "complete" in it]

    def reports(self) -> dict[str, bytes]:
        """Return its reports by where they are."""
        bucket = self.app.stack.physical["EvidenceBucket"]
        return {f"s3://{bucket}/{key}": it for key, it in self.app.reports(f"{self.name}/").items()}

    def pages(self) -> dict[str, str]:
        """Return the hashes of its pages by where they are."""
        bucket = self.app.stack.physical["EvidenceBucket"]
        kept = self.app.pages(f"{self.name}/").items()
        return {f"s3://{bucket}/{key}": hashlib.sha256(it).hexdigest() for key, it in kept}

    def told(self) -> list[Told]:
        """Return what topic and webhook were told of it."""
        found = by_topic(self.app)[self._topic :] + by_webhook(self.app)[self._webhook :]
        return [it for it in found if it.project == self.name]

    def wrongs(self, trouble: Trouble) -> Iterator[str]:
        """Yield what may never be, and is."""
        reports, pages = self.reports(), self.pages()
        told = self.told()
        events = [
            it for it in list(self.app.flow.events.values())[self._events :] if it["detail"].get("project") == self.name
        ]
        if self.waiting():
            yield "something was never told"
        for record in self.records():
            content = reports.get(record["location"]["S"])
            if content is None or hashlib.sha256(content).hexdigest() != record["sha256"]["S"]:
                yield f"the report of {record['audit_id']['S']} is not what was recorded"
                continue
            if "page_location" in record and pages.get(record["page_location"]["S"]) != record["page_sha256"]["S"]:
                yield f"the page of {record['audit_id']['S']} is not what was recorded"
            report = json.loads(content)
            for kind, wanted in changes(report).items():
                heard = {it["detail"]["fingerprint"] for it in events if _is(it, kind, report)}
                if heard != wanted:
                    yield f"{kind}: the bus heard of {heard} and not of {wanted}"
            channels = {it.channel.partition(":")[0] for it in told if report["audit_id"] in it.text}
            if any(changes(report).values()) and channels != {"sns", "slack"}:
                yield f"of audit {report['audit_id']} heard only {channels}"
        yield from self._repeats(told, trouble)

    def _repeats(self, told: list[Told], trouble: Trouble) -> Iterator[str]:
        """Yield what was told twice, although nothing went wrong that hides an acceptance, or without saying so."""
        excused = {"sns": False, "slack": LOST in trouble.slack}
        for fault in trouble.faults:
            if fault.function == "backup-auditor-notify" and fault.struck:
                hides = fault.kind in UNHEARD or fault.call.startswith("dynamodb:")
                excused = {name: was or hides for name, was in excused.items()}
        by_message: dict[str, list[Told]] = {}
        for it in told:
            by_message.setdefault(it.message_id, []).append(it)
        for same in by_message.values():
            channel = same[0].channel.partition(":")[0]
            if len(same) > 1 and not excused[channel]:
                yield f"{channel} was told {len(same)} times of one audit"
            if not all(it.may_be_repeat for it in same[1:]):
                yield f"{channel} was told again without a word of it"

    def versions(self) -> Counter[str]:
        """Return how many versions each of its reports has."""
        bucket = self.app.stack.physical["EvidenceBucket"]
        found = self.app.client("s3").list_object_versions(Bucket=bucket, Prefix=f"{self.name}/").get("Versions", ())
        return Counter(it["Key"] for it in found)


def _is(event: Any, kind: str, report: Any) -> bool:
    return bool(event["detail-type"] == kind and event["detail"]["audit_id"] == report["audit_id"])


@contextmanager
def deployed(folder: Path) -> Iterator[Application]:
    """Deploy the application, without a project; events come twice now and then, at once or late."""
    with Application(folder, {}, _FIRST, repeats=0.2) as app:
        app.flow.lateness = 0.5
        yield app


def live_through(app: Application, seed: int) -> None:
    """Let two nights come over a project of its own, with what goes wrong by a seed, and look at what came of it."""
    name = f"run-{seed}"
    nights = Nights(app, name, max(app.clock.now() + timedelta(days=2), _FIRST))
    app.register(name, nights.world)
    trouble = trouble_of(seed)
    ringing = nights.first(trouble)
    is_done = bool(nights.records()) and not nights.waiting()
    assert is_done or ringing, f"{trouble}: what stays wrong rings nowhere"
    nights.second()
    assert not list(nights.wrongs(trouble)), str(trouble)
    assert set(nights.versions().values()) == {1}, str(trouble)
    assert nights.records(), str(trouble)
    app.unregister(name)
    app.aws.seen.clear()
