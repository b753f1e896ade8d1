"""Answer a request as the service does: key, version, route, query, permission, and the call itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from backup_auditor_simulator.api import backups, indexes, schedules
from backup_auditor_simulator.api.admin import TOKEN_PATH
from backup_auditor_simulator.api.data_plane import (
    build_gateway_response,
    find_data_handler,
    is_data_path,
    respond_with_records,
)
from backup_auditor_simulator.api.messages import (
    Body,
    Call,
    Family,
    ParsedRequest,
    Response,
    build_error_response,
    find_family,
)
from backup_auditor_simulator.model import DRILLER, VIEWER, ApiError
from backup_auditor_simulator.project import SimulatedProject

_KEY_MESSAGE = "Invalid API key."
_PAGE_PARAMETERS = frozenset({"limit", "paginationToken"})


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API."""

    handler: Callable[[Call], Response]
    permission: str
    """The permission that a key needs: resource and action."""
    parameters: frozenset[str] = frozenset()
    """The query parameters that every family knows."""
    new_parameters: frozenset[str] = frozenset()
    """The query parameters that only the newest shapes know."""

    @property
    def is_write(self) -> bool:
        """Whether the call changes the project."""
        return not self.permission.endswith(("::list", "::describe"))

    @property
    def is_schedule_call(self) -> bool:
        """Whether only API families with backup schedules have the call."""
        return self.permission.startswith("backup-schedules::")


_ROUTES = {
    "GET indexes": Route(indexes.list_indexes, "indexes::list"),
    "POST indexes": Route(indexes.create_index, "indexes::create"),
    "GET indexes/*": Route(indexes.describe_index, "indexes::describe"),
    "PATCH indexes/*": Route(indexes.configure_index, "indexes::configure"),
    "DELETE indexes/*": Route(indexes.delete_index, "indexes::delete"),
    "GET indexes/*/backups": Route(
        backups.list_index_backups, "backups::list", _PAGE_PARAMETERS, frozenset({"include_deleted"})
    ),
    "POST indexes/*/backups": Route(backups.create_backup, "backups::create"),
    "GET indexes/*/backup-schedules": Route(schedules.list_schedules, "backup-schedules::list", _PAGE_PARAMETERS),
    "POST indexes/*/backup-schedules": Route(schedules.create_schedule, "backup-schedules::create"),
    "GET backups": Route(backups.list_backups, "backups::list", _PAGE_PARAMETERS),
    "GET backups/*": Route(backups.describe_backup, "backups::describe"),
    "DELETE backups/*": Route(backups.delete_backup, "backups::delete"),
    "POST backups/*/create-index": Route(backups.create_index_from_backup, "backups::restore"),
    "GET restore-jobs": Route(backups.list_restore_jobs, "restore-jobs::list", _PAGE_PARAMETERS),
    "GET restore-jobs/*": Route(backups.describe_restore_job, "restore-jobs::describe"),
    "GET backup-schedules/*": Route(schedules.describe_schedule, "backup-schedules::describe"),
    "PATCH backup-schedules/*": Route(schedules.update_schedule, "backup-schedules::update"),
    "DELETE backup-schedules/*": Route(schedules.delete_schedule, "backup-schedules::delete"),
    "GET backup-schedules/*/history": Route(schedules.list_history, "backup-schedules::list", _PAGE_PARAMETERS),
}
"""Every call, by its method and its path, in which `*` is a name or an id."""


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Return the call of a method and a path, and the name or id in the path; `None` if there is no such call."""
    collection, *rest = path.strip("/").split("/")
    route = _ROUTES.get(f"{method} {'/'.join([collection, *(['*', *rest[1:]] if rest else [])])}")
    return None if route is None else (route, rest[0] if rest else "")


def parse_request(
    method: str, target: str, headers: Mapping[str, str], roles: Mapping[str, str], content: bytes
) -> ParsedRequest:
    """Read a request's target and headers (names in lower case). `roles` says what each key may do."""
    parts = urlsplit(target)
    path, parameters = unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True)
    return ParsedRequest(
        method=method,
        host=headers.get("host", ""),
        path=path,
        query=dict(parameters),
        ids=[value for name, value in parameters if name == "ids"],
        version=headers.get("x-pinecone-api-version"),
        role=roles.get(headers.get("api-key", "")),
        is_write=method != "GET" and path != TOKEN_PATH and find_data_handler(method, path) is None,
        credential=headers.get("api-key") or headers.get("authorization", ""),
        content=content,
    )


def respond(project: SimulatedProject, request: ParsedRequest) -> Response:
    """Answer a request."""
    family: Family | None = None
    is_data_call = is_data_path(request.path)
    with project.lock:
        try:
            family = find_family(request.version)
            return (_handle_data_call if is_data_call else _handle_call)(project, request, family)
        except ApiError as error:
            # The key is checked before the request reaches the API.
            refusal = error if request.role else ApiError(401, _KEY_MESSAGE)
            return build_gateway_response(refusal) if is_data_call else build_error_response(refusal, family)


def _handle_data_call(project: SimulatedProject, request: ParsedRequest, family: Family) -> Response:
    if request.role is None:
        raise ApiError(401, _KEY_MESSAGE)
    if request.role != DRILLER:
        raise ApiError(403, "Forbidden")
    return respond_with_records(project, request, family)


def _handle_call(project: SimulatedProject, request: ParsedRequest, family: Family) -> Response:
    if request.role is None:
        raise ApiError(401, _KEY_MESSAGE)
    route_match = find_route(request.method, request.path)
    if route_match is None or (route_match[0].is_schedule_call and not family.has_schedules):
        raise ApiError(404, f"Resource {request.path} not found.")
    route, resource_key = route_match
    for parameter in request.query:
        if parameter not in route.parameters and not (family.is_new and parameter in route.new_parameters):
            raise ApiError(400, f"Unknown query parameter `{parameter}`.")
    if route.is_schedule_call and project.options.plan_denies_listings:
        project.require_plan()
    if route.is_write and request.role == VIEWER:
        raise ApiError(403, f"Access denied: Permission control::{route.permission} is required")
    body = Body.parse(request.content)
    return route.handler(Call(project, family, f"http://{request.host}", resource_key, request.query, body))
