"""Answers a request as the service would: key, version, route, query, permission, and then the call itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from backup_auditor_simulator.api.bodies import Body
from backup_auditor_simulator.api.calls import Answer, Call, refusal
from backup_auditor_simulator.api.routes import find_route
from backup_auditor_simulator.api.versions import Family, family_of, unauthorized
from backup_auditor_simulator.errors import RefusedError, denied, invalid, not_found
from backup_auditor_simulator.world import World

VIEWER = "viewer"
EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    version: str | None
    role: str | None
    """`viewer` or `editor`; `None` where the key is not accepted."""
    content: bytes = b""


def asked(method: str, target: str, headers: Mapping[str, str], roles: Mapping[str, str], content: bytes) -> Asked:
    """Read a request's target and headers (names in lower case). `roles` says what each key may do."""
    parts = urlsplit(target)
    return Asked(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        version=headers.get("x-pinecone-api-version"),
        role=roles.get(headers.get("api-key", "")),
        content=content,
    )


def respond(world: World, request: Asked) -> Answer:
    """Answer a request."""
    family: Family | None = None
    with world.lock:
        try:
            family = family_of(request.version)
            return _call(world, request, family)
        except RefusedError as error:
            # A key is looked at before the request reaches the API.
            return refusal(error if request.role else unauthorized(), family)


def _call(world: World, request: Asked, family: Family) -> Answer:
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
