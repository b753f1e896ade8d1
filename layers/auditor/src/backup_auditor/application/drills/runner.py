"""Advance recorded restore drills: store each step, make its call, then keep the document and publish the result."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backup_auditor.domain.drills.drill import DrillRecord
from backup_auditor.domain.drills.state_machine import advance_drill, resume_drill
from backup_auditor.ports.drills import DrillArchive, DrillLedger, DrillProject
from backup_auditor.rendering.drill_document import render_drill_document


def ignore_change(record: DrillRecord) -> None:
    """Do nothing with a stored record."""


class DrillRunner:
    """Advances the drills of one project. It can be killed, repeated or late at any point, and run twice at once."""

    def __init__(  # noqa: PLR0913  everything that a drill needs
        self,
        project: DrillProject,
        ledger: DrillLedger,
        archive: DrillArchive,
        publish: Callable[[DrillRecord], None],
        now: Callable[[], datetime],
        *,
        on_change: Callable[[DrillRecord], None] = ignore_change,
    ) -> None:
        """Take what a drill needs.

        `publish` sends the result of a drill, and raises if it was not accepted. `on_change` gets each stored record.
        """
        self._project = project
        self._ledger = ledger
        self._archive = archive
        self._publish = publish
        self._now = now
        self._on_change = on_change

    def advance(self, record: DrillRecord) -> DrillRecord:
        """Do everything that can be done now for a stored drill, and return it as it is stored then.

        If another run has advanced the drill meanwhile, this one makes no call: a run that waited can have an old
        record. Raises `StateError`; and, once the result
        is recorded, the error because of which its document was not stored, or its result was not published.
        """
        stored_record = self._reload(record)
        if stored_record.revision > record.revision:
            return stored_record
        step = resume_drill(record, self._now())
        while True:
            if step.record != record:
                if not self._replace(step.record):
                    return self._reload(record)
                record = step.record
            if step.call is None:
                break
            step = advance_drill(record, self._project.make_call(record, step.call), self._now())
        return self._settle(record) if record.is_stopped else record

    def reopen(self, record: DrillRecord) -> DrillRecord:
        """Store a drill that is open again because its temporary index exists, and return it as it is stored then."""
        return record if self._replace(record) else self._reload(record)

    def _settle(self, record: DrillRecord) -> DrillRecord:
        """Store the document of a drill, then publish its result. What fails is left to the next run."""
        if record.evidence is None:
            stored_file = self._archive.store_drill(record, render_drill_document(record))
            documented_record = replace(record, evidence=stored_file, revision=record.revision + 1)
            if not self._replace(documented_record):
                return self._reload(record)
            record = documented_record
        if record.published_at is None:
            self._publish(record)
            published_record = replace(record, published_at=self._now(), revision=record.revision + 1)
            if not self._replace(published_record):
                return self._reload(record)
            record = published_record
        return record

    def _replace(self, record: DrillRecord) -> bool:
        is_stored = self._ledger.replace_drill(record)
        if is_stored:
            self._on_change(record)
        return is_stored

    def _reload(self, record: DrillRecord) -> DrillRecord:
        return self._ledger.load_drill(record.project, record.number) or record
