"""Write the page of a night of the fleet when it is due, correct it, and record its digests."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from backup_auditor.domain.audit_failure import WatchedProject
from backup_auditor.domain.audit_record import StoredFile, StoredReport
from backup_auditor.domain.discovery_notice import DiscoveryState
from backup_auditor.domain.fleet_record import FleetPage, FleetRecords, RecordedDigest
from backup_auditor.domain.notifications.fleet_night import (
    FleetNight,
    KnownFleet,
    build_night,
    create_digest_messages,
    find_due_channels,
    find_night,
)
from backup_auditor.domain.registry import Registry
from backup_auditor.domain.reporting.fleet import Fleet, FleetProject
from backup_auditor.domain.reporting.fleet_changes import hash_results
from backup_auditor.domain.timefmt import format_minute
from backup_auditor.errors import EvidenceError, describe_failure
from backup_auditor.ports.messaging import Log
from backup_auditor.ports.stores import FleetArchive, FleetStore
from backup_auditor.rendering.fleet_json import load_project_row
from backup_auditor.rendering.formats.json import render_fleet_document
from backup_auditor.rendering.text import encode_pieces

_MIN_SECONDS = 30.0
"""Seconds that must be left to begin with a page of a thousand projects."""
_MAX_REVISIONS = 20
"""How many revisions are tried whose names other pages have, which were stored and not recorded."""


@dataclass(frozen=True, slots=True)
class FleetPageWriter:
    """Writes the pages of the nights of the fleet, and records them with the messages about them."""

    store: FleetStore
    archive: FleetArchive
    build_link: Callable[[str], str | None]
    """Returns the URL of a stored file."""
    seconds_left: Callable[[], float]
    log: Log
    load_discovery: Callable[[], DiscoveryState] | None = None
    """Returns what the last look at the organization found; `None` if none is made. Raises `StateError`."""

    def write_due_page(
        self, registry: Registry, projects: Mapping[str, WatchedProject], warnings: tuple[str, ...], now: datetime
    ) -> FleetPage | None:
        """Write a revision of the page of the present night, if it is due. Return it; `None` if none is due.

        It is due once no result is awaited, and again whenever the page says something else. The files are stored
        first, then recorded with the messages in one transaction. Raises `StateError` and `EvidenceError`.
        """
        records = self.store.load_records([it.channel.channel_id for it in registry.fleet_channels])
        night_start = find_night(projects.values(), records.page, now)
        if night_start is None:
            return None
        rows = {name: row for name, it in projects.items() if (row := _load_row(it)) is not None}
        discovery = None if self.load_discovery is None else self.load_discovery()
        night = build_night(night_start, KnownFleet(registry, projects, rows, warnings, discovery), now)
        content_sha256 = _hash_content(night.fleet)
        last_page = records.page
        revised_page = None if last_page is None or last_page.night != night.start else last_page
        is_due = not night.awaited if revised_page is None else revised_page.content_sha256 != content_sha256
        if not is_due:
            return None
        if self.seconds_left() < _MIN_SECONDS:
            self.log.warning("no time was left for the page of the fleet; the next look writes it", extra={})
            return None
        revision, document = self._store_document(night, 1 if revised_page is None else revised_page.revision + 1)
        stored_report = StoredReport(document.location, document.sha256, self._store_page(night, revision, document))
        page = FleetPage(night.start, revision, content_sha256, stored_report)
        return self._record(page, night.fleet, registry, records, now)

    def _store_document(self, night: FleetNight, first_revision: int) -> tuple[int, StoredFile]:
        """Store the page as JSON. A revision that was stored and not recorded, with another content, is skipped."""
        for revision in range(first_revision, first_revision + _MAX_REVISIONS):
            document = render_fleet_document(night.fleet, night=(night.start, revision))
            stored_file = self.archive.store_fleet(night.start, revision, document)
            if stored_file is not None:
                return revision, stored_file
        raise EvidenceError(
            f"the night of {format_minute(night.start)} has {_MAX_REVISIONS} other pages after revision"
            f" {first_revision - 1} (the limit); find out who wrote them, and delete those that watch did not record"
        )

    def _store_page(self, night: FleetNight, revision: int, document: StoredFile) -> StoredFile | None:
        """Store the page as HTML. The document is the evidence, so an error is only logged."""
        from backup_auditor.rendering.html.fleet import NightPages  # noqa: PLC0415  only for a new page
        from backup_auditor.rendering.html.page import render_html  # noqa: PLC0415  only for a new page

        pages = NightPages(night.start, revision, self.build_link)
        try:
            return self.archive.store_fleet_page(
                document, render_html((), fleet=night.fleet, has_sections=False, pages=pages)
            )
        except Exception as error:  # noqa: BLE001  its text can hold secrets
            failure = f"{document.location} has no HTML page: {describe_failure(error)}"
        self.log.error(failure, extra={})
        return None

    def _record(
        self, page: FleetPage, fleet: Fleet, registry: Registry, records: FleetRecords, now: datetime
    ) -> FleetPage | None:
        results_sha256 = hash_results(fleet)
        channels = find_due_channels(registry.fleet_channels, records, page.night, results_sha256)
        messages = create_digest_messages(page, channels, records.digests, now)
        digest = RecordedDigest(page.night, results_sha256, StoredFile(page.document.location, page.document.sha256))
        if not self.store.record_page(page, records.page, messages, digest):
            self.log.info("the page of the fleet was recorded by another look", extra={})
            return None
        fields = {
            "night": format_minute(page.night),
            "revision": page.revision,
            "page": page.document.location,
            "audited": len(fleet.projects),
            "not_audited": [it.name for it in fleet.unaudited][:_MAX_LISTED],
            "channels": [it.channel_id for it in messages],
        }
        self.log.info("page of the fleet recorded; the function notify sends its digests within 15m", extra=fields)
        return page


_MAX_LISTED = 100


def _load_row(project: WatchedProject) -> FleetProject | None:
    """Return the row of the last recorded audit; `None` if the stored row is of another audit, or of another version.

    A state that was discarded or imported has no row until the next audit.
    """
    row = project.row
    if row is None or row.observed_at != project.last_audits.observed_at:
        return None
    try:
        return load_project_row(row.document)
    except (KeyError, TypeError, ValueError):
        return None


def _hash_content(fleet: Fleet) -> str:
    """Return the SHA-256 of what a page says. Another look at the organization with the same result is no change."""
    if fleet.unregistered is not None:
        fleet = replace(fleet, unregistered=replace(fleet.unregistered, as_of=None))
    digest = hashlib.sha256()
    for piece in encode_pieces(render_fleet_document(fleet)):
        digest.update(piece)
    return digest.hexdigest()
