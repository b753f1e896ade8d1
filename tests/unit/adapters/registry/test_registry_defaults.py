"""Defaults, patterns and groups of channels make entries short, and an entry can replace each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.registry_file import RegistryDefaults, parse_registry
from backup_auditor.domain.finding import Severity
from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.registry import (
    NamePrefixes,
    RegisteredProject,
    Registry,
    find_shared_by_secret,
    find_shared_by_variable,
)
from backup_auditor.errors import RegistryError
from backup_auditor.rendering.registry import render_effective_entry

TOPIC_ARN = "arn:aws:sns:eu-central-1:111122223333:on-call"
ON_CALL = Channel(ChannelKind.SNS, TOPIC_ARN, Severity.HIGH)
DEFAULTS = """\
defaults:
  secret: keys/{name}
  key_env: "PINECONE_{NAME}"
  editor_secret: editors/{name}
  ping_secret: pings/{name}
  policy: policies/{name}.yaml
  alerts: on-call
"""
CHANNELS = f"channels:\n  on-call: [{{sns: '{TOPIC_ARN}', severity: high}}]\n  quiet: [{{slack: hooks/quiet}}]\n"


def read_registry(*entries: str, head: str = DEFAULTS + CHANNELS, stack: RegistryDefaults | None = None) -> Registry:
    """Read a registry of entries below a head."""
    text = f"version: 1\n{head}projects:\n" + "".join(f"  - {it}\n" for it in entries)
    return parse_registry(text.encode(), "r.yaml", stack or RegistryDefaults())


def read_project(entry: str, **options: object) -> RegisteredProject:
    """Read a registry of one entry without errors."""
    registry = read_registry(entry, **options)  # type: ignore[arg-type]  # the options of the other builder
    assert registry.errors == ()
    return registry.projects[0]


@pytest.mark.parametrize("entry", ["shop-eu", "{name: shop-eu}"])
def test_a_name_alone_takes_every_default(entry: str) -> None:
    """An entry that is only a name has the settings of the defaults, with its name in the patterns."""
    project = read_project(entry)
    assert project == RegisteredProject(
        "shop-eu",
        "keys/shop-eu",
        "PINECONE_SHOP_EU",
        "policies/shop-eu.yaml",
        (ON_CALL,),
        13,
        "editors/shop-eu",
        "pings/shop-eu",
        inherited_keys=frozenset({"secret", "key_env", "editor_secret", "ping_secret", "policy", "alerts"}),
        has_own_channels=True,
    )


def test_an_entry_replaces_single_defaults() -> None:
    """A setting of the entry replaces the default, and the other defaults stay."""
    project = read_project("{name: a, secret: other/a, alerts: [{slack: hooks/a}]}")
    assert (project.secret, project.key_variable, project.editor_secret) == ("other/a", "PINECONE_A", "editors/a")
    assert project.channels == (Channel(ChannelKind.SLACK, "hooks/a"),)
    assert project.inherited_keys == {"key_env", "editor_secret", "ping_secret", "policy"}


def test_the_key_for_restore_drills_has_a_default() -> None:
    """A project with the default has restore drills on AWS, and one with null has none."""
    head = "defaults: {secret: 'keys/{name}', drill_secret: 'drills/{name}'}\n"
    registry = read_registry("a", "{name: b, drill_secret: null}", head=head)
    assert [it.drill_secret for it in registry.projects] == ["drills/a", None]


def test_null_removes_a_default() -> None:
    """An entry with null for a setting has none, or that of the stack, although there is a default."""
    stack = RegistryDefaults((Channel(ChannelKind.SLACK, "hooks/stack"),), "ssm:stack")
    entry = "{name: a, key_env: null, editor_secret: null, ping_secret: null, policy: null, alerts: null}"
    project = read_project(entry, stack=stack)
    assert (project.key_variable, project.editor_secret, project.ping_secret) == (None, None, None)
    assert (project.policy, project.channels) == ("ssm:stack", stack.channels)
    assert project.inherited_keys == {"secret"}


def test_defaults_of_the_registry_replace_those_of_the_stack() -> None:
    """Policy and channels of the stack apply only where the registry has no default."""
    stack = RegistryDefaults((Channel(ChannelKind.SLACK, "hooks/stack"),), "ssm:stack", has_weekly_summary=True)
    project = read_project("a", stack=stack)
    assert project.policy == "policies/a.yaml"
    assert project.channels == (Channel(ChannelKind.SNS, TOPIC_ARN, Severity.HIGH, has_weekly_summary=True),)
    assert read_project("a", head="defaults: {secret: 'k/{name}'}\n", stack=stack).channels == stack.channels


def test_groups_and_channels_can_be_mixed() -> None:
    """A list of alerts has the channels of each group that it names, and its own."""
    project = read_project("{name: a, alerts: [on-call, quiet, {slack: hooks/a, severity: critical}]}")
    assert [it.target for it in project.channels] == [TOPIC_ARN, "hooks/quiet", "hooks/a"]
    assert read_project("{name: a, alerts: quiet}").channels == (Channel(ChannelKind.SLACK, "hooks/quiet"),)
    assert read_project("{name: a, alerts: []}").channels == ()


@pytest.mark.parametrize(
    "entry,name,problem",
    [
        pytest.param(
            "a b",
            "a b",
            'secret of the project "a b" is "keys/a b" by the defaults, which is not a valid name of a secret;'
            " give the entry its own secret",
            id="secret-name",
        ),
        pytest.param(
            "{name: a, alerts: on-cal}",
            "a",
            'alerts of the project "a" names the unknown group of channels "on-cal"; did you mean "on-call"?',
            id="near-group",
        ),
        pytest.param(
            f"{{name: a, alerts: [on-call, {{sns: '{TOPIC_ARN}'}}]}}",
            "a",
            'the project "a" has the same sns channel twice; keep the one with the lowest severity',
            id="channel-of-a-group",
        ),
        pytest.param(
            "{name: a, secret: null, key_env: null}",
            "a",
            'the project "a" has neither secret nor key_env; add one of them for its API key',
            id="no-key",
        ),
        pytest.param("{name: null}", "entry 2", "name of entry 2 is null; write text", id="no-name"),
    ],
)
def test_an_entry_that_fits_no_default_is_an_error_of_its_own(entry: str, name: str, problem: str) -> None:
    """A default that is invalid for one name does not affect the other entries."""
    registry = read_registry("first", entry, "last")
    assert [it.name for it in registry.projects] == ["first", "last"]
    assert (registry.errors[0].name, registry.errors[0].line) == (name, 14)
    assert registry.errors[0].text == problem


@pytest.mark.parametrize(
    "head,problem",
    [
        pytest.param("defaults: [secret]\n", "2: defaults is not a mapping; write {secret: keys/{name}}", id="list"),
        pytest.param(
            "defaults: {secrt: 'k/{name}'}\n",
            '2: unknown key "secrt" in defaults; did you mean "secret"?',
            id="unknown-key",
        ),
        pytest.param(
            "defaults: {secret: keys/all}\n",
            "2: secret of defaults would be the same for every project; write {name} where the name of the project"
            " belongs",
            id="same-key-for-all",
        ),
        pytest.param(
            "defaults: {key_env: KEY}\n",
            "2: key_env of defaults would be the same for every project; write {name} or {NAME} where the name of the"
            " project belongs",
            id="same-variable-for-all",
        ),
        pytest.param(
            "defaults: {secret: 'keys/{project}'}\n",
            '2: secret of defaults has the unknown placeholder "{project}"; use {name}',
            id="unknown-placeholder",
        ),
        pytest.param(
            "defaults: {secret: 'keys/{NAME}'}\n",
            '2: secret of defaults has the unknown placeholder "{NAME}"; use {name}',
            id="placeholder-of-variables",
        ),
        pytest.param(
            "defaults: {secret: 'keys {name}'}\n", "2: secret of defaults is not a valid name of a secret", id="blank"
        ),
        pytest.param("defaults: {policy: 'ssm:'}\n", "2: policy of defaults is not an address", id="policy"),
        pytest.param("defaults: {secret: null}\n", "2: secret of defaults is null; write text", id="null"),
        pytest.param("defaults: {alerts: on-call}\n", "2: alerts of defaults names the unknown group", id="group"),
        pytest.param("channels: []\n", "2: channels is not a mapping; write {on-call: [{sns: ARN}]}", id="channels"),
        pytest.param(
            "channels: {on-call: [quiet]}\n",
            '2: the group of channels "on-call" names another group; write its channels',
            id="group-in-a-group",
        ),
        pytest.param(
            "channels: {on-call: {sns: x}}\n",
            '2: the group of channels "on-call" is not a list of channels; write [{sns: ARN, severity: high}]',
            id="group-without-list",
        ),
        pytest.param("channels: {on-call: []}\n", '2: the group of channels "on-call" is not a list', id="empty-group"),
        pytest.param(
            "channels: {on-call: [{sns: x}]}\n",
            '2: sns of an alert of the group of channels "on-call" is not the ARN of a standard topic',
            id="channel-of-a-group",
        ),
        pytest.param(
            "channels: {on call: [{slack: s}]}\n", '2: the group of channels "on call" has an invalid name', id="name"
        ),
    ],
)
def test_an_invalid_default_is_an_error_of_the_registry(head: str, problem: str) -> None:
    """Defaults and groups concern many entries, so their problems are reported once, for the whole registry."""
    with pytest.raises(RegistryError) as error_info:
        read_registry("{name: a, secret: s}", head=head)
    assert str(error_info.value).startswith(f"r.yaml:{problem}")


def test_a_key_in_a_default_is_not_repeated() -> None:
    """An API key or a webhook in place of a pattern does not appear in the message."""
    for secret in ("pcsk" + "_" + "x" * 20, "https://hooks.example/services/" + "y" * 24):
        for head in (f"defaults: {{secret: '{secret}'}}\n", f"channels: {{'{secret}': [{{slack: '{secret}'}}]}}\n"):
            with pytest.raises(RegistryError) as error_info:
                read_registry("{name: a, secret: s}", head=head)
            assert secret[-10:] not in "".join(error_info.value.problems)


def test_the_variable_of_a_name_is_in_upper_case() -> None:
    """`{NAME}` is the name in upper case, with underscores for other characters; `{name}` is the name itself."""
    head = "defaults: {key_env: 'KEY_{NAME}'}\n"
    names = ["search", "shop-eu.1", "größe", "'2026 plan'"]
    assert [it.key_variable for it in read_registry(*names, head=head).projects] == [
        "KEY_SEARCH",
        "KEY_SHOP_EU_1",
        "KEY_GR_SSE",
        "KEY_2026_PLAN",
    ]
    assert read_project("a", head="defaults: {key_env: 'key_{name}'}\n").key_variable == "key_a"


def test_shared_keys_are_found_in_effective_settings() -> None:
    """Entries whose patterns give one variable, or that name the secret of another, share a key."""
    registry = read_registry("a-b", "a.b", "{name: c, secret: keys/a-b}")
    (by_variable,) = find_shared_by_variable(registry.projects)
    assert by_variable.names == ("a-b", "a.b")
    (by_secret,) = find_shared_by_secret(registry.projects)
    assert by_secret.names == ("a-b", "c")


def test_prefixes_on_aws_apply_to_effective_settings() -> None:
    """A default outside the prefix of its kind is an error of each entry that takes it."""
    head = "defaults: {secret: 'other/{name}'}\n"
    prefixes = NamePrefixes("keys/")
    registry = read_registry("a", "{name: b, secret: keys/b}", head=head).filter_for_aws(prefixes)
    assert [it.name for it in registry.projects] == ["b"]
    assert "has the secret other/a, which the stack may not read" in registry.errors[0].text


def test_two_entries_with_one_project_id_are_an_error() -> None:
    """A project id belongs to one entry; the error names the first line."""
    registry = read_registry("{name: a, project_id: p-1}", "{name: b, project_id: p-1}", "{name: c, project_id: p-2}")
    assert [(it.name, it.project_id) for it in registry.projects] == [("a", "p-1"), ("c", "p-2")]
    (error,) = registry.errors
    assert (error.name, error.line) == ("b", 14)
    assert error.text == (
        'the project "b" has the project_id of the entry on line 13; write its own, or remove one of the two'
    )


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True) | st.sampled_from(["no", "null", "1e5", "on"])


SETTINGS = ["", ", secret: x/y", ", alerts: [quiet]", ", alerts: []", ", alerts: null", ", policy: null"]


@given(NAMES, st.sampled_from([*SETTINGS, ", project_id: '12'"]))
def test_effective_settings_are_an_entry_of_their_own(name: str, settings: str) -> None:
    """What `--show` prints is an entry that has the same settings without any defaults."""
    entry = f"{{name: '{name}'{settings}}}"
    project = read_project(entry)
    first_line, *lines = render_effective_entry(project)
    shown_entry = "\n    ".join([first_line, *lines])
    shown_project = read_project(shown_entry, head="")
    assert [*render_effective_entry(shown_project)] == [
        it.removesuffix("  # from defaults") for it in (first_line, *lines)
    ]
    stack = RegistryDefaults((Channel(ChannelKind.SLACK, "hooks/stack"),))
    assert read_project(shown_entry, head="", stack=stack).channels == read_project(entry, stack=stack).channels
