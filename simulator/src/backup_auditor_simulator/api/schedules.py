"""The calls about backup schedules."""

from backup_auditor_simulator.api.responses import Answer, Call
from backup_auditor_simulator.api.schemas import run_row, schedule_row
from backup_auditor_simulator.errors import invalid
from backup_auditor_simulator.model import Schedule


def list_schedules(call: Call) -> Answer:
    """List the schedules of an index, paused ones too."""
    index = call.world.backed_up_index(call.key)
    return call.page(call.world.in_order(index.schedules.values()), lambda schedule: _schedule_row(call, schedule))


def create_schedule(call: Call) -> Answer:
    """Create a schedule. The plan is looked at first: it can hide that there is no such index."""
    body = call.body
    name, cadence, retention = body.need("name", str), body.inner("schedule"), body.inner("retention")
    kind, frequency, days = (
        cadence.need("type", str),
        cadence.need("frequency", str),
        retention.need("expire_after_days", int),
    )
    for part in (body, cadence, retention):
        part.end()
    if kind != "time-based":
        raise invalid("schedule.type must be time-based.")
    return call.created(_schedule_row(call, call.world.create_schedule(call.key, name, frequency, days)))


def describe_schedule(call: Call) -> Answer:
    """Describe a schedule."""
    return Answer(200, _schedule_row(call, call.world.schedule(call.key)))


def update_schedule(call: Call) -> Answer:
    """Change a schedule: `frequency` stands at the top here, unlike in the creation."""
    body = call.body
    enabled, frequency, retention = (
        body.take("enabled", bool),
        body.take("frequency", str),
        body.inner_or_none("retention"),
    )
    days = None if retention is None else retention.need("expire_after_days", int)
    for part in (body, retention):
        if part is not None:
            part.end()
    changed = call.world.update_schedule(call.key, enabled=enabled, frequency=frequency, retention_days=days)
    return Answer(200, _schedule_row(call, changed))


def delete_schedule(call: Call) -> Answer:
    """Delete a schedule. A second time it is not found."""
    call.world.delete_schedule(call.key)
    return Answer(204)


def list_history(call: Call) -> Answer:
    """List the backups that a schedule made, and the run that is planned next."""
    runs = call.world.in_order(call.world.schedule(call.key).runs.values())
    return call.page(runs, lambda run: run_row(run, call.family, call.world.conduct))


def _schedule_row(call: Call, schedule: Schedule) -> bytes:
    return schedule_row(schedule, call.family, call.world.conduct, call.world.project_id)
