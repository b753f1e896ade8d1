"""Answer the calls of a service account: access tokens, and the Admin API, read-only."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from backup_auditor_simulator.api.messages import ParsedRequest, Response, build_error_response, encode_json
from backup_auditor_simulator.model import ApiError
from backup_auditor_simulator.organization import OrganizationProject, ServiceAccount, SimulatedOrganization

TOKEN_PATH = "/oauth/token"  # noqa: S105  a path
_ADMIN_PREFIX = "/admin/"
_AUDIENCE = "https://api.pinecone.io/"
_BEARER = "Bearer "


def is_organization_path(path: str) -> bool:
    """Return whether a path is one of the calls of service accounts."""
    return path == TOKEN_PATH or path.startswith(_ADMIN_PREFIX)


def build_token_error(status: int, error: str, description: str) -> Response:
    """Refuse a token in the format of OAuth."""
    return Response(status, encode_json({"error": error, "error_description": description}))


def respond_to_service_account(organization: SimulatedOrganization, request: ParsedRequest) -> Response:
    """Answer a request for a token, or a call of the Admin API."""
    if request.path == TOKEN_PATH:
        return _respond_with_token(organization, request)
    try:
        account = _require_account(organization, request)
        return Response(200, encode_json(_read(organization, account, request.path)))
    except ApiError as error:
        return build_error_response(error, None)


def _require_account(organization: SimulatedOrganization, request: ParsedRequest) -> ServiceAccount:
    """Return the service account of a request, or refuse a wrong token and a write."""
    account = organization.find_account(request.credential.removeprefix(_BEARER))
    if account is None or not request.credential.startswith(_BEARER):
        raise ApiError(401, "Invalid access token.")
    if request.method != "GET":
        raise ApiError(403, "Access denied: the role of the service account only reads.")
    return account


def _respond_with_token(organization: SimulatedOrganization, request: ParsedRequest) -> Response:
    members = _parse_token_request(request.content)
    if request.method != "POST" or not {"client_id", "client_secret", "grant_type", "audience"} <= members.keys():
        return build_token_error(400, "invalid_request", "client_id, client_secret, grant_type, audience are required")
    if members["grant_type"] != "client_credentials":
        return build_token_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
    account = organization.service_accounts.get(str(members["client_id"]))
    if account is None or account.client_secret != members["client_secret"]:
        return build_token_error(401, "access_denied", "Unauthorized")
    if members["audience"] != _AUDIENCE:
        return build_token_error(403, "access_denied", "Service not enabled within domain")
    token = {"access_token": organization.issue_token(account), "token_type": "Bearer"}
    return Response(200, encode_json({**token, "expires_in": int(organization.token_lifetime.total_seconds())}))


def _parse_token_request(content: bytes) -> Mapping[str, Any]:
    """Read a body in JSON, or as a form."""
    try:
        document = json.loads(content or b"{}")
    except ValueError:
        return dict(parse_qsl(content.decode("utf-8", "replace")))
    return document if isinstance(document, dict) else {}


def _read(organization: SimulatedOrganization, account: ServiceAccount, path: str) -> object:
    match path.removeprefix(_ADMIN_PREFIX).split("/"):
        case ["organizations"]:
            return {"data": [_describe_organization(organization)] if account.sees_organization else []}
        case ["organizations", organization.id] if account.sees_organization:
            return _describe_organization(organization)
        case ["projects"]:
            visible_projects = [it for it in organization.projects if account.sees(it)]
            return {"data": [_describe_project(organization, it) for it in visible_projects]}
        case ["projects", project_id]:
            return _describe_project(organization, _require_project(organization, account, project_id))
        case ["projects", project_id, "api-keys"]:
            return {"data": _list_keys(_require_project(organization, account, project_id))}
        case _:
            raise ApiError(404, f"Resource {path} not found.")


def _require_project(
    organization: SimulatedOrganization, account: ServiceAccount, project_id: str
) -> OrganizationProject:
    project = next((it for it in organization.projects if it.id == project_id), None)
    if project is None:
        raise ApiError(404, f"Project {project_id} not found.")
    if not account.sees(project):
        raise ApiError(403, "Access denied: the service account has no role in the project.")
    return project


def _describe_organization(organization: SimulatedOrganization) -> dict[str, object]:
    return {
        "id": organization.id,
        "name": organization.name,
        "plan": organization.plan,
        "payment_status": organization.payment_status,
        "created_at": organization.created_at.isoformat(),
        "support_tier": "Free",
    }


def _describe_project(organization: SimulatedOrganization, project: OrganizationProject) -> dict[str, object]:
    return {
        "id": project.id,
        "name": project.name,
        "max_pods": 0,
        "force_encryption_with_cmek": False,
        "organization_id": organization.id,
        "created_at": project.created_at.isoformat(),
    }


_API_ROLES = {"viewer": ["ControlPlaneViewer"], "editor": ["ControlPlaneEditor"]}
_DRILL_ROLES = ["ControlPlaneEditor", "DataPlaneViewer"]


def _list_keys(project: OrganizationProject) -> list[dict[str, object]]:
    """Return the keys of a project, without their values."""
    return [
        {
            "id": f"{project.id[: -len(role)]}{role}",
            "name": role,
            "project_id": project.id,
            "roles": _API_ROLES.get(role, _DRILL_ROLES),
        }
        for role in project.keys.values()
    ]
