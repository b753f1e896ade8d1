"""A digest of the fleet is rendered from its stored pages when it is sent."""

import hashlib
import json
from dataclasses import replace

import pytest

from backup_auditor.application.notifications.dispatcher import ChannelRoute, deliver_pending
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.fleet_record import FleetComparison, FleetPage, RecordedDigest
from backup_auditor.domain.notifications.fleet_night import create_digest_messages
from backup_auditor.domain.outbox import FLEET, FleetChannel, OutboxMessage
from backup_auditor.domain.reporting.fleet import Fleet, build_fleet
from backup_auditor.errors import ChannelRefusedError, EvidenceError, EvidenceMissingError, EvidenceRefusedError
from backup_auditor.rendering.formats.json import render_fleet_document
from support.builders.facts import DAY, HOUR, NOW
from support.builders.fleets import build_neglected_project, build_project
from support.builders.notifications import SLACK_CHANNEL, SNS_CHANNEL
from support.fakes.channels import DeliveryHarness
from support.fakes.stores import FakeEvidence, PendingMessage

PREVIOUS, CURRENT = "s3://evidence/.fleet/1.json", "s3://evidence/.fleet/2.json"


class ExpiringEvidence(FakeEvidence):
    """An evidence store that reports a file that it no longer has as the bucket does."""

    error_type: type[EvidenceError] = EvidenceRefusedError

    def read(self, file: StoredFile) -> bytes:
        """Return the content of a file."""
        if file.location not in self.files:
            raise self.error_type(f"{file.location} cannot be used: AccessDenied")
        return super().read(file)


def store_fleet(harness: DeliveryHarness, location: str, fleet: Fleet) -> StoredReport:
    """Store the page of a fleet."""
    content = "".join(render_fleet_document(fleet, night=(NOW, 1))).encode()
    harness.evidence.files[location] = content
    return StoredReport(location, hashlib.sha256(content).hexdigest())


@pytest.fixture
def harness() -> DeliveryHarness:
    """Return deliveries with a digest of the fleet for a topic and a webhook."""
    harness = DeliveryHarness(evidence=ExpiringEvidence())
    previous = store_fleet(harness, PREVIOUS, build_fleet([build_project("search")], []))
    current = store_fleet(harness, CURRENT, build_fleet([build_neglected_project("search", 1)], []))
    channels = [FleetChannel(SNS_CHANNEL), FleetChannel(SLACK_CHANNEL)]
    digest = RecordedDigest(NOW - DAY, "", previous)
    digests = {it.channel.channel_id: digest for it in channels}
    messages = create_digest_messages(FleetPage(NOW, 1, "", current), channels, digests, NOW)
    harness.outbox.pending_by_id |= {it.message_id: PendingMessage(it) for it in messages}
    return harness


def deliver(harness: DeliveryHarness) -> list[int]:
    """Deliver what is due; return how many messages were sent and how many failed."""

    def find_route(message: OutboxMessage) -> ChannelRoute:
        channel = SNS_CHANNEL if message.channel_id == SNS_CHANNEL.channel_id else SLACK_CHANNEL
        return ChannelRoute(channel)

    summary = deliver_pending(harness.dependencies, find_route)
    return [summary.sent_count, summary.failed_count]


def test_both_channels_receive_what_changed(harness: DeliveryHarness) -> None:
    """The topic and the webhook have the change and the page, and nothing is sent twice."""
    assert deliver(harness) == [2, 0]
    (publication,), (post,) = harness.topics.recorded_calls, harness.webhooks.recorded_calls
    assert publication["subject"] == "CRITICAL: fleet: 1 project changed"
    assert publication["attributes"]["project"] == FLEET
    line = "search: non-compliant, 1 critical (was: compliant)"
    assert line in json.loads(publication["message"])["email"]
    assert "non-compliant, 1 critical (was: compliant)" in json.dumps(post["payload"])
    harness.now += HOUR
    assert deliver(harness) == [0, 0]


def test_an_altered_page_is_not_sent(harness: DeliveryHarness) -> None:
    """Both pages must have their recorded hashes."""
    for location in (CURRENT, PREVIOUS):
        content = harness.evidence.files[location]
        harness.evidence.files[location] = content.replace(b"search", b"Search")
        assert deliver(harness) == [0, 2]
        assert {it.reason for it in harness.outbox.pending_by_id.values()} == {
            f"{location} was altered; restore its version with SHA-256 {hashlib.sha256(content).hexdigest()}"
        }
        harness.evidence.files[location] = content
        harness.now += HOUR
    assert deliver(harness) == [2, 0]


@pytest.mark.parametrize("error_type", [EvidenceMissingError, EvidenceRefusedError])
def test_a_digest_is_sent_without_an_expired_page_before(
    harness: DeliveryHarness, error_type: type[EvidenceError]
) -> None:
    """The bucket deletes old pages, and refuses them to a role that may not list it: nothing is compared."""
    assert isinstance(harness.evidence, ExpiringEvidence)
    harness.evidence.error_type = error_type
    del harness.evidence.files[PREVIOUS]
    assert deliver(harness) == [2, 0]
    email = json.loads(harness.topics.recorded_calls[0]["message"])["email"]
    assert "No previous digest to compare with." in email
    assert "NOT COMPLIANT (1)\nsearch: non-compliant, 1 critical\n" in email


def test_a_digest_is_sent_without_a_page_before_of_another_version(harness: DeliveryHarness) -> None:
    """After an update, the page before can be one that this version does not read."""
    content = b'{"schema_version": "0"}'
    harness.evidence.files[PREVIOUS] = content
    document = StoredFile(PREVIOUS, hashlib.sha256(content).hexdigest())
    for pending in harness.outbox.pending_by_id.values():
        assert isinstance(pending.message.content, FleetComparison)
        pending.message = replace(pending.message, content=replace(pending.message.content, previous=document))
    assert deliver(harness) == [2, 0]
    assert "No previous digest to compare with." in json.loads(harness.topics.recorded_calls[0]["message"])["email"]


def test_a_missing_page_is_a_failure(harness: DeliveryHarness) -> None:
    """A digest whose own page is missing waits for it."""
    content = harness.evidence.files.pop(CURRENT)
    assert deliver(harness) == [0, 2]
    harness.evidence.files[CURRENT] = content
    harness.now += HOUR
    assert deliver(harness) == [2, 0]


def test_a_refused_digest_is_sent_again(harness: DeliveryHarness) -> None:
    """A digest has the retries of every message, and the same id."""
    harness.topics.script = [ChannelRefusedError("AuthorizationError; allow it")]
    assert deliver(harness) == [1, 1]
    harness.now += HOUR
    assert deliver(harness) == [1, 0]


def test_a_document_that_is_no_page_is_a_failure_with_a_remedy(harness: DeliveryHarness) -> None:
    """A file with the recorded hash that is not a page is reported, not sent."""
    harness.evidence.files[CURRENT] = b"[]"
    document = StoredReport(CURRENT, hashlib.sha256(b"[]").hexdigest())
    for pending in harness.outbox.pending_by_id.values():
        pending.message = replace(pending.message, content=FleetComparison(FleetPage(NOW, 1, "", document), None))
    assert deliver(harness) == [0, 2]
    assert all("is no page of the fleet" in it.reason for it in harness.outbox.pending_by_id.values())
