"""Answer a request as the service does: key, version, route, query, permission, and the call itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from backup_auditor_simulator.api import backups, indexes, schedules
from backup_auditor_simulator.api.responses import Answer, Call, refusal, unauthorized
from backup_auditor_simulator.api.schemas import Body, Family, family_of
from backup_auditor_simulator.errors import RefusedError, denied, invalid, not_found
from backup_auditor_simulator.project import SimulatedProject

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
        "GET": Route(indexes.list_indexes, "control::indexes::list"),
        "POST": Route(indexes.create_index, "control::indexes::create"),
    },
    ("indexes", "*"): {
        "GET": Route(indexes.describe_index, "control::indexes::describe"),
        "PATCH": Route(indexes.configure_index, "control::indexes::configure"),
        "DELETE": Route(indexes.delete_index, "control::indexes::delete"),
    },
    ("indexes", "*", "backups"): {
        "GET": Route(
            backups.list_index_backups,
            "control::backups::list",
            _PAGED,
            new_query=frozenset({"include_deleted"}),
        ),
        "POST": Route(backups.create_backup, "control::backups::create"),
    },
    ("indexes", "*", "backup-schedules"): {
        "GET": _schedules(schedules.list_schedules, "list", _PAGED),
        "POST": _schedules(schedules.create_schedule, "create"),
    },
    ("backups",): {"GET": Route(backups.list_backups, "control::backups::list", _PAGED)},
    ("backups", "*"): {
        "GET": Route(backups.describe_backup, "control::backups::describe"),
        "DELETE": Route(backups.delete_backup, "control::backups::delete"),
    },
    ("backups", "*", "create-index"): {
        "POST": Route(backups.create_index_from_backup, "control::backups::restore"),
    },
    ("restore-jobs",): {"GET": Route(backups.list_restore_jobs, "control::restore-jobs::list", _PAGED)},
    ("restore-jobs", "*"): {"GET": Route(backups.describe_restore_job, "control::restore-jobs::describe")},
    ("backup-schedules", "*"): {
        "GET": _schedules(schedules.describe_schedule, "describe"),
        "PATCH": _schedules(schedules.update_schedule, "update"),
        "DELETE": _schedules(schedules.delete_schedule, "delete"),
    },
    ("backup-schedules", "*", "history"): {"GET": _schedules(schedules.list_history, "list", _PAGED)},
}


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Return the call that a method and a path are, and the name or id in the path; `None` if they are none."""
    parts = path.strip("/").split("/")
    pattern = tuple("*" if place == 1 else part for place, part in enumerate(parts))
    route = _ROUTES.get(pattern, {}).get(method)
    return None if route is None else (route, parts[1] if len(parts) > 1 else "")


VIEWER = "viewer"
EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    version: str | None
    role: str | None
    """`viewer` or `editor`; `None` where the key is not accepted."""
    content: bytes = b""


def parse_request(
    method: str, target: str, headers: Mapping[str, str], roles: Mapping[str, str], content: bytes
) -> ParsedRequest:
    """Read a request's target and headers (names in lower case). `roles` says what each key may do."""
    parts = urlsplit(target)
    return ParsedRequest(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        version=headers.get("x-pinecone-api-version"),
        role=roles.get(headers.get("api-key", "")),
        content=content,
    )


def respond(world: SimulatedProject, request: ParsedRequest) -> Answer:
    """Answer a request."""
    family: Family | None = None
    with world.lock:
        try:
            family = family_of(request.version)
            return _call(world, request, family)
        except RefusedError as error:
            # A key is looked at before the request reaches the API.
            return refusal(error if request.role else unauthorized(), family)


def _call(world: SimulatedProject, request: ParsedRequest, family: Family) -> Answer:
    if request.role is None:
        raise unauthorized()
    found = find_route(request.method, request.path)
    if found is None or (found[0].is_about_schedules and not family.has_schedules):
        raise not_found(f"Resource {request.path}")
    route, key = found
    for name in request.query:
        if name not in route.query and not (family.is_new and name in route.new_query):
            raise invalid(f"Unknown query parameter `{name}`.")
    if route.is_about_schedules and world.conduct.plan_refuses_listings:
        world.need_plan()
    if route.writes and request.role != EDITOR:
        raise denied(f"Access denied: Permission {route.permission} is required")
    return route.answer(Call(world, family, key, request.query, Body.read(request.content)))
