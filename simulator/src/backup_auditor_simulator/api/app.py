"""Answer a request as the service does: key, version, route, query, permission, and the call itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from backup_auditor_simulator.api import backups, indexes, schedules
from backup_auditor_simulator.api.responses import Call, Response, build_error_response, build_unauthorized_error
from backup_auditor_simulator.api.schemas import Body, Family, find_family
from backup_auditor_simulator.errors import (
    ApiError,
    build_bad_request_error,
    build_not_found_error,
    build_permission_error,
)
from backup_auditor_simulator.project import SimulatedProject

_PAGE_PARAMETERS = frozenset({"limit", "paginationToken"})


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API."""

    handler: Callable[[Call], Response]
    permission: str
    """What a key must be allowed to do, as a refusal words it."""
    parameters: frozenset[str] = frozenset()
    is_schedule_call: bool = False
    new_parameters: frozenset[str] = frozenset()
    """What the query may say besides, in the newest shapes."""

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return not self.permission.endswith(("::list", "::describe"))


def _build_schedule_route(
    handler: Callable[[Call], Response], permission: str, parameters: frozenset[str] = frozenset()
) -> Route:
    return Route(handler, f"control::backup-schedules::{permission}", parameters, is_schedule_call=True)


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
            _PAGE_PARAMETERS,
            new_parameters=frozenset({"include_deleted"}),
        ),
        "POST": Route(backups.create_backup, "control::backups::create"),
    },
    ("indexes", "*", "backup-schedules"): {
        "GET": _build_schedule_route(schedules.list_schedules, "list", _PAGE_PARAMETERS),
        "POST": _build_schedule_route(schedules.create_schedule, "create"),
    },
    ("backups",): {"GET": Route(backups.list_backups, "control::backups::list", _PAGE_PARAMETERS)},
    ("backups", "*"): {
        "GET": Route(backups.describe_backup, "control::backups::describe"),
        "DELETE": Route(backups.delete_backup, "control::backups::delete"),
    },
    ("backups", "*", "create-index"): {
        "POST": Route(backups.create_index_from_backup, "control::backups::restore"),
    },
    ("restore-jobs",): {"GET": Route(backups.list_restore_jobs, "control::restore-jobs::list", _PAGE_PARAMETERS)},
    ("restore-jobs", "*"): {"GET": Route(backups.describe_restore_job, "control::restore-jobs::describe")},
    ("backup-schedules", "*"): {
        "GET": _build_schedule_route(schedules.describe_schedule, "describe"),
        "PATCH": _build_schedule_route(schedules.update_schedule, "update"),
        "DELETE": _build_schedule_route(schedules.delete_schedule, "delete"),
    },
    ("backup-schedules", "*", "history"): {
        "GET": _build_schedule_route(schedules.list_history, "list", _PAGE_PARAMETERS)
    },
}


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Return the call that a method and a path are, and the name or id in the path; `None` if they are none."""
    parts = path.strip("/").split("/")
    pattern = tuple("*" if position == 1 else part for position, part in enumerate(parts))
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


def respond(project: SimulatedProject, request: ParsedRequest) -> Response:
    """Answer a request."""
    family: Family | None = None
    with project.lock:
        try:
            family = find_family(request.version)
            return _handle_call(project, request, family)
        except ApiError as error:
            # A key is looked at before the request reaches the API.
            return build_error_response(error if request.role else build_unauthorized_error(), family)


def _handle_call(project: SimulatedProject, request: ParsedRequest, family: Family) -> Response:
    if request.role is None:
        raise build_unauthorized_error()
    route_match = find_route(request.method, request.path)
    if route_match is None or (route_match[0].is_schedule_call and not family.has_schedules):
        raise build_not_found_error(f"Resource {request.path}")
    route, resource_key = route_match
    for parameter in request.query:
        if parameter not in route.parameters and not (family.is_new and parameter in route.new_parameters):
            raise build_bad_request_error(f"Unknown query parameter `{parameter}`.")
    if route.is_schedule_call and project.options.plan_denies_listings:
        project.require_plan()
    if route.is_write and request.role != EDITOR:
        raise build_permission_error(f"Access denied: Permission {route.permission} is required")
    return route.handler(Call(project, family, resource_key, request.query, Body.parse(request.content)))
