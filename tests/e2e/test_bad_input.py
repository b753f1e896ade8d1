"""Test that bad input exits with 2 and one line on standard error with the cause and the remedy."""

from pathlib import Path

import pytest

from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.server import Server
from support.cli import CompletedCommand, build_access_environment, build_environment, run_command
from support.simulator import SIMULATED_NOW, serve

MOMENT = SIMULATED_NOW.isoformat()
KEY_VARIABLES = {"PINECONE_API_KEY": "key-for-tests"}
UNREACHABLE_HOST = "http://127.0.0.1:1"


def is_refused(completed: CompletedCommand, *words: str) -> bool:
    """Return whether the one error line of a refused command has these words."""
    assert (completed.exit_code, completed.output) == (2, ""), completed
    assert completed.error_output.startswith("backup-auditor")
    assert len(completed.error_output.splitlines()) == 1, completed.error_output
    assert "Traceback" not in completed.error_output
    return all(fragment in completed.error_output for fragment in words)


@pytest.mark.parametrize(
    "variables,words",
    [
        pytest.param({}, ("PINECONE_API_KEY is not set",), id="no-key"),
        pytest.param({"PINECONE_API_KEY": "two words"}, ("PINECONE_API_KEY",), id="key-with-a-blank"),
        pytest.param(
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "http://example.com"}, ("plain http",), id="plain-http"
        ),
        pytest.param(
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "http://10.0.0.1"},
            ("plain http",),
            id="plain-http-in-a-private-network",
        ),
        pytest.param(
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "ftp://x"}, ("PINECONE_CONTROLLER_HOST",), id="other-scheme"
        ),
        pytest.param(KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "https://a:b@x"}, ("user",), id="user-in-the-host"),
        pytest.param(
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "::"}, ("PINECONE_CONTROLLER_HOST",), id="no-address"
        ),
        pytest.param(
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": UNREACHABLE_HOST},
            ("127.0.0.1:1 refused the connection", "check"),
            id="no-server",
        ),
        pytest.param(KEY_VARIABLES | {"PINECONE_API_VERSION": "latest"}, ("PINECONE_API_VERSION",), id="version"),
        pytest.param(KEY_VARIABLES | {"BACKUP_AUDITOR_DEADLINE": "soon"}, ("BACKUP_AUDITOR_DEADLINE",), id="deadline"),
        pytest.param(KEY_VARIABLES | {"BACKUP_AUDITOR_MAX_CONCURRENCY": "0"}, ("MAX_CONCURRENCY",), id="concurrency"),
    ],
)
def test_an_invalid_setting_is_refused(variables: dict[str, str], words: tuple[str, ...]) -> None:
    """A missing key, a forbidden or unreachable host, or another invalid setting is refused."""
    assert is_refused(run_command("audit", env=build_environment(**variables)), *words)


def test_a_wrong_key_is_refused(healthy_server: Server) -> None:
    """A key that Pinecone does not accept is refused, and the key is not shown."""
    result = run_command("audit", env=build_access_environment(healthy_server, PINECONE_API_KEY="wrong-key"))
    assert is_refused(result, "does not accept the key", "set PINECONE_API_KEY")
    assert "wrong-key" not in result.error_output


def test_a_key_without_the_viewer_role_is_refused(faulty_server: Server) -> None:
    """The error for a key that must not list the indexes names the required role."""
    faulty_server.faults.append(Fault(path="/indexes", status=403, message="Access denied"))
    assert is_refused(
        run_command("audit", env=build_access_environment(faulty_server)), "Access denied", "ControlPlaneViewer"
    )


def test_a_host_that_is_not_pinecone_is_named(faulty_server: Server) -> None:
    """A server that answers 404 to the list of indexes is refused as a wrong host."""
    faulty_server.faults.append(Fault(path="/indexes", status=404, message="No such page"))
    assert is_refused(
        run_command("audit", env=build_access_environment(faulty_server)),
        "does not respond like Pinecone",
        "PINECONE_CONTROLLER_HOST",
    )


def test_a_host_without_tls_is_refused(healthy_server: Server) -> None:
    """A host that does not speak TLS on an https address is refused."""
    host = healthy_server.url.replace("http:", "https:")
    result = run_command("audit", env=build_access_environment(healthy_server, PINECONE_CONTROLLER_HOST=host))
    assert is_refused(result, healthy_server.url.removeprefix("http://"), "TLS", "PINECONE_CONTROLLER_HOST")


@pytest.mark.parametrize(
    "arguments,words",
    [
        pytest.param((), ("COMMAND",), id="no-command"),
        pytest.param(("scan",), ("scan",), id="unknown-command"),
        pytest.param(("audit", "--fast"), ("--fast",), id="unknown-flag"),
        pytest.param(("audit", "--form", "json"), ("--form",), id="shortened-flag"),
        pytest.param(("audit", "--fail-on", "always"), ("--fail-on",), id="unknown-severity"),
        pytest.param(
            ("audit", "--format", "xml"), ("'xml'", "expected table, json, markdown, csv,"), id="unknown-format"
        ),
        pytest.param(("audit", "--state", "s", "--no-state"), ("--no-state",), id="state-and-no-state"),
        pytest.param(
            ("audit", "--inventory", "i", "--save-inventory", "s"), ("--save-inventory",), id="both-inventories"
        ),
        pytest.param(("audit", "--now", "tomorrow"), ("--now", "tomorrow"), id="invalid-moment"),
        pytest.param(("audit", "--now", "2026-02-30T00:00:00Z"), ("--now",), id="impossible-moment"),
        pytest.param(("audit", "--now", "2026-02-03T00:00:00"), ("--now",), id="moment-without-offset"),
        pytest.param(("audit", "--project", ""), ("valid project name",), id="empty-name"),
        pytest.param(("audit", "--project", "../up"), ("valid project name",), id="name-with-a-slash"),
        pytest.param(("audit", "--project", "a\nb"), ("valid project name",), id="name-of-two-lines"),
        pytest.param(("audit", "--policy", "missing.yaml"), ("missing.yaml", "policy init"), id="missing-policy"),
        pytest.param(("audit", "--policy", "."), ("directory",), id="policy-is-a-folder"),
        pytest.param(("audit", "--output", "missing/report"), ("missing/report",), id="report-in-a-missing-folder"),
        pytest.param(("audit", "--output", "."), ("Is a folder",), id="report-is-a-folder"),
        pytest.param(("audit", "--save-inventory", "missing/i"), ("missing/i",), id="inventory-in-a-missing-folder"),
        pytest.param(
            ("audit", "--output", "x", "--save-inventory", "./x"), ("same file",), id="report-and-inventory-in-one-file"
        ),
        pytest.param(("audit", "--output", "x", "--inventory", "x"), ("same file",), id="report-overwrites-inventory"),
        pytest.param(
            ("audit", "--output", "x", "--policy", "x"), ("--policy", "same file"), id="report-overwrites-policy"
        ),
        pytest.param(
            ("audit", "--output", "x", "--state", "./x"), ("--state", "same file"), id="report-overwrites-state"
        ),
        pytest.param(
            ("audit", "--output", "x", "--registry", "x"), ("--registry", "same file"), id="report-overwrites-registry"
        ),
        pytest.param(("audit", "--output", ""), ("Is a folder",), id="empty-report"),
        pytest.param(("audit", "--inventory", ""), ("cannot be read",), id="empty-inventory"),
        pytest.param(("audit", "--registry", ""), ("directory",), id="empty-registry"),
        pytest.param(("audit", "--inventory", "missing"), ("missing", "cannot be read"), id="missing-inventory"),
        pytest.param(("audit", "--registry", "missing"), ("missing", "no such file"), id="missing-registry"),
        pytest.param(
            ("audit", "--registry", "r", "--project", "p"), ("--project", "--registry"), id="project-with-a-registry"
        ),
        pytest.param(("controls", "index-has-schedul"), ("did you mean 'index-has-schedule'?",), id="unknown-control"),
        pytest.param(("explain",), ("--index",), id="explain-without-an-index"),
        pytest.param(("explain", "--index", "a", "--control", "x"), ("index control",), id="unknown-index-control"),
        pytest.param(("simulate", "--scenario", "chaos"), ("chaos", "neglected"), id="unknown-scenario"),
        pytest.param(("simulate", "--port", "65536"), ("65536",), id="invalid-port"),
        pytest.param(("simulate", "--latency", "-1"), ("-1",), id="negative-latency"),
    ],
)
def test_an_invalid_command_line_is_refused(arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path) -> None:
    """An unknown flag, an invalid value or a missing file is refused."""
    result = run_command(
        *arguments, env=build_environment(**KEY_VARIABLES, PINECONE_CONTROLLER_HOST=UNREACHABLE_HOST), cwd=tmp_path
    )
    assert is_refused(result, *words), result.error_output


@pytest.mark.parametrize(
    "content,words",
    [
        pytest.param(b"", ("is empty",), id="empty"),
        pytest.param(bytes(range(256)), ("not UTF-8",), id="binary"),
        pytest.param(b"version: 1\nrulez: []\n", (":2:", 'did you mean "rules"?'), id="unknown-key"),
        pytest.param(b"defaults: {recovery: {max_age: 1h}}\n", (":1:", "max_age"), id="contradiction"),
        pytest.param(b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b", ("YAML",), id="not-yaml"),
        pytest.param(b"#" * 50_000_000, ("50,000,000 bytes",), id="fifty-megabytes"),
    ],
)
def test_an_invalid_policy_is_refused(content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    """A file that is not a valid policy is refused before any request, and a syntax error names its line."""
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    result = run_command(
        "audit", "--policy", path, env=build_environment(**KEY_VARIABLES, PINECONE_CONTROLLER_HOST=UNREACHABLE_HOST)
    )
    assert is_refused(result, "policy.yaml", *words), result.error_output


@pytest.mark.parametrize(
    "exemption,words",
    [
        pytest.param("names: [a], controls: ['*'], reason: r, expires: 2027-01-01", "has no owner", id="no-owner"),
        pytest.param("names: [a], controls: ['*'], owner: o, expires: 2027-01-01", "has no reason", id="no-reason"),
        pytest.param("names: [a], controls: ['*'], owner: o, reason: r", "has no expires", id="no-expiry"),
        pytest.param(
            "names: [a], controls: ['*'], owner: o, reason: r, expires: 2099-01-01", "ends on 2099-01-01", id="distant"
        ),
        pytest.param(
            "names: ['*'], controls: ['*'], owner: o, reason: r, expires: 2027-01-01",
            "exempts every index from every control",
            id="everything",
        ),
    ],
)
def test_an_invalid_exemption_is_refused(exemption: str, words: str, healthy_server: Server, tmp_path: Path) -> None:
    """An audit, an audit of a saved inventory (also with `--now`) and `policy validate` refuse an invalid exemption."""
    policy, inventory_path = tmp_path / "policy.yaml", tmp_path / "inventory"
    policy.write_text(f"version: 1\nexemptions:\n  - {{{exemption}}}\n")
    run_command(
        "audit", "--now", MOMENT, "--save-inventory", inventory_path, env=build_access_environment(healthy_server)
    )
    audit_arguments: list[str | Path] = ["audit", "--policy", policy, "--inventory", inventory_path]
    live_result = run_command(
        "audit", "--policy", policy, env=build_environment(**KEY_VARIABLES, PINECONE_CONTROLLER_HOST=UNREACHABLE_HOST)
    )
    for result in (live_result, run_command(*audit_arguments), run_command(*audit_arguments, "--now", MOMENT)):
        assert is_refused(result, "policy.yaml:", "exemptions[0]", words), result.error_output
    validation_result = run_command("policy", "validate", policy)
    assert (validation_result.exit_code, validation_result.output, validation_result.error_output.count("\n")) == (
        2,
        "",
        1,
    )
    assert words in validation_result.error_output


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    """A policy whose aliases expand to 10^10 values is refused."""
    alias_lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    alias_lines += [f"a{it}: &a{it} [{', '.join([f'*a{it - 1}'] * 10)}]" for it in range(1, 10)]
    path = tmp_path / "policy.yaml"
    path.write_text("\n".join(alias_lines))
    assert is_refused(run_command("audit", "--policy", path, env=build_environment(**KEY_VARIABLES)), "policy.yaml")


def test_the_policy_in_the_working_directory_is_used(tmp_path: Path) -> None:
    """Without a flag the policy in the working directory is read, and a dangling link is an error."""
    (tmp_path / "backup-auditor.yaml").symlink_to(tmp_path / "gone.yaml")
    result = run_command(
        "audit", env=build_environment(**KEY_VARIABLES, PINECONE_CONTROLLER_HOST=UNREACHABLE_HOST), cwd=tmp_path
    )
    assert is_refused(result, "backup-auditor.yaml: there is no such file")


def test_no_request_is_sent_if_the_output_cannot_be_written(faulty_server: Server) -> None:
    """A report path that cannot be written is refused before the first request."""
    result = run_command(
        "audit", "--now", MOMENT, "--output", "/nowhere/report", env=build_access_environment(faulty_server)
    )
    assert is_refused(result, "/nowhere/report")
    assert faulty_server.requests == []


def test_an_unknown_index_names_the_nearest(faulty_server: Server) -> None:
    """`explain` of an unknown index suggests the most similar name."""
    result = run_command(
        "explain", "--index", "fleet-0001", "--now", MOMENT, env=build_access_environment(faulty_server)
    )
    assert is_refused(result, "unknown index 'fleet-0001'; did you mean 'fleet-00001'?")


def test_explaining_an_index_of_an_empty_project_is_refused(empty_project: SimulatedProject) -> None:
    """`explain` in an empty project reports that the project has no indexes."""
    with serve(empty_project) as server:
        result = run_command("explain", "--index", "orders", "--now", MOMENT, env=build_access_environment(server))
    assert is_refused(result, "the project has no indexes")
