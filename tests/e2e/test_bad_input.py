"""Bad input: one line on standard error that says what and how to mend it, exit 2, nothing on standard output."""

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
    """Tell whether a command was refused in one line that holds these words, and nothing else was said."""
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
            KEY_VARIABLES | {"PINECONE_CONTROLLER_HOST": "http://10.0.0.1"}, ("plain http",), id="plain-http-nearby"
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
def test_settings_that_cannot_be_used(variables: dict[str, str], words: tuple[str, ...]) -> None:
    """A missing key, a host that may not be spoken to or is not there, and every other wrong setting."""
    assert is_refused(run_command("audit", env=build_environment(**variables)), *words)


def test_a_wrong_key(healthy_server: Server) -> None:
    """A key that the service does not accept."""
    result = run_command("audit", env=build_access_environment(healthy_server, PINECONE_API_KEY="somebody-else"))
    assert is_refused(result, "does not accept the key", "set PINECONE_API_KEY")
    assert "somebody-else" not in result.error_output


def test_a_key_without_rights(faulty_server: Server) -> None:
    """A key that may not list the indexes: the line names the role that it wants."""
    faulty_server.faults.append(Fault(path="/indexes", status=403, message="Access denied"))
    assert is_refused(
        run_command("audit", env=build_access_environment(faulty_server)), "Access denied", "ControlPlaneViewer"
    )


def test_a_host_that_is_not_pinecone_is_named(faulty_server: Server) -> None:
    """A server that knows no indexes is the wrong one: nothing was audited."""
    faulty_server.faults.append(Fault(path="/indexes", status=404, message="No such page"))
    assert is_refused(
        run_command("audit", env=build_access_environment(faulty_server)),
        "does not respond like Pinecone",
        "PINECONE_CONTROLLER_HOST",
    )


def test_a_host_that_cannot_be_trusted(healthy_server: Server) -> None:
    """A host that does not speak TLS, or not as itself, is given no key."""
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
        pytest.param(("audit", "--now", "tomorrow"), ("--now", "tomorrow"), id="no-moment"),
        pytest.param(("audit", "--now", "2026-02-30T00:00:00Z"), ("--now",), id="impossible-moment"),
        pytest.param(("audit", "--now", "2026-02-03T00:00:00"), ("--now",), id="moment-without-offset"),
        pytest.param(("audit", "--project", ""), ("valid project name",), id="no-name"),
        pytest.param(("audit", "--project", "../up"), ("valid project name",), id="name-with-a-slash"),
        pytest.param(("audit", "--project", "a\nb"), ("valid project name",), id="name-of-two-lines"),
        pytest.param(("audit", "--policy", "missing.yaml"), ("missing.yaml", "policy init"), id="no-policy"),
        pytest.param(("audit", "--policy", "."), ("directory",), id="folder-for-a-policy"),
        pytest.param(("audit", "--output", "missing/report"), ("missing/report",), id="no-folder-for-the-report"),
        pytest.param(("audit", "--output", "."), ("Is a folder",), id="folder-for-the-report"),
        pytest.param(("audit", "--save-inventory", "missing/i"), ("missing/i",), id="no-folder-for-the-inventory"),
        pytest.param(("audit", "--output", "x", "--save-inventory", "./x"), ("same file",), id="one-file-for-two"),
        pytest.param(("audit", "--output", "x", "--inventory", "x"), ("same file",), id="report-over-inventory"),
        pytest.param(("audit", "--output", ""), ("Is a folder",), id="empty-report"),
        pytest.param(("audit", "--inventory", ""), ("cannot be read",), id="empty-inventory"),
        pytest.param(("audit", "--registry", ""), ("directory",), id="empty-registry"),
        pytest.param(("audit", "--inventory", "missing"), ("missing", "cannot be read"), id="no-inventory"),
        pytest.param(("audit", "--registry", "missing"), ("missing", "no such file"), id="no-registry"),
        pytest.param(("audit", "--registry", "r", "--project", "p"), ("--project", "--registry"), id="project-of-many"),
        pytest.param(("controls", "index-has-schedul"), ("did you mean 'index-has-schedule'?",), id="unknown-control"),
        pytest.param(("explain",), ("--index",), id="nothing-to-explain"),
        pytest.param(("explain", "--index", "a", "--control", "x"), ("index control",), id="unknown-index-control"),
        pytest.param(("simulate", "--scenario", "chaos"), ("chaos", "neglected"), id="unknown-scenario"),
        pytest.param(("simulate", "--port", "65536"), ("65536",), id="no-port"),
        pytest.param(("simulate", "--latency", "-1"), ("-1",), id="negative-latency"),
    ],
)
def test_command_lines_that_cannot_be_meant(arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path) -> None:
    """Unknown flags, impossible values and files that are not there."""
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
def test_policies_that_are_none(content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    """Whatever a policy file holds, it is a policy or it is refused with its line, before anything is read."""
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
def test_exemptions_that_are_none(exemption: str, words: str, healthy_server: Server, tmp_path: Path) -> None:
    """By an audit, by one of a saved inventory, at another moment, and by `policy validate`."""
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
    """A policy of a thousand bytes that means a thousand million values is refused at once."""
    alias_lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    alias_lines += [f"a{it}: &a{it} [{', '.join([f'*a{it - 1}'] * 10)}]" for it in range(1, 10)]
    path = tmp_path / "policy.yaml"
    path.write_text("\n".join(alias_lines))
    assert is_refused(run_command("audit", "--policy", path, env=build_environment(**KEY_VARIABLES)), "policy.yaml")


def test_the_policy_here_is_found(tmp_path: Path) -> None:
    """Without a flag the policy in the working directory counts, even where it is wrong or a dangling link."""
    (tmp_path / "backup-auditor.yaml").symlink_to(tmp_path / "gone.yaml")
    result = run_command(
        "audit", env=build_environment(**KEY_VARIABLES, PINECONE_CONTROLLER_HOST=UNREACHABLE_HOST), cwd=tmp_path
    )
    assert is_refused(result, "backup-auditor.yaml: there is no such file")


def test_no_call_is_made_before_the_output_can_be_written(faulty_server: Server) -> None:
    """Where the report cannot be written, no call is made in vain."""
    result = run_command(
        "audit", "--now", MOMENT, "--output", "/nowhere/report", env=build_access_environment(faulty_server)
    )
    assert is_refused(result, "/nowhere/report")
    assert faulty_server.requests == []


def test_an_unknown_index_names_the_nearest(faulty_server: Server) -> None:
    """`explain` of an index that is not there says which one may be meant."""
    result = run_command(
        "explain", "--index", "fleet-0001", "--now", MOMENT, env=build_access_environment(faulty_server)
    )
    assert is_refused(result, "unknown index 'fleet-0001'; did you mean 'fleet-00001'?")


def test_a_project_without_indexes_has_none_to_explain(empty_project: SimulatedProject) -> None:
    """`explain` in an empty project says that it is empty."""
    with serve(empty_project) as server:
        result = run_command("explain", "--index", "orders", "--now", MOMENT, env=build_access_environment(server))
    assert is_refused(result, "the project has no indexes")
