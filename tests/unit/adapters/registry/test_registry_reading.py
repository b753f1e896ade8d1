"""A registry lists projects, and an invalid entry does not affect the others."""

from pathlib import Path

import pytest

from backup_auditor.adapters.registry_file import RegistryDefaults, load_registry, parse_registry
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.registry import EntryError, RegisteredProject, Registry
from backup_auditor.errors import RegistryError

TOPIC_ARN = "arn:aws:sns:eu-central-1:111122223333:search"
REGISTRY_START = "version: 1\nprojects:\n"


def read_entries(*entries: str, defaults: RegistryDefaults | None = None) -> Registry:
    """Read a registry with one entry per line; the first entry is on line 3."""
    text = REGISTRY_START + "".join(f"  - {it}\n" for it in entries)
    return parse_registry(text.encode(), "r.yaml", defaults or RegistryDefaults())


def test_projects_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Each project has its name, the source of its API key, its policy and its line."""
    path = tmp_path / "registry.yaml"
    path.write_text(f"{REGISTRY_START}  - {{name: b, key_env: KEY_B, policy: b.yaml}}\n  - {{name: a, secret: s/a}}\n")
    assert load_registry(path) == Registry(
        (
            RegisteredProject("b", key_variable="KEY_B", policy="b.yaml", line=3),
            RegisteredProject("a", "s/a", line=4),
        ),
        source=str(path),
    )


def test_alerts_are_routed_by_severity() -> None:
    """Each alert of an entry is a channel with its own lowest severity, `low` by default."""
    alerts_text = f"[{{sns: '{TOPIC_ARN}'}}, {{slack: s/slack, severity: high, weekly_summary: true}}]"
    (project,) = read_entries(f"{{name: a, secret: s/a, alerts: {alerts_text}}}").projects
    assert project.channels == (
        Channel(ChannelKind.SNS, TOPIC_ARN, Severity.LOW),
        Channel(ChannelKind.SLACK, "s/slack", Severity.HIGH, has_weekly_summary=True),
    )


def test_an_entry_takes_the_defaults() -> None:
    """An entry without channels, policy or weekly summary takes the defaults; an empty list has no channels."""
    defaults = RegistryDefaults((Channel(ChannelKind.SNS, TOPIC_ARN),), "ssm:policy", has_weekly_summary=True)
    first_project, second_project, third_project = read_entries(
        "{name: a, secret: s/a}",
        "{name: b, secret: s/b, policy: ssm:b, alerts: []}",
        "{name: c, secret: s/c, alerts: [{slack: s/slack}, {slack: s/quiet, weekly_summary: false}]}",
        defaults=defaults,
    ).projects
    assert (first_project.channels, first_project.policy) == (defaults.channels, "ssm:policy")
    assert (second_project.channels, second_project.policy) == ((), "ssm:b")
    assert [it.has_weekly_summary for it in third_project.channels] == [True, False]


def test_an_entry_names_its_ping_url() -> None:
    """The secret with the URL is named in the same way as other secrets."""
    (project,) = read_entries("{name: a, secret: s/a, ping_secret: ssm:/pings/a}").projects
    assert project.ping_secret == "ssm:/pings/a"  # noqa: S105  the name of a secret
    (error,) = read_entries("{name: a, secret: s/a, ping_secret: https://ping.example/x}").errors
    assert 'ping_secret of the project "a" looks like the secret itself' in error.text
    assert "ping.example" not in error.text


@pytest.mark.parametrize(
    "text,reason",
    [
        pytest.param("", ": is empty, and an empty file is not a registry", id="empty"),
        pytest.param("- 1", ":1: is not a mapping", id="no-mapping"),
        pytest.param("projects: [{name: a, key_env: A}]", ':1: has no "version: 1"; add it', id="no-version"),
        pytest.param("version: 2\nprojects: [{name: a}]", ':1: has no "version: 1"', id="other-version"),
        pytest.param("version: true\nprojects: [{name: a}]", ':1: has no "version: 1"', id="flag-for-a-version"),
        pytest.param("version: 1", ":1: lists no projects", id="no-projects"),
        pytest.param("version: 1\nprojects: []", ":2: lists no projects", id="empty-list"),
        pytest.param("version: 1\nprojects: {}", ":2: lists no projects", id="mapping-for-a-list"),
        pytest.param("version: 1\n---\nversion: 1", ":2: a second document begins; a registry is one", id="two"),
        pytest.param("version: 1\nprojects: [", ":2: is not YAML", id="unfinished"),
        pytest.param(
            "version: 1\ninclude: other.yaml\nprojects: [{name: a, key_env: A}]",
            ':2: "include" in the registry: a registry includes no other file; write its content in this file, which',
            id="include",
        ),
        pytest.param(
            "version: 1\n<<: {a: b}\nprojects: [{name: a, key_env: A}]",
            ':2: "<<" in the registry: a registry includes no other file',
            id="merge-key",
        ),
        pytest.param(
            "version: 1\nprojects: !include other.yaml",
            ':2: the tag "!include" is not supported; write the content in this file',
            id="include-tag",
        ),
        pytest.param(
            "version: 1\nproject: []", ':2: unknown key "project" in the registry; did you mean "projects"?', id="key"
        ),
    ],
)
def test_an_invalid_registry_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    """A problem outside the entries is one line with its place and what to do."""
    path = tmp_path / "registry.yaml"
    path.write_text(text)
    with pytest.raises(RegistryError) as error_info:
        load_registry(path)
    assert str(error_info.value).startswith(f"{path}{reason}")


def test_every_problem_outside_entries_is_reported() -> None:
    """The text of the error is its first problem, and the error holds all of them."""
    with pytest.raises(RegistryError) as error_info:
        parse_registry(b"versoin: 1\nprojects: []", "r.yaml")
    assert error_info.value.problems == (
        'r.yaml:1: unknown key "versoin" in the registry; did you mean "version"?',
        'r.yaml:1: has no "version: 1"; add it',
        "r.yaml:2: lists no projects; add {name, secret} or {name, key_env} for each",
    )


@pytest.mark.parametrize(
    "entry,name,reason",
    [
        pytest.param("[a]", "entry 2", "entry 2 is neither a name nor a mapping", id="list"),
        pytest.param("7", "entry 2", "entry 2 is neither a name nor a mapping", id="bare-number"),
        pytest.param("a", "a", 'the project "a" has neither secret nor key_env; add one', id="only-a-name"),
        pytest.param("{name: a}", "a", 'the project "a" has neither secret nor key_env; add one', id="no-key"),
        pytest.param("{key_env: A}", "entry 2", "entry 2 has no name; add it", id="no-name"),
        pytest.param("{name: 7, key_env: A}", "entry 2", "name of entry 2 is 7; write text", id="number"),
        pytest.param("{name: a/b, key_env: A}", "entry 2", "name of entry 2 is not a valid project name", id="slash"),
        pytest.param(
            "{name: a, key_env: 'A B'}", "a", 'key_env of the project "a" is not a valid name of a', id="blank"
        ),
        pytest.param(
            "{name: a, secret: 'A B'}", "a", 'secret of the project "a" is not a valid name of a', id="no-secret"
        ),
        pytest.param("{name: a, secret: ''}", "a", 'secret of the project "a" is ""; write text', id="empty"),
        pytest.param(
            "{name: a, secret: s, policy: 'ssm:'}", "a", 'policy of the project "a" is not an address', id="ssm"
        ),
        pytest.param("{name: a, secret: s, policy: s3:x}", "a", 'policy of the project "a" is not an address', id="s3"),
        pytest.param(
            "{name: a, secret: s, polcy: p}",
            "a",
            'unknown key "polcy" in the project "a"; did you mean "policy"?',
            id="near-key",
        ),
        pytest.param(
            "{name: a, secret: s, x: p}",
            "a",
            'unknown key "x" in the project "a"; known there: name, project_id, secret, key_env, editor_secret,'
            " drill_secret, ping_secret, policy, alerts",
            id="far-key",
        ),
        pytest.param("{name: a, secret: s, alerts: {}}", "a", 'alerts of the project "a" is not a list', id="no-list"),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s}, x]}",
            "a",
            'alerts of the project "a" names the unknown group of channels "x"; add it to channels',
            id="word",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s}, 7]}", "a", 'an alert of the project "a" is neither', id="count"
        ),
        pytest.param("{name: a, secret: s, alerts: 7}", "a", 'alerts of the project "a" is not a list', id="number"),
        pytest.param(
            f"{{name: a, secret: s, alerts: [{', '.join(f'{{slack: s{it}}}' for it in range(21))}]}}",
            "a",
            'the project "a" has 21 channels (limit: 20); remove some',
            id="many-channels",
        ),
        pytest.param(
            "{name: a, secret: s, project_id: 'a b'}",
            "a",
            'project_id of the project "a" is not the id of a project; copy it from `backup-auditor registry discover`',
            id="project-id",
        ),
        pytest.param(
            "{name: a, secret: s, include: b.yaml}",
            "a",
            '"include" in the project "a": a registry includes no other file',
            id="include",
        ),
        pytest.param(
            "{name: a, secret: null}", "a", 'the project "a" has neither secret nor key_env; add one', id="null"
        ),
        pytest.param(
            f"{{name: a, secret: s, alerts: [{{slack: s, sns: '{TOPIC_ARN}'}}]}}",
            "a",
            'an alert of the project "a" is neither {sns: ARN} nor {slack: SECRET}; write one',
            id="both",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{sns: alerts}]}",
            "a",
            'sns of an alert of the project "a" is not the ARN of a standard topic',
            id="no-arn",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s, severity: worst}]}",
            "a",
            'severity of an alert of the project "a" is not a severity; write low, medium, high or critical',
            id="severity",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s, weekly_summary: weekly}]}",
            "a",
            'weekly_summary of an alert of the project "a" is "weekly"; write true or false',
            id="weekly-summary",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s, all_is_well: weekly}]}",
            "a",
            'unknown key "all_is_well" in an alert of the project "a"; known there: sns, slack, severity, weekly',
            id="former-key",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s, sevrity: low}]}",
            "a",
            'unknown key "sevrity" in an alert of the project "a"; did you mean "severity"?',
            id="key-of-an-alert",
        ),
        pytest.param(
            "{name: a, secret: s, alerts: [{slack: s}, {slack: s, severity: high}]}",
            "a",
            'the project "a" has the same slack channel twice',
            id="duplicate-channel",
        ),
    ],
)
def test_an_invalid_entry_does_not_affect_the_others(entry: str, name: str, reason: str) -> None:
    """An invalid entry is reported by name and line, and the entries around it are loaded."""
    registry = read_entries("{name: first, secret: s}", entry, "{name: last, key_env: LAST}")
    assert [it.name for it in registry.projects] == ["first", "last"]
    (entry_error,) = registry.errors
    assert (entry_error.name, entry_error.line) == (name, 4)
    assert entry_error.text.startswith(reason)
    assert registry.names == ("first", "last", name)


def test_every_problem_of_an_entry_is_reported() -> None:
    """An entry with several problems reports all of them in the order of the file."""
    registry = parse_registry(
        b"version: 1\nprojects:\n- name: a\n  secrt: s\n  key_env: 7\n  alerts:\n  - {sns: x}\n  - {slack: 'x y'}\n",
        "r.yaml",
    )
    assert [(it.name, it.line, it.text.partition(";")[0]) for it in registry.errors] == [
        ("a", 4, 'unknown key "secrt" in the project "a"'),
        ("a", 5, 'key_env of the project "a" is 7'),
        ("a", 7, 'sns of an alert of the project "a" is not the ARN of a standard topic'),
        ("a", 8, 'slack of an alert of the project "a" is not a valid name of a secret'),
    ]


@pytest.mark.parametrize(
    "entries,mistaken_name",
    [
        pytest.param(("{name: a, secret: s}", "{name: a, key_env: B}"), "entry 2", id="both-right"),
        pytest.param(("{name: a, secret: s}", "{name: a, policy: p}"), "entry 2", id="second-wrong"),
        pytest.param(("{name: a, policy: p}", "{name: a, secret: s}"), "entry 1", id="first-wrong"),
    ],
)
def test_of_two_entries_of_one_name_one_is_a_project(entries: tuple[str, str], mistaken_name: str) -> None:
    """The duplicate is reported under its position, because its name is that of an audited project."""
    registry = read_entries(*entries)
    assert [it.secret for it in registry.projects] == ["s"]
    assert [it.name for it in registry.errors] == [mistaken_name]
    assert registry.find("a") is registry.projects[0]


def test_a_duplicate_name_is_reported_with_its_first_line() -> None:
    """The error of a duplicate name has the line of the first entry."""
    (entry_error,) = read_entries("{name: a, secret: s}", "{name: a, secret: t}").errors
    assert entry_error == EntryError(
        "entry 2", 4, 'the project "a" is a duplicate, first on line 3; give each project its own name'
    )


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("{{name: a, key_env: '{}'}}", id="variable"),
        pytest.param("{{name: a, secret: '{}'}}", id="secret"),
        pytest.param("{{name: '{}', secret: s}}", id="name"),
        pytest.param("{{name: a, secret: s, '{}': s}}", id="key"),
        pytest.param("{{name: a, secret: s, alerts: [{{slack: '{}'}}]}}", id="webhook"),
        pytest.param("{{name: a, secret: s, alerts: [{{slack: s, severity: '{}'}}]}}", id="severity"),
        pytest.param("{{name: a, secret: s, alerts: [{{sns: '{}'}}]}}", id="topic"),
        pytest.param("{{name: a, secret: s, alerts: '{}'}}", id="group"),
        pytest.param("{{name: a, secret: s, project_id: '{}'}}", id="project-id"),
    ],
)
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("pcsk" + "_" + "x" * 20, id="key"),
        pytest.param("https://hooks.example/services/T0/B0/" + "y" * 24, id="webhook"),
    ],
)
def test_a_secret_in_the_registry_is_not_repeated(entry: str, secret: str) -> None:
    """An API key or webhook in place of a name does not appear in any message."""
    (entry_error,) = read_entries(entry.format(secret)).errors
    assert secret not in f"{entry_error}"
    assert secret[-10:] not in f"{entry_error}"


def test_the_error_of_a_missing_registry_has_an_example(tmp_path: Path) -> None:
    """The error of a missing file shows the start of a registry."""
    with pytest.raises(RegistryError, match='there is no such file; one says "version: 1"'):
        load_registry(tmp_path / "registry.yaml")


def test_a_thousand_projects_are_read() -> None:
    """A registry of 1,000 projects with two alerts each is within the size limit."""
    alerts_text = f"[{{sns: '{TOPIC_ARN}'}}, {{slack: s/slack, severity: high}}]"
    registry = read_entries(*(f"{{name: p{it}, secret: s/p{it}, alerts: {alerts_text}}}" for it in range(1000)))
    assert (len(registry.projects), registry.errors) == (1000, ())
