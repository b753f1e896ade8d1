"""Compare the settings of two complete audits."""

from collections.abc import Iterator, Mapping

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.project_state import Drift, KnownIndex, KnownSchedule, ProjectState
from backup_auditor.domain.settings_history import find_settings_at
from backup_auditor.domain.timefmt import EARLIEST_MOMENT, to_days


def find_drift(before: ProjectState, after: ProjectState, project: Resource) -> tuple[Drift, ...]:
    """Return the changes since the last complete audit; none if there was no complete audit before."""
    if before.complete_at is None:
        return ()
    drift = [*_find_index_drift(before, after, project.project), *_find_schedule_drift(before, after, project.project)]
    drift.sort(key=lambda it: (it.resource.name, it.change, repr(it.before), repr(it.after)))
    if before.policy_sha256 != after.policy_sha256:
        drift.append(Drift("policy changed", project, before.policy_sha256, after.policy_sha256))
    return tuple(drift)


def _find_index_drift(before: ProjectState, after: ProjectState, project: str) -> Iterator[Drift]:
    for name in before.indexes.keys() | after.indexes.keys():
        old, new = before.indexes.get(name), after.indexes.get(name)
        resource = _create_resource(new or old, project, name)
        if old is None or new is None:
            yield Drift(
                "index disappeared" if old else "index appeared", resource, _describe_index(old), _describe_index(new)
            )
            continue
        if old.index_id is not None and old.index_id != new.index_id:
            yield Drift("index re-created", resource, _describe_index(old), _describe_index(new))
        old_protection, new_protection = old.deletion_protection, new.deletion_protection
        if None not in (old_protection, new_protection) and old_protection != new_protection:
            change = f"deletion protection turned {'on' if new_protection else 'off'}"
            yield Drift(change, resource, old_protection, new_protection)


def _create_resource(index: KnownIndex | None, project: str, name: str) -> Resource:
    return Resource(ResourceType.INDEX, project, name, index.index_id if index else None)


def _describe_index(index: KnownIndex | None) -> dict[str, object] | None:
    return None if index is None else {"id": index.index_id, "deletion_protection": index.deletion_protection}


def _find_schedule_drift(before: ProjectState, after: ProjectState, project: str) -> Iterator[Drift]:
    """Compare the schedules of indexes that both audits saw. Other schedules came or went with their index."""
    old_schedules, new_schedules = _find_previous_schedules(before), after.schedules
    for schedule_id in old_schedules.keys() | new_schedules.keys():
        old, new = old_schedules.get(schedule_id), new_schedules.get(schedule_id)
        name = (new or old_schedules[schedule_id]).index_name
        if name not in before.indexes or name not in after.indexes:
            continue
        resource = _create_resource(after.indexes[name], project, name)
        if old is None or new is None:
            change = "schedule deleted" if old else "schedule created"
            yield Drift(change, resource, _describe_settings(old), _describe_settings(new))
            continue
        for change, setting in _find_changes(old, new):
            yield Drift(change, resource, _describe_settings(old, setting), _describe_settings(new, setting))


def _find_previous_schedules(before: ProjectState) -> dict[str, KnownSchedule]:
    """Return the schedules as the last complete audit saw them. An incomplete one may have seen changes since."""
    complete_at = before.complete_at or EARLIEST_MOMENT
    schedules = ((key, find_settings_at(it, complete_at)) for key, it in before.schedules.items())
    return {key: it for key, it in schedules if it is not None}


def _find_changes(old: KnownSchedule, new: KnownSchedule) -> Iterator[tuple[str, str]]:
    if old.enabled is not None and old.enabled != new.enabled:
        yield "schedule resumed" if new.enabled else "schedule paused", "enabled"
    if old.frequency is not None and old.frequency != new.frequency:
        yield _describe_frequency_change(old.frequency, new.frequency), "frequency"
    if old.retention is not None and new.retention is not None and old.retention != new.retention:
        if new.retention < old.retention:
            yield "schedule retention lowered: existing backups now expire earlier", "retention_days"
        else:
            yield "schedule retention raised: existing backups now expire later", "retention_days"


def _describe_frequency_change(old_text: str, new_text: str | None) -> str:
    old_frequency, new_frequency = Frequency.parse(old_text), Frequency.parse(new_text)
    if old_frequency is None or new_frequency is None or old_frequency is new_frequency:
        return "schedule frequency changed"
    return "schedule frequency lowered" if new_frequency.is_slower_than(old_frequency) else "schedule frequency raised"


def _describe_settings(schedule: KnownSchedule | None, setting: str | None = None) -> Mapping[str, object] | None:
    if schedule is None:
        return None
    values = {
        "enabled": schedule.enabled,
        "frequency": schedule.frequency,
        "retention_days": None if schedule.retention is None else to_days(schedule.retention),
    }
    selected_values = {name: value for name, value in values.items() if setting in (None, name)}
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id, **selected_values}
