"""Advance recorded restore drills: store each step, make its call, then keep the document and publish the result."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backup_auditor.domain.drills.drill import DrillRecord, Ownership, find_ownership
from backup_auditor.domain.drills.state_machine import (
    IndexFound,
    IndexMissing,
    Observation,
    ReadFailed,
    RequestRestore,
    Step,
    advance_drill,
    resume_drill,
)
from backup_auditor.errors import DrillPlanError, PineconeError
from backup_auditor.ports.drills import DrillArchive, DrillLedger, DrillProject
from backup_auditor.rendering.drill_json import render_drill_document


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
        self._confirmed_ids: set[str] = set()
        """The drills whose Pinecone project is certainly that of the key."""

    def advance(self, record: DrillRecord) -> DrillRecord:
        """Do everything that can be done now for a stored drill, and return it as it is stored then.

        If another run has advanced the drill meanwhile, this one makes no call: a run that waited can have an old
        record. Raises `StateError`; `ProjectMismatchError`, `DrillPlanError` or any `PineconeError` if the key may
        belong to another Pinecone project, in which case nothing is recorded; and, once the result is recorded, the
        error because of which its document was not stored, or its result was not published.
        """
        stored_record = self._reload(record)
        if stored_record.revision > record.revision:
            return stored_record
        step = resume_drill(record, self._now())
        if isinstance(step.call, RequestRestore) and not self._confirms_project(record):
            raise DrillPlanError(_describe_unknown_project(record))
        while True:
            if step.record != record:
                if not self._replace(step.record):
                    return self._reload(record)
                record = step.record
            if step.call is None:
                break
            step = self._accept(record, self._project.make_call(record, step.call))
        return self._settle(record) if record.is_stopped else record

    def _accept(self, record: DrillRecord, observation: Observation) -> Step:
        """Return the next step. In another Pinecone project, an index that is missing or another one shows nothing."""
        if isinstance(observation, IndexFound) and find_ownership(record, observation.index.index) is Ownership.OWN:
            self._confirmed_ids.add(record.drill_id)
        elif isinstance(observation, IndexFound | IndexMissing):
            try:
                is_confirmed = self._confirms_project(record)
            except PineconeError as error:
                observation = ReadFailed(_describe_unknown_project(record, str(error)))
            else:
                if not is_confirmed:
                    return self._accept_unknown_project(record)
        return advance_drill(record, observation, self._now())

    def _accept_unknown_project(self, record: DrillRecord) -> Step:
        """Return the step of a drill whose time has passed. Raises `DrillPlanError` if time is left: no wait helps."""
        reason = _describe_unknown_project(record)
        step = advance_drill(record, ReadFailed(reason), self._now())
        if step.record == record and not record.is_stopped:
            raise DrillPlanError(reason)
        return step

    def _confirms_project(self, record: DrillRecord) -> bool:
        if record.drill_id not in self._confirmed_ids and self._project.confirm_project(record):
            self._confirmed_ids.add(record.drill_id)
        return record.drill_id in self._confirmed_ids

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


def _describe_unknown_project(record: DrillRecord, cause: str | None = None) -> str:
    """Return that the project of a key is unknown, with an error or with what to do."""
    project_text = " ".join(filter(None, ("Pinecone project", record.pinecone_project_id)))
    remedy = (
        f"it reads neither backup {record.point.backup_id} nor a schedule of that project; use the key with which the"
        " drill was started"
    )
    question = f"whether the key belongs to the {project_text} of restore drill {record.drill_id}"
    return f"{question} is unknown: {cause or remedy}"
