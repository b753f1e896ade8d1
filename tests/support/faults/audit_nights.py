"""Two nights of one project with faults chosen by a seed, and the invariants that must hold after them."""

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
from support.aws_local.recipients import DeliveredMessage, find_changes, list_topic_messages, list_webhook_messages
from support.faults.aws_night import UNANSWERED_KINDS, FaultPlan, choose_faults
from support.slack_server import LOST_ANSWER

_FIRST_AUDIT_AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


class FaultyNights:
    """Two nights of one project: faults in the first, none in the second, and a change between them."""

    def __init__(self, app: Application, name: str, moment: datetime) -> None:
        """Create an index without a schedule, and a compliant one."""
        self.app, self.name, self.moment = app, name, moment
        self.project = SimulatedProject(moment - timedelta(days=9))
        self.project.create_index("orders")
        self.project.create_schedule("orders", "nightly")
        self.project.advance_to(moment - timedelta(hours=1))
        self.project.create_index("bare")
        app.flow.clear_dead_letters()
        self._first_invocation = len(app.runner.invocations)
        self._topic_count, self._webhook_count, self._event_count = (
            len(list_topic_messages(app)),
            len(list_webhook_messages(app)),
            len(app.flow.events),
        )

    def run_faulty_night(self, fault_plan: FaultPlan) -> set[str]:
        """Run a night with faults that last for some hours; return the alarms that fire."""
        app = self.app
        app.aws.faults[:] = fault_plan.aws_faults
        app.slack.answers[:] = fault_plan.slack_answers
        app.slack.choose_answer = lambda _path, _content: fault_plan.permanent_slack_answer
        app.run_night(self.moment)
        alarms = app.find_alarms(self._first_invocation)
        app.aws.faults.clear()
        app.slack.answers.clear()
        app.slack.choose_answer = lambda _path, _content: None
        return alarms

    def run_clean_night(self) -> None:
        """Run a night without faults, and deliver all pending messages."""
        self.project.delete_index("bare")
        self.project.create_index("other")
        self.app.run_night(self.moment + timedelta(days=1))

    def list_pending(self) -> list[Any]:
        """Return the messages that are still pending."""
        return [it for it in self.app.list_items("outbox") if it["project"]["S"] == self.name]

    def list_audit_records(self) -> list[Any]:
        """Return the recorded audits of the project."""
        return [it for it in self.app.list_items(f"project#{self.name}") if "complete" in it]

    def load_reports(self) -> dict[str, bytes]:
        """Return the reports of the project by location."""
        bucket = self.app.stack.physical_ids["EvidenceBucket"]
        return {f"s3://{bucket}/{key}": it for key, it in self.app.load_reports(f"{self.name}/").items()}

    def hash_pages(self) -> dict[str, str]:
        """Return the hashes of the project's pages by location."""
        bucket = self.app.stack.physical_ids["EvidenceBucket"]
        pages = self.app.load_pages(f"{self.name}/").items()
        return {f"s3://{bucket}/{key}": hashlib.sha256(it).hexdigest() for key, it in pages}

    def list_messages(self) -> list[DeliveredMessage]:
        """Return the messages about the project that topic and webhook received."""
        messages = (
            list_topic_messages(self.app)[self._topic_count :] + list_webhook_messages(self.app)[self._webhook_count :]
        )
        return [it for it in messages if it.project == self.name]

    def find_violations(self, fault_plan: FaultPlan) -> Iterator[str]:
        """Yield each violated invariant."""
        reports, pages = self.load_reports(), self.hash_pages()
        messages = self.list_messages()
        events = [
            it
            for it in list(self.app.flow.events.values())[self._event_count :]
            if it["detail"].get("project") == self.name
        ]
        if self.list_pending():
            yield "a message is still pending"
        nights = Counter(it["observed_at"]["S"][:10] for it in self.list_audit_records())
        if any(count > 1 for count in nights.values()):
            yield f"a night was recorded more than once: {nights}"
        for record in self.list_audit_records():
            content = reports.get(record["location"]["S"])
            if content is None or hashlib.sha256(content).hexdigest() != record["sha256"]["S"]:
                yield f"the report of {record['audit_id']['S']} is not what was recorded"
                continue
            if "page_location" in record and pages.get(record["page_location"]["S"]) != record["page_sha256"]["S"]:
                yield f"the page of {record['audit_id']['S']} is not what was recorded"
            report = json.loads(content)
            for kind, expected in find_changes(report).items():
                published = {it["detail"]["fingerprint"] for it in events if _is_event(it, kind, report)}
                if published != expected:
                    yield f"{kind}: the bus received {published}, expected {expected}"
            channels = {it.channel.partition(":")[0] for it in messages if report["audit_id"] in it.text}
            if any(find_changes(report).values()) and channels != {"sns", "slack"}:
                yield f"audit {report['audit_id']} reached only {channels}"
        yield from self._find_repeats(messages, fault_plan)

    def _find_repeats(self, messages: list[DeliveredMessage], fault_plan: FaultPlan) -> Iterator[str]:
        """Yield each duplicate message without a fault that hides its acceptance, or without the duplicate mark."""
        is_excused = {"sns": False, "slack": LOST_ANSWER in fault_plan.slack_answers}
        for fault in fault_plan.aws_faults:
            if fault.function == "backup-auditor-notify" and fault.trigger_count:
                hides_acceptance = fault.kind in UNANSWERED_KINDS or fault.call.startswith("dynamodb:")
                is_excused = {name: was_excused or hides_acceptance for name, was_excused in is_excused.items()}
        by_message: dict[str, list[DeliveredMessage]] = {}
        for message in messages:
            by_message.setdefault(message.message_id, []).append(message)
        for repeats in by_message.values():
            channel = repeats[0].channel.partition(":")[0]
            if len(repeats) > 1 and not is_excused[channel]:
                yield f"{channel} received {len(repeats)} messages of one audit"
            if not all(it.is_possible_duplicate for it in repeats[1:]):
                yield f"{channel} received a duplicate without a mark"

    def count_versions(self) -> Counter[str]:
        """Return how many versions each report of the project has."""
        bucket = self.app.stack.physical_ids["EvidenceBucket"]
        versions = (
            self.app.open_client("s3").list_object_versions(Bucket=bucket, Prefix=f"{self.name}/").get("Versions", ())
        )
        return Counter(it["Key"] for it in versions)


def _is_event(event: Any, kind: str, report: Any) -> bool:
    return bool(event["detail-type"] == kind and event["detail"]["audit_id"] == report["audit_id"])


@contextmanager
def deploy_application(folder: Path) -> Iterator[Application]:
    """Deploy the application without a project; some events arrive twice, at once or late."""
    with Application(folder, {}, _FIRST_AUDIT_AT, repeat_probability=0.2) as app:
        app.flow.late_repeat_probability = 0.5
        yield app


def audit_under_faults(app: Application, seed: int) -> None:
    """Run two nights for one project with faults chosen by a seed, and check the invariants."""
    name = f"run-{seed}"
    nights = FaultyNights(app, name, max(app.clock.now() + timedelta(days=2), _FIRST_AUDIT_AT))
    app.register(name, nights.project)
    fault_plan = choose_faults(seed)
    alarms = nights.run_faulty_night(fault_plan)
    is_done = bool(nights.list_audit_records()) and not nights.list_pending()
    assert is_done or alarms, f"{fault_plan}: no alarm for what stays wrong"
    nights.run_clean_night()
    assert not list(nights.find_violations(fault_plan)), str(fault_plan)
    assert set(nights.count_versions().values()) == {1}, str(fault_plan)
    assert nights.list_audit_records(), str(fault_plan)
    app.unregister(name)
    app.aws.requests.clear()
