"""How indexes are made, changed, deleted, and made from backups."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from backup_auditor_simulator.errors import already_exists, forbidden, precondition_failed
from backup_auditor_simulator.model import Backup, Index, Kind, RestoreJob, State
from backup_auditor_simulator.scheduling import Scheduling
from backup_auditor_simulator.state import need_name


class Indexing(Scheduling):
    """The rules of indexes and restore jobs."""

    def create_index(  # noqa: PLR0913  an index has this many traits, and every one has a default
        self,
        name: str,
        *,
        kind: Kind = Kind.SERVERLESS,
        cloud: str = "aws",
        region: str = "us-east-1",
        environment: str = "aped-4627-b74a",
        fields: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
        records: int | None = None,
        namespaces: int | None = None,
        source_backup_id: str | None = None,
        cmek_id: str | None = None,
        pod_type: str = "p1.x1",
    ) -> Index:
        """Create an index, ready once `index_takes` has passed.

        One of the same name as an earlier one has another id, and no schedules.
        """
        need_name(name, "Index")
        if name in self.indexes:
            raise already_exists("Resource already exists.")
        index = Index(
            id=self.new_id(),
            name=name,
            kind=kind,
            cloud=cloud,
            region=region,
            environment=environment,
            fields=fields or {"_values": {"type": "dense_vector", "dimension": 1536, "metric": "cosine"}},
            tags=dict(tags or {}),
            deletion_protection=deletion_protection,
            records=self.chance.randrange(20_000, 900_000) if records is None else records,
            namespaces=self.chance.randrange(1, 40) if namespaces is None else namespaces,
            created_at=self.now,
            ready_at=self.now + self.conduct.index_takes,
            source_backup_id=source_backup_id,
            cmek_id=cmek_id,
            pod_type=pod_type,
        )
        self.indexes[name] = index
        self.changed()
        return index

    def configure_index(
        self, name: str, *, tags: Mapping[str, str] | None = None, deletion_protection: bool | None = None
    ) -> Index:
        """Change an index. A tag with an empty value is taken away."""
        index = self.index(name)
        merged = index.tags | dict(tags or {})
        index.tags = {key: value for key, value in merged.items() if value}
        if deletion_protection is not None:
            index.deletion_protection = deletion_protection
        self.changed()
        return index

    def delete_index(self, name: str) -> None:
        """Delete an index and its schedules. Its backups stay. It is gone once `index_deletion_takes` has passed."""
        index = self.index(name)
        if index.is_terminating:
            return
        if index.deletion_protection:
            raise forbidden(
                "Deletion protection is enabled for this index. Disable deletion protection before retrying."
            )
        for schedule in list(index.schedules.values()):
            self.drop_schedule(schedule)
        index.is_terminating = True
        self.agenda.add(self.now + self.conduct.index_deletion_takes, self._end_index, index)
        self.changed()
        self.advance(timedelta())

    def _end_index(self, index: Index) -> None:
        name = index.name
        index.is_terminating = False
        index.deleted_at = self.now
        del self.indexes[name]
        self.deleted_indexes.setdefault(name, []).append(index)
        self.changed(*index.backups.values())

    def create_index_from_backup(
        self,
        backup_id: str,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
    ) -> RestoreJob:
        """Begin to make an index from a backup; it is ready when its restore job has completed."""
        backup = self.backup(backup_id)
        if backup.state is not State.READY:
            raise precondition_failed(f"Backup {backup_id} is not ready.")
        index = self._index_like(backup, name, tags, deletion_protection=deletion_protection)
        index.ready_at = self.now + self.conduct.restore_takes
        job = RestoreJob(self.new_id(), backup, index, self.now)
        self.restore_jobs[job.id] = job
        self.agenda.add(index.ready_at, self._complete_restore, job)
        return job

    def _index_like(
        self, backup: Backup, name: str, tags: Mapping[str, str] | None, *, deletion_protection: bool
    ) -> Index:
        source = backup.index
        return self.create_index(
            name,
            kind=source.kind,
            cloud=source.cloud,
            region=source.region,
            environment=source.environment,
            fields=backup.fields,
            tags=backup.tags if tags is None else tags,
            deletion_protection=deletion_protection,
            records=backup.record_count,
            namespaces=backup.namespace_count,
            source_backup_id=backup.id,
        )

    def _complete_restore(self, job: RestoreJob) -> None:
        job.completed_at = self.now
        self.changed()
