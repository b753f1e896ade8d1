"""Test that the page and the digest of a fleet say exactly what happened in a night."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from backup_auditor.domain.outbox import FLEET
from backup_auditor.rendering.fleet_digest import FLEET_EVENT
from backup_auditor_simulator.organization import SimulatedOrganization
from support.aws_local.application import (
    CANARY,
    CONFIG_BUCKET,
    FLEET_PARAMETERS,
    ORGANIZATION_SECRET,
    Application,
    make_key,
)
from support.aws_local.nights import DAY
from support.faults.outage_nights import build_fleet

FIRST_NIGHT = datetime(2026, 11, 20, 4, 15, tzinfo=UTC)
MORNING = timedelta(hours=1, minutes=20)
"""The first look of `watch` after the audits, and the next delivery."""
WEBHOOK = "backup-auditor/webhooks/platform"
REVOKED, INVALID, BAD_POLICY, LATE, SHARED, TWIN = "team-00", "team-01", "team-02", "team-03", "team-04", "twin"
"""The projects with something wrong in the second night."""
UNREGISTERED = "payments"
"""A project that is made before the second night, and registered before the third."""
NIGHTS = ("2026-11-20/041500Z", "2026-11-21/041500Z", "2026-11-22/041500Z")


@dataclass
class FleetNights:
    """A deployed fleet with two channels of its own: a topic for each night, and a webhook for changes."""

    app: Application
    topic: str
    queue: str
    organization: SimulatedOrganization
    moment: datetime = FIRST_NIGHT - DAY
    extra_entries: list[dict[str, Any]] = field(default_factory=list)
    _positions: tuple[int, int] = (0, 0)

    def register(self, changes: dict[str, dict[str, Any] | None] | None = None) -> None:
        """Store the registry; `changes` are fields of single entries, and `None` leaves an entry out."""
        changes = changes or {}
        names = [it for it in self.app.simulated_projects if changes.get(it, {}) is not None]
        entries = [self.app.make_entry(it, **(changes.get(it) or {})) for it in names]
        channels = [{"sns": self.topic}, {"slack": WEBHOOK, "when": "on-change"}]
        registry = {"version": 1, "fleet_channels": channels, "projects": [*entries, *self.extra_entries]}
        self.app.put_document(self.app.registry, yaml.safe_dump(registry))

    def run_night(self, duration: timedelta) -> None:
        """Run the next night."""
        self.moment += DAY
        self.app.run_night(self.moment, duration)

    def load_document(self, night: str, revision: int) -> Any:
        """Return the page of a night as JSON."""
        return json.loads(self.app.load_reports(FLEET)[f"{FLEET}/{night}/fleet.{revision}.json"])

    def list_pages(self) -> set[str]:
        """Return the names of all pages, each of which is stored as JSON and as HTML."""
        documents = {it.removesuffix(".json") for it in self.app.load_reports(FLEET)}
        assert documents == {it.removesuffix(".html") for it in self.app.load_pages(FLEET)}
        return {it.removeprefix(f"{FLEET}/") for it in documents}

    def take_digests(self) -> tuple[list[Any], list[str]]:
        """Return the digests of the topic, as JSON, and of the webhook, as text, since the last call.

        The channels get notices about the organization too.
        """
        messages = [json.loads(it["Message"]) for it in self.app.list_published(self.queue)]
        documents = [it for it in messages if it["event"] == FLEET_EVENT]
        path = f"/services/T0/B9/{CANARY}"
        payloads = [payload for it, payload in self.app.slack.posted_messages if it == path]
        posts = [
            json.dumps(it) for it in payloads if "register or ignore" not in it["text"] and "RESOLVED" not in it["text"]
        ]
        first_document, first_post = self._positions
        self._positions = (len(documents), len(posts))
        return documents[first_document:], posts[first_post:]


@contextmanager
def deploy_fleet(folder: Path, project_count: int) -> Iterator[FleetNights]:
    """Deploy the application with some projects, the channels of the fleet, and two entries for one project."""
    with Application(
        folder,
        build_fleet(project_count),
        FIRST_NIGHT - timedelta(hours=1),
        parameters={**FLEET_PARAMETERS, "OrganizationSecret": ORGANIZATION_SECRET},
    ) as app:
        organization = SimulatedOrganization(FIRST_NIGHT)
        for name, project in app.simulated_projects.items():
            organization.add_project(name, project)
        app.serve_organization(organization)
        topic = app.open_client("sns").create_topic(Name="backup-auditor-platform")["TopicArn"]
        app.put_secret(WEBHOOK, app.slack.make_webhook(f"T0/B9/{CANARY}"))
        nights = FleetNights(app, topic, app.subscribe_queue(topic, "platform"), organization)
        nights.register()
        yield nights


def list_unaudited(document: Any) -> dict[str, str]:
    """Return the reasons of the projects that were not audited."""
    return {it["name"]: it["reason"] for it in document["fleet"]["not_audited"]}


def list_audited(document: Any) -> set[str]:
    """Return the names of the audited projects."""
    return {it["project"]["name"] for it in document["fleet"]["projects"]}


def list_unregistered(document: Any) -> list[str]:
    """Return the names of the projects that are unregistered, which must be known."""
    unregistered = document["fleet"]["unregistered"]
    assert unregistered["current"]
    return [it["project"] for it in unregistered["projects"]]


def check_records(app: Application) -> None:
    """Check that every stored page is recorded with its hash, was written once, and that nothing was denied."""
    bucket = app.stack.physical_ids["EvidenceBucket"]
    items = [it for it in app.list_items(f"watch#{FLEET}") if it["SK"]["S"].startswith("page#")]
    recorded = {it["location"]["S"]: it["sha256"]["S"] for it in items}
    recorded |= {it["page_location"]["S"]: it["page_sha256"]["S"] for it in items}
    stored = app.load_reports(FLEET) | app.load_pages(FLEET)
    assert recorded == {f"s3://{bucket}/{key}": hashlib.sha256(it).hexdigest() for key, it in stored.items()}
    versions = app.open_client("s3").list_object_versions(Bucket=bucket, Prefix=FLEET)["Versions"]
    assert len(versions) == len(stored)
    assert app.list_items("outbox") == []
    assert app.aws.denied_permissions == []


def check_quiet_night(nights: FleetNights) -> None:
    """Run a night without trouble."""
    names = set(nights.app.simulated_projects)
    project_count = len(names)
    nights.run_night(MORNING)
    assert nights.list_pages() == {f"{NIGHTS[0]}/fleet.1"}
    document = nights.load_document(NIGHTS[0], 1)
    assert list_unregistered(document) == []
    assert (list_audited(document), list_unaudited(document), document["fleet"]["warnings"]) == (names, {}, [])
    (digest,), (post,) = nights.take_digests()
    assert digest["headline"] == (
        f"OK: fleet: 0 projects not compliant. {project_count} projects: {project_count} compliant."
    )
    assert "No previous digest to compare with." in post


def check_night_with_trouble(nights: FleetNights) -> dict[str, str]:
    """Run a night with three broken projects, a late, a shared and an unregistered one.

    Return the reasons of those that were not audited.
    """
    app, names = nights.app, set(nights.app.simulated_projects)
    (payments,) = build_fleet(1).values()
    app.pinecone.add_project(UNREGISTERED, payments, make_key(UNREGISTERED))
    nights.organization.add_project(UNREGISTERED, payments)
    app.pinecone.rotate_key(make_key(REVOKED), make_key(REVOKED, 2))
    app.put_document(
        f"s3://{CONFIG_BUCKET}/backup-auditor/bad.yaml", "version: 1\ndefaults: {require: {max_age: 1h}}\n"
    )
    nights.extra_entries = [{"name": TWIN, "secret": f"backup-auditor/keys/{SHARED}"}]
    trouble: dict[str, dict[str, Any] | None] = {
        INVALID: {"secrets": "typo"},
        BAD_POLICY: {"policy": f"s3://{CONFIG_BUCKET}/backup-auditor/bad.yaml"},
    }
    nights.register(trouble | {LATE: None})  # the request of the late project is lost
    nights.run_night(timedelta(minutes=30))
    nights.register(trouble)
    app.runner.end_processes()
    app.flow.run_until(nights.moment + timedelta(hours=4, minutes=30))
    assert nights.list_pages() == {f"{NIGHTS[0]}/fleet.1"}, "the late project can still come"
    app.flow.run_until(nights.moment + timedelta(hours=5, minutes=20))
    document = nights.load_document(NIGHTS[1], 1)
    reasons = list_unaudited(document)
    assert reasons.keys() == {REVOKED, INVALID, BAD_POLICY, LATE}
    assert list_audited(document) == {*names, TWIN} - reasons.keys()
    assert "401" in reasons[REVOKED]
    assert 'unknown key "secrets"' in reasons[INVALID]
    assert "bad.yaml" in reasons[BAD_POLICY]
    assert reasons[LATE].startswith("no audit in this night; its last audit is of 2026-11-20 04:")
    assert list_unregistered(document) == [UNREGISTERED]
    (warning,) = document["fleet"]["warnings"]
    assert f'"{SHARED}" and "{TWIN}" open the same Pinecone project' in warning
    (digest,), (post,) = nights.take_digests()
    assert {it["name"]: it["reason"] for it in digest["not_audited"]} == reasons
    assert {it["project"]: it["before"] is None for it in digest["changed"]} == {
        **dict.fromkeys(reasons, False),
        TWIN: True,
    }
    assert digest["warnings"] == [warning]
    assert [it["project"] for it in digest["unregistered"]["projects"]] == [UNREGISTERED]
    assert (digest["compliance"], digest["project"]) == ("INSUFFICIENT_DATA", FLEET)
    assert "5 projects changed, 4 not audited, 1 unregistered" in post
    return reasons


def check_late_audit(nights: FleetNights) -> None:
    """Audit the late project."""
    app = nights.app
    audit = app.runner.invoke("AuditFunction", json.dumps({"project": LATE}).encode())
    assert audit.succeeded
    app.flow.run_until(nights.moment + timedelta(hours=6, minutes=20))
    document = nights.load_document(NIGHTS[1], 2)
    assert list_unaudited(document).keys() == {REVOKED, INVALID, BAD_POLICY}
    assert nights.list_pages() == {f"{NIGHTS[0]}/fleet.1", *(f"{NIGHTS[1]}/fleet.{it}" for it in (1, 2))}
    assert nights.take_digests() == ([], []), "a correction sends no second digest"


def check_corrected_night(nights: FleetNights, unaudited: dict[str, str]) -> None:
    """Correct everything, and run a night."""
    app = nights.app
    app.put_secret(f"backup-auditor/keys/{REVOKED}", make_key(REVOKED, 2))
    nights.extra_entries = []
    app.register(UNREGISTERED, nights.organization.projects[-1].project)
    nights.register()
    nights.run_night(MORNING)
    document, names = nights.load_document(NIGHTS[2], 1), set(app.simulated_projects)
    assert list_unregistered(document) == []
    assert (list_audited(document), list_unaudited(document), document["fleet"]["warnings"]) == (names, {}, [])
    (digest,), (post,) = nights.take_digests()
    assert {it["project"]: it["after"] and it["after"]["compliance"] for it in digest["changed"]} == {
        **dict.fromkeys((*unaudited, UNREGISTERED), "COMPLIANT"),
        TWIN: None,
    }
    assert "no longer registered (was: compliant)" in post


def run_three_nights(folder: Path, project_count: int) -> None:
    """Run a night without trouble, one with trouble and a late audit, and one after everything is corrected."""
    with deploy_fleet(folder, project_count) as nights:
        check_quiet_night(nights)
        unaudited = check_night_with_trouble(nights)
        check_late_audit(nights)
        check_corrected_night(nights, unaudited)
        check_records(nights.app)


def test_a_night_of_a_small_fleet_has_its_page_and_its_digest(tmp_path: Path) -> None:
    """Three broken projects, a late one, an unregistered one and one under two entries are on the page as they are."""
    run_three_nights(tmp_path, 6)


@pytest.mark.soak
def test_a_night_of_twenty_projects_has_its_page_and_its_digest(tmp_path: Path) -> None:
    """The same with twenty projects."""
    run_three_nights(tmp_path, 20)
