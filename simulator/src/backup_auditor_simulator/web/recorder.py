"""What all connections share: project, keys, faults, latency and the recorded requests."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from backup_auditor_simulator.api.admin import is_organization_path, respond_to_service_account
from backup_auditor_simulator.api.app import respond
from backup_auditor_simulator.api.messages import (
    ParsedRequest,
    Response,
    build_error_response,
    encode_json,
    write_token,
)
from backup_auditor_simulator.model import DRILLER, EDITOR, VIEWER, ApiError
from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault, FaultKind

VIEWER_KEY = "viewer-key-for-tests"
EDITOR_KEY = "editor-key-for-tests"
DRILL_KEY = "drill-key-for-tests"
_ROLES = {VIEWER_KEY: VIEWER, EDITOR_KEY: EDITOR, DRILL_KEY: DRILLER}


@dataclass(slots=True, eq=False)
class RequestRecorder:
    """The receiver of the requests of all connections."""

    project: SimulatedProject
    latency: float = 0.0
    """Seconds before every answer."""
    clock: Callable[[], datetime] | None = None
    """What the clock of the project follows; `None` if it stops until it is set."""
    requests: list[ParsedRequest] = field(default_factory=list)
    """Every request so far, in the order of arrival; those under `/_simulator/` are not among them."""
    faults: list[Fault] = field(default_factory=list)
    roles: Mapping[str, str] = field(default_factory=lambda: dict(_ROLES))
    organization: SimulatedOrganization | None = None
    """The organization whose projects are served by their keys; `None` for the one project."""

    def serve_project(self, project: SimulatedProject) -> None:
        """Serve one project instead of what was served before."""
        if self.organization is not None:
            self.organization, self.roles = None, dict(_ROLES)
        self.project = project

    def serve_organization(self, organization: SimulatedOrganization) -> None:
        """Serve the projects of an organization by their keys instead of one project."""
        self.organization, self.roles = organization, organization.roles
        self.project = organization.projects[0].project

    def record(self, request: ParsedRequest) -> None:
        """Record a request."""
        self.requests.append(request)

    def follow_clock(self) -> None:
        """Advance the project to the time of its clock."""
        if self.clock is not None:
            self.advance_to(self.clock())

    def advance_to(self, moment: datetime) -> None:
        """Let time pass in everything that is served."""
        (self.organization or self.project).advance_to(moment)

    def build_response(self, request: ParsedRequest, fault: Fault | None) -> Response:
        """Process a request, and return the answer to send."""
        try:
            self.follow_clock()
            response = fault.build_response(request) if fault else None
            if response is None:
                if fault and fault.change is not None:
                    with self.project.lock:
                        fault.change(self.project)
                response = self._respond(request)
            if fault and fault.kind is FaultKind.REPEAT_TOKEN:
                response = _repeat_token(response, request.query.get("paginationToken"))
        except Exception:  # noqa: BLE001  a mistake in a planted change is shown, and leaves no client waiting
            traceback.print_exc()
            return build_error_response(ApiError(500, "Internal server error"), None)
        return response

    def _respond(self, request: ParsedRequest) -> Response:
        if self.organization is None:
            return respond(self.project, request)
        if is_organization_path(request.path):
            return respond_to_service_account(self.organization, request)
        return respond(self.organization.find_project(request.credential) or self.project, request)


def _repeat_token(response: Response, token: str | None) -> Response:
    document = json.loads(response.content)
    rows = document.get("data", [])
    document["pagination"] = {"next": token or write_token(0, len(rows) or 1)}
    return replace(response, content=encode_json(document))
