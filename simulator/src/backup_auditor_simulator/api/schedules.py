"""The calls about backup schedules."""

from backup_auditor_simulator.api.messages import Call, Response, encode_json, write_moment, write_run
from backup_auditor_simulator.model import ApiError, Schedule
from backup_auditor_simulator.options import PausedNextRun


def list_schedules(call: Call) -> Response:
    """List the schedules of an index, including paused ones."""
    index = call.project.get_index_for_listing(call.resource_key)
    return call.build_page_response(
        call.project.order_rows(index.schedules.values()), lambda schedule: _write_schedule(call, schedule)
    )


def create_schedule(call: Call) -> Response:
    """Create a schedule. The plan is checked first, so a missing index is not reported on a plan without schedules."""
    body = call.body
    name = body.require("name", str)
    schedule_body, retention_body = body.require_object("schedule"), body.require_object("retention")
    schedule_type, frequency = schedule_body.require("type", str), schedule_body.require("frequency", str)
    retention_days = retention_body.require("expire_after_days", int)
    for part in (body, schedule_body, retention_body):
        part.reject_unknown_fields()
    if schedule_type != "time-based":
        raise ApiError(400, "schedule.type must be time-based.")
    return call.build_created_response(
        _write_schedule(call, call.project.create_schedule(call.resource_key, name, frequency, retention_days))
    )


def describe_schedule(call: Call) -> Response:
    """Describe a schedule."""
    return Response(200, _write_schedule(call, call.project.get_schedule(call.resource_key)))


def update_schedule(call: Call) -> Response:
    """Change a schedule. Unlike at creation, `frequency` is a field of the body itself."""
    body = call.body
    enabled, frequency = body.take("enabled", bool), body.take("frequency", str)
    retention_body = body.take_object("retention")
    retention_days = None if retention_body is None else retention_body.require("expire_after_days", int)
    for part in (body, retention_body):
        if part is not None:
            part.reject_unknown_fields()
    schedule = call.project.update_schedule(
        call.resource_key, enabled=enabled, frequency=frequency, retention_days=retention_days
    )
    return Response(200, _write_schedule(call, schedule))


def delete_schedule(call: Call) -> Response:
    """Delete a schedule. A second deletion answers 404."""
    call.project.delete_schedule(call.resource_key)
    return Response(204)


def list_history(call: Call) -> Response:
    """List the backups that a schedule made, and the run that is planned next."""
    runs = call.project.order_rows(call.project.get_schedule(call.resource_key).runs.values())
    return call.build_page_response(runs, lambda run: write_run(run, call.family, call.project.options))


def _write_schedule(call: Call, schedule: Schedule) -> bytes:
    options = call.project.options
    next_run = schedule.next_run if schedule.enabled or options.paused_next_run is PausedNextRun.STALE else None
    row = {
        "schedule_id": schedule.id,
        "name": schedule.name,
        "index_id": schedule.index.id,
        "project_id": call.project.project_id,
        "schedule_type": "time-based",
        "frequency": schedule.frequency,
        "retention_expire_after_days": schedule.retention.days,
        "enabled": schedule.enabled,
        "next_scheduled_run": None if next_run is None else write_moment(next_run, call.family, schedule.id + "next"),
        "created_at": write_moment(schedule.created_at, call.family, schedule.id),
    }
    if not schedule.enabled and options.paused_next_run is PausedNextRun.ABSENT:
        del row["next_scheduled_run"]
    return encode_json(row)
