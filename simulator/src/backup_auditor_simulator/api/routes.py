"""Which call a method and a path are, what it needs, and what its query may say."""

from collections.abc import Callable
from dataclasses import dataclass

from backup_auditor_simulator.api import backup_calls, index_calls, schedule_calls
from backup_auditor_simulator.api.calls import Answer, Call

_PAGED = frozenset({"limit", "paginationToken"})


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API."""

    answer: Callable[[Call], Answer]
    permission: str
    """What a key must be allowed to do, as a refusal words it."""
    query: frozenset[str] = frozenset()
    is_about_schedules: bool = False
    new_query: frozenset[str] = frozenset()
    """What the query may say besides, in the newest shapes."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return not self.permission.endswith(("::list", "::describe"))


def _schedules(answer: Callable[[Call], Answer], permission: str, query: frozenset[str] = frozenset()) -> Route:
    return Route(answer, f"control::backup-schedules::{permission}", query, is_about_schedules=True)


_ROUTES: dict[tuple[str, ...], dict[str, Route]] = {
    ("indexes",): {
        "GET": Route(index_calls.list_indexes, "control::indexes::list"),
        "POST": Route(index_calls.create_index, "control::indexes::create"),
    },
    ("indexes", "*"): {
        "GET": Route(index_calls.describe_index, "control::indexes::describe"),
        "PATCH": Route(index_calls.configure_index, "control::indexes::configure"),
        "DELETE": Route(index_calls.delete_index, "control::indexes::delete"),
    },
    ("indexes", "*", "backups"): {
        "GET": Route(
            backup_calls.list_index_backups,
            "control::backups::list",
            _PAGED,
            new_query=frozenset({"include_deleted"}),
        ),
        "POST": Route(backup_calls.create_backup, "control::backups::create"),
    },
    ("indexes", "*", "backup-schedules"): {
        "GET": _schedules(schedule_calls.list_schedules, "list", _PAGED),
        "POST": _schedules(schedule_calls.create_schedule, "create"),
    },
    ("backups",): {"GET": Route(backup_calls.list_backups, "control::backups::list", _PAGED)},
    ("backups", "*"): {
        "GET": Route(backup_calls.describe_backup, "control::backups::describe"),
        "DELETE": Route(backup_calls.delete_backup, "control::backups::delete"),
    },
    ("backups", "*", "create-index"): {
        "POST": Route(backup_calls.create_index_from_backup, "control::backups::restore"),
    },
    ("restore-jobs",): {"GET": Route(backup_calls.list_restore_jobs, "control::restore-jobs::list", _PAGED)},
    ("restore-jobs", "*"): {"GET": Route(backup_calls.describe_restore_job, "control::restore-jobs::describe")},
    ("backup-schedules", "*"): {
        "GET": _schedules(schedule_calls.describe_schedule, "describe"),
        "PATCH": _schedules(schedule_calls.update_schedule, "update"),
        "DELETE": _schedules(schedule_calls.delete_schedule, "delete"),
    },
    ("backup-schedules", "*", "history"): {"GET": _schedules(schedule_calls.list_history, "list", _PAGED)},
}


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Return the call that a method and a path are, and the name or id in the path; `None` if they are none."""
    parts = path.strip("/").split("/")
    pattern = tuple("*" if place == 1 else part for place, part in enumerate(parts))
    route = _ROUTES.get(pattern, {}).get(method)
    return None if route is None else (route, parts[1] if len(parts) > 1 else "")
