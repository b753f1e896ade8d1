"""The calls about backups and restore jobs."""

from collections.abc import Sequence

from backup_auditor_simulator.api.responses import Answer, Call
from backup_auditor_simulator.api.schemas import backup_row, encode, restore_row
from backup_auditor_simulator.errors import invalid, not_found
from backup_auditor_simulator.model import Backup, Kind


def list_backups(call: Call) -> Answer:
    """List the backups of the whole project, those of deleted indexes too."""
    return _page(call, call.world.project_listing())


def list_index_backups(call: Call) -> Answer:
    """List the backups of the live index of a name, or of every index that ever had it."""
    world = call.world
    wanted = call.query.get("include_deleted", "false")
    if wanted not in {"true", "false"}:
        raise invalid("include_deleted must be true or false.")
    if wanted == "true":
        found = world.incarnations(call.key)
        if not found:
            raise not_found(f"Index {call.key}")
        if all(it.kind is Kind.POD for it in found):
            raise invalid("Backups are not supported for pod-based indexes.")
    else:
        found = [world.backed_up_index(call.key)]
    return _page(call, world.listed(backup for index in found for backup in index.backups.values()))


def _page(call: Call, backups: Sequence[Backup]) -> Answer:
    family, conduct = call.family, call.world.conduct
    return call.page(backups, lambda backup: backup_row(backup, family, conduct))


def create_backup(call: Call) -> Answer:
    """Begin a manual backup."""
    name, description = call.body.take("name", str), call.body.take("description", str)
    call.body.end()
    return call.created(_backup_target(call, call.world.create_backup(call.key, name, description)))


def describe_backup(call: Call) -> Answer:
    """Describe a backup."""
    return Answer(200, _backup_target(call, call.world.backup(call.key)))


def _backup_target(call: Call, backup: Backup) -> bytes:
    return backup_row(backup, call.family, call.world.conduct)


def delete_backup(call: Call) -> Answer:
    """Accept that a backup be deleted."""
    call.world.delete_backup(call.key)
    return Answer(202)


def create_index_from_backup(call: Call) -> Answer:
    """Begin to make an index from a backup."""
    name = call.body.need("name", str)
    tags = call.body.texts("tags")
    protection = call.body.take("deletion_protection", str)
    call.body.take("read_capacity", dict)
    call.body.end()
    job = call.world.create_index_from_backup(call.key, name, tags=tags, deletion_protection=protection == "enabled")
    return Answer(202, encode({"restore_job_id": job.id, "index_id": job.index.id}))


def list_restore_jobs(call: Call) -> Answer:
    """List the restore jobs of the project."""
    jobs = call.world.in_order(call.world.restore_jobs.values())
    return call.page(jobs, lambda job: restore_row(job, call.family))


def describe_restore_job(call: Call) -> Answer:
    """Describe a restore job."""
    return Answer(200, restore_row(call.world.restore_job(call.key), call.family))
