"""What changed in the settings since the last complete audit: comparing what was remembered with what is now."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from backup_auditor.domain.finding import Resource, ResourceType
from backup_auditor.domain.model import Frequency
from backup_auditor.domain.project_state import Drift, KnownIndex, KnownSchedule, ProjectState
from backup_auditor.domain.settings_history import settings_at
from backup_auditor.domain.timefmt import days


def drift_between(before: ProjectState, after: ProjectState, project: Resource) -> tuple[Drift, ...]:
    """Tell what changed between two complete audits; before the first there is nothing to compare with."""
    if before.complete_at is None:
        return ()
    found = list(_of_indexes(before, after, project.project))
    found += _Schedules(before, after, project.project).drift()
    found.sort(key=lambda it: (it.resource.name, it.what, repr(it.before), repr(it.after)))
    if before.policy_sha256 != after.policy_sha256:
        found.append(Drift("policy changed", project, before.policy_sha256, after.policy_sha256))
    return tuple(found)


def _of_indexes(before: ProjectState, after: ProjectState, project: str) -> Iterator[Drift]:
    for name in before.indexes.keys() | after.indexes.keys():
        old, new = before.indexes.get(name), after.indexes.get(name)
        resource = _resource(new or old, project, name)
        if old is None or new is None:
            yield Drift("index disappeared" if old else "index appeared", resource, _facts(old), _facts(new))
            continue
        if old.index_id is not None and old.index_id != new.index_id:
            yield Drift("index re-created", resource, _facts(old), _facts(new))
        was, is_now = old.deletion_protection, new.deletion_protection
        if None not in (was, is_now) and was != is_now:
            yield Drift(f"deletion protection turned {'on' if is_now else 'off'}", resource, was, is_now)


def _resource(index: KnownIndex | None, project: str, name: str) -> Resource:
    return Resource(ResourceType.INDEX, project, name, index.index_id if index else None)


def _facts(index: KnownIndex | None) -> dict[str, object] | None:
    return None if index is None else {"id": index.index_id, "deletion_protection": index.deletion_protection}


@dataclass(frozen=True, slots=True)
class _Schedules:
    """The schedules of the indexes that were and are; those of others came or went with their index."""

    before: ProjectState
    after: ProjectState
    project: str

    def drift(self) -> Iterator[Drift]:
        old, new = self._before(), self.after.schedules
        for schedule_id in old.keys() | new.keys():
            was, is_now = old.get(schedule_id), new.get(schedule_id)
            name = (is_now or old[schedule_id]).index_name
            if name not in self.before.indexes or name not in self.after.indexes:
                continue
            resource = _resource(self.after.indexes[name], self.project, name)
            if was is None or is_now is None:
                what = "schedule deleted" if was else "schedule created"
                yield Drift(what, resource, _settings(was), _settings(is_now))
                continue
            for what, setting in _changes(was, is_now):
                yield Drift(what, resource, _settings(was, setting), _settings(is_now, setting))

    def _before(self) -> dict[str, KnownSchedule]:
        """Return the schedules as the last complete audit saw them: an incomplete one may have seen changes since."""
        at = self.before.complete_at
        seen = ((key, it if at is None else settings_at(it, at)) for key, it in self.before.schedules.items())
        return {key: it for key, it in seen if it is not None}


def _changes(was: KnownSchedule, is_now: KnownSchedule) -> Iterator[tuple[str, str]]:
    if was.enabled is not None and was.enabled != is_now.enabled:
        yield "schedule resumed" if is_now.enabled else "schedule paused", "enabled"
    if was.frequency is not None and was.frequency != is_now.frequency:
        yield _frequency_change(was.frequency, is_now.frequency), "frequency"
    if was.retention is not None and is_now.retention is not None and was.retention != is_now.retention:
        if is_now.retention < was.retention:
            yield "schedule retention lowered: existing backups now expire earlier", "retention_days"
        else:
            yield "schedule retention raised: existing backups now expire later", "retention_days"


def _frequency_change(was: str, is_now: str | None) -> str:
    old, new = Frequency.of(was), Frequency.of(is_now)
    if old is None or new is None or old is new:
        return "schedule frequency changed"
    return "schedule frequency lowered" if new.is_slower_than(old) else "schedule frequency raised"


def _settings(schedule: KnownSchedule | None, only: str | None = None) -> Mapping[str, object] | None:
    if schedule is None:
        return None
    settings: dict[str, Callable[[], object]] = {
        "enabled": lambda: schedule.enabled,
        "frequency": lambda: schedule.frequency,
        "retention_days": lambda: _days(schedule.retention),
    }
    chosen = {name: value() for name, value in settings.items() if only in (None, name)}
    return {"schedule": schedule.name, "schedule_id": schedule.schedule_id, **chosen}


def _days(length: timedelta | None) -> float | int | None:
    return None if length is None else days(length)
