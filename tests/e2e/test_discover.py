"""Test `registry discover` as a user runs it, beside audits that make the ids of projects known."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.domain.text import measure_width
from backup_auditor_simulator.organization import CLIENT_ID, CLIENT_SECRET, ServiceAccount, SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.scenarios.organization import build_organization
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import CompletedCommand, build_environment, run_command
from support.simulator import SIMULATED_NOW, serve

REGISTRY = """\
version: 1
defaults: {key_env: "KEY_{NAME}"}
ignore:
  - {project: playground, owner: search-team, reason: nothing to back up, expires: 2999-12-31}
projects:
"""


@dataclass(frozen=True)
class Fleet:
    """An organization, a registry, and the states of its projects."""

    server: Server
    organization: SimulatedOrganization
    folder: Path

    @property
    def registry(self) -> Path:
        """The file of the registry."""
        return self.folder / "projects.yaml"

    def write_registry(self, *entries: str, head: str = REGISTRY) -> None:
        """Write a registry of entries."""
        self.registry.write_text(head + "".join(f"  - {it}\n" for it in entries))

    def run(self, *arguments: str | Path, **variables: str) -> CompletedCommand:
        """Run the command with the keys of all projects and the service account."""
        keys = {f"KEY_{it.name.upper()}": it.viewer_key for it in self.organization.projects}
        account = {"PINECONE_CLIENT_ID": CLIENT_ID, "PINECONE_CLIENT_SECRET": CLIENT_SECRET}
        hosts = {"PINECONE_CONTROLLER_HOST": self.server.url, "PINECONE_OAUTH_URL": self.server.oauth_url}
        state = {"XDG_STATE_HOME": str(self.folder)}
        env = build_environment(**{**keys, **account, **hosts, **state, "COLUMNS": "200", **variables})
        return run_command(*arguments, env=env, cwd=self.folder)

    def audit(self) -> None:
        """Audit every registered project."""
        now = SIMULATED_NOW.isoformat()
        assert self.run("audit", "--registry", self.registry, "--now", now).exit_code in {0, 1}

    def discover(self, *flags: str | Path, **variables: str) -> CompletedCommand:
        """Compare the registry with the organization."""
        return self.run("registry", "discover", "--registry", self.registry, *flags, **variables)

    def read_statuses(self) -> dict[str, Any]:
        """Return the status of each row by the name of its entry or project."""
        document = json.loads(self.discover("--format", "json").output)
        return {it["entry"] or it["name"]: it["status"] for it in document["projects"]}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Serve an organization of five projects."""
    organization = build_organization(SIMULATED_NOW)
    with serve(organization) as server:
        yield Fleet(server, organization, tmp_path)


def test_a_fleet_is_registered_step_by_step(fleet: Fleet) -> None:
    """The first registry comes from the organization; audits and ids make each entry known; then nothing is left."""
    first = fleet.run("registry", "discover", "--format", "yaml")
    assert (first.exit_code, first.error_output) == (1, "")
    fleet.registry.write_text(first.output)
    assert fleet.run("registry", "validate", fleet.registry).exit_code == 0
    assert fleet.discover().exit_code == 0

    fleet.write_registry("search", "support", "catalog")
    unaudited = fleet.discover()
    assert unaudited.exit_code == 3
    assert "no audit has read its project id" in unaudited.output

    fleet.audit()
    assert fleet.read_statuses() == {
        "payments": "unregistered",
        "search": "registered",
        "support": "registered",
        "catalog": "registered",
        "playground": "ignored",
    }
    pasted_lines = fleet.discover("--format", "yaml")
    assert pasted_lines.exit_code == 1
    fleet.registry.write_text(fleet.registry.read_text() + pasted_lines.output)
    final = fleet.discover()
    assert (final.exit_code, final.error_output) == (0, "")
    assert "4 registered, 1 ignored" in final.output


def test_a_project_that_is_gone_or_renamed_is_shown(fleet: Fleet) -> None:
    """After a project is deleted or renamed at Pinecone, its entry says so."""
    fleet.write_registry("search", "support", "catalog")
    fleet.audit()
    search, support, *others = fleet.organization.projects
    fleet.organization.projects[:] = [support, *others]
    support.name = "helpdesk"
    assert fleet.read_statuses() == {
        "payments": "unregistered",
        "search": "gone",
        "support": "renamed",
        "catalog": "registered",
        "playground": "ignored",
    }
    assert fleet.discover().exit_code == 1
    assert f"/admin/projects/{search.id}" in {it.path for it in fleet.server.requests}


def test_an_entry_with_the_key_of_another_project_is_not_audited(fleet: Fleet) -> None:
    """Its exit code is 2, and the message has both ids and what to do; the other entry is audited."""
    search, support, *_ = fleet.organization.projects
    fleet.write_registry(
        f"{{name: wrong, key_env: KEY_SEARCH, project_id: {support.id}}}",
        f"{{name: right, key_env: KEY_SEARCH, project_id: {search.id}}}",
    )
    for flags in (("--no-state",), ()):
        result = fleet.run("audit", "--registry", fleet.registry, "--now", SIMULATED_NOW.isoformat(), *flags)
        assert result.exit_code == 2
        assert result.error_output == (
            f"backup-auditor: wrong: the registry entry of wrong names Pinecone project {support.id}, but {search.id}"
            f" was read; nothing was compared or recorded; store a key of {support.id} in the variable KEY_SEARCH, or"
            " correct project_id of the entry\n"
        )
    assert fleet.read_statuses()["right"] == "renamed"


def test_an_account_that_sees_nothing_is_no_access(fleet: Fleet) -> None:
    """An empty list is exit code 3, with and without a registry, and no entry is gone."""
    fleet.organization.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_SECRET, (), sees_organization=False)
    fleet.write_registry("search", f"{{name: x, project_id: {fleet.organization.projects[1].id}}}")
    result = fleet.discover()
    assert result.exit_code == 3
    assert result.output.startswith("2 no access\n")
    for name, text in (("table", "warning: The service account sees no project;"), ("yaml", "# no project was listed")):
        result = fleet.run("registry", "discover", "--format", name)
        assert (result.exit_code, text in result.output) == (3, True)


def test_an_account_that_sees_one_project_calls_no_other_gone(fleet: Fleet) -> None:
    """A project that the account may not see is no access."""
    search, support, *_ = fleet.organization.projects
    fleet.organization.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_SECRET, (search.id,))
    entries = (f"{{name: {it.name}, project_id: {it.id}}}" for it in (search, support))
    fleet.write_registry(*entries, head="version: 1\ndefaults: {key_env: 'KEY_{NAME}'}\nprojects:\n")
    assert fleet.read_statuses() == {"search": "registered", "support": "no_access"}
    assert fleet.discover().exit_code == 3


@pytest.mark.parametrize(
    "variables,text",
    [
        pytest.param(
            {"PINECONE_CLIENT_SECRET": "canary-of-the-secret"},
            "does not accept the service account (401: access_denied: Unauthorized); copy PINECONE_CLIENT_ID and",
            id="wrong-secret",
        ),
        pytest.param({"PINECONE_CLIENT_SECRET": ""}, "PINECONE_CLIENT_SECRET is not set", id="no-secret"),
        pytest.param({"PINECONE_CLIENT_ID": ""}, "PINECONE_CLIENT_ID is not set", id="no-id"),
        pytest.param(
            {"PINECONE_OAUTH_URL": "http://login.example/oauth/token"}, "the client secret would be sent", id="http"
        ),
    ],
)
def test_a_wrong_service_account_compares_nothing(fleet: Fleet, variables: dict[str, str], text: str) -> None:
    """Without a valid service account there is one error line, no output, and exit code 2."""
    fleet.write_registry("search")
    for flags in ((), ("--format", "json"), ("--format", "yaml"), ("--debug",)):
        result = fleet.discover(*flags, **variables)
        assert (result.exit_code, result.output) == (2, "")
        assert text in result.error_output
        assert "canary" not in result.error_output


@pytest.mark.parametrize("status", [403, 503])
def test_a_failed_listing_compares_nothing(fleet: Fleet, status: int) -> None:
    """If the projects cannot be listed, nothing is said about any of them."""
    fleet.write_registry("search")
    fleet.server.faults.append(Fault(path="/admin/projects", status=status))
    result = fleet.discover(BACKUP_AUDITOR_DEADLINE="1s")
    assert (result.exit_code, result.output) == (2, "")
    reason = f"nothing was compared, because the projects could not be listed: {status}: The service is unavailable"
    assert (reason if status == 503 else "refuses to list the projects (403: ") in result.error_output


def test_an_organization_that_cannot_be_read_is_a_read_error(fleet: Fleet) -> None:
    """The projects are compared, and the exit code is 3."""
    fleet.write_registry("search", "support", "catalog", "payments")
    fleet.server.faults.append(Fault(path="/admin/organizations", status=403, message="no role"))
    ids = {it.name: it.id for it in fleet.organization.projects}
    fleet.write_registry(*(f"{{name: {it}, project_id: {ids[it]}}}" for it in ids if it != "playground"))
    result = fleet.discover()
    assert result.exit_code == 3
    assert "not read: GET /admin/organizations: 403: no role" in result.output
    assert "4 registered, 1 ignored" in result.output


def test_an_invalid_registry_is_refused(fleet: Fleet) -> None:
    """A registry that cannot be read is exit code 2 with its problems, before anything is sent."""
    fleet.registry.write_text("version: 1\nproject: []\n")
    result = fleet.discover()
    assert (result.exit_code, result.output) == (2, "")
    assert len(result.error_output.splitlines()) == 2
    assert fleet.server.requests == []


def test_the_plan_of_each_policy_is_compared(fleet: Fleet) -> None:
    """A policy with another plan than the organization is a warning, and a missing policy is one line."""
    fleet.organization.plan, fleet.organization.payment_status = "Enterprise", "PastDue"
    search, support, catalog, _, payments = fleet.organization.projects
    (fleet.folder / "large.yaml").write_text("version: 1\nproject: {plan: enterprise}\n")
    fleet.write_registry(
        f"{{name: search, project_id: {search.id}}}",
        f"{{name: support, project_id: {support.id}, policy: large.yaml}}",
        f"{{name: catalog, project_id: {catalog.id}, policy: missing.yaml}}",
        f"{{name: payments, project_id: {payments.id}}}",
    )
    result = fleet.discover("--format", "json")
    assert result.exit_code == 0
    payment_warning, plan_warning = json.loads(result.output)["warnings"]
    assert payment_warning.startswith("The payment status of the organization 'acme' is PastDue. With overdue invoices")
    assert plan_warning == (
        "The plan of the organization 'acme' is Enterprise, but project.plan is standard in the policy built-in of"
        " 2 entries (search and payments); set it to enterprise, because it sets the quota."
    )
    assert result.error_output.count("\n") == 1
    assert "project.plan is not compared: " in result.error_output
    entries = fleet.discover("--format", "yaml")
    assert "warning" not in entries.output
    assert f"backup-auditor: warning: {plan_warning}\n" in entries.error_output


def test_a_large_organization_fits_the_terminal(fleet: Fleet) -> None:
    """Of 500 projects of which 400 are new, the table folds, and the entries to paste are complete and valid."""
    organization = SimulatedOrganization(SIMULATED_NOW)
    for number in range(500):
        organization.add_project(f"project {number:03}", SimulatedProject(SIMULATED_NOW, seed=number + 1))
    fleet.server.serve_organization(organization)
    known_projects = organization.projects[:100]
    fleet.write_registry(*(f"{{name: p{it.name[-3:]}, project_id: {it.id}}}" for it in known_projects))
    result = fleet.discover()
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert "400 unregistered, 100 renamed" in lines
    assert lines.count("  380 more; --format json lists all") == 1
    assert len(lines) < 100
    assert max(map(measure_width, lines)) <= 80
    pasted_lines = fleet.discover("--format", "yaml").output
    fleet.registry.write_text(fleet.registry.read_text() + pasted_lines)
    assert fleet.run("registry", "validate", fleet.registry).output.endswith("valid; 500 projects, 0 of them for AWS\n")


def test_no_output_contains_a_secret(fleet: Fleet) -> None:
    """Neither the client secret nor a key is shown, even where a project is named like one."""
    fleet.organization.projects[4].name = f"{CLIENT_SECRET} pcsk" + "_0123456789abcdef"
    fleet.write_registry("search")
    for name in ("table", "json", "yaml"):
        result = fleet.discover("--format", name)
        assert "[key]" in result.output
        for secret in (CLIENT_SECRET, "0123456789abcdef", fleet.organization.projects[0].viewer_key):
            assert secret not in result.output + result.error_output
