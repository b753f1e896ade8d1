"""Finding a project in a registry, and what of a registry AWS can use."""

import pytest

from backup_auditor.domain.outbox import Channel, ChannelKind
from backup_auditor.domain.registry import EntryError, NamePrefixes, RegisteredProject, Registry
from backup_auditor.errors import RegistryError

PROJECT_A = RegisteredProject("a", "s/a")
PROJECT_B = RegisteredProject("b", "s/b")
ENTRY_ERROR = EntryError("c", 9, 'the project "c" has no secret; add it')
REGISTRY = Registry((PROJECT_A, PROJECT_B), (ENTRY_ERROR,), "r.yaml")
ACCOUNT_ARN = "arn:aws:sns:eu-central-1:111122223333:"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:"  # noqa: S105  the beginning of ARNs
PREFIXES = NamePrefixes(
    "team/keys/",
    "team/webhooks/",
    "team/pings/",
    "editors/",
    "drills/",
    (f"{ACCOUNT_ARN}stack", f"{ACCOUNT_ARN}team-"),
)


def test_a_project_is_found_by_its_name() -> None:
    """A name finds its project at any position."""
    assert REGISTRY.find("b") is PROJECT_B


def test_the_only_project_needs_no_name() -> None:
    """If one project is registered, no name is needed."""
    assert Registry((PROJECT_A,)).find(None) is PROJECT_A


def test_of_several_projects_one_has_to_be_named() -> None:
    """With several entries, invalid ones included, a name is required."""
    for registry in (REGISTRY, Registry((PROJECT_A,), (ENTRY_ERROR,))):
        with pytest.raises(RegistryError, match="projects are registered; name one of them"):
            registry.find(None)


@pytest.mark.parametrize("name", ["c", None])
def test_an_invalid_entry_raises_its_error(name: str | None) -> None:
    """Looking up an invalid entry raises its problem with the line."""
    with pytest.raises(RegistryError) as error_info:
        Registry((), (ENTRY_ERROR,), "r.yaml").find(name)
    assert str(error_info.value) == 'r.yaml:9: the project "c" has no secret; add it'


def test_a_project_that_nobody_registered_is_refused() -> None:
    """The error names an unknown project, and the registry that does not contain it."""
    with pytest.raises(RegistryError, match=r"^r\.yaml: does not contain the project 'd'; add it"):
        REGISTRY.find("d")


def test_every_name_is_listed_once() -> None:
    """The names are those of valid and invalid entries, each once."""
    assert Registry((PROJECT_A, PROJECT_B), (ENTRY_ERROR, ENTRY_ERROR, EntryError("entry 4", None, "x"))).names == (
        "a",
        "b",
        "c",
        "entry 4",
    )


def test_a_problem_without_a_line_names_its_source() -> None:
    """A problem without a line is shown with its source alone."""
    assert REGISTRY.format_error(EntryError("c", None, "is wrong")) == "r.yaml: is wrong"


def test_on_aws_an_entry_needs_a_secret_and_a_policy_address() -> None:
    """An entry for local audits only is invalid on AWS and does not affect the others."""
    local_project = RegisteredProject("l", key_variable="KEY", policy="l.yaml", line=5)
    fetched_project = RegisteredProject("f", "s/f", "KEY", "s3://bucket/f.yaml")
    registry = Registry((PROJECT_A, local_project, fetched_project), (ENTRY_ERROR,), "r.yaml").filter_for_aws()
    assert registry.projects == (PROJECT_A, fetched_project)
    assert [(it.name, it.line) for it in registry.errors] == [("c", 9), ("l", 5), ("l", 5)]
    assert "has no secret" in registry.errors[1].text
    assert "has a policy file" in registry.errors[2].text
    assert registry.source == "r.yaml"


def make_project(  # noqa: PLR0913, PLR0917  one argument for each kind of name
    key: str = "team/keys/a",
    editor: str | None = None,
    slack: str | None = None,
    sns: str | None = None,
    ping: str | None = None,
    drill: str | None = None,
) -> RegisteredProject:
    """Return a project with these names."""
    targets = {ChannelKind.SLACK: slack, ChannelKind.SNS: sns}
    channels = tuple(Channel(kind, target) for kind, target in targets.items() if target is not None)
    return RegisteredProject("a", key, None, None, channels, 3, editor, ping, drill)


@pytest.mark.parametrize(
    "project",
    [
        pytest.param(make_project(), id="name"),
        pytest.param(make_project(f"{SECRET_ARN}team/keys/a-AbCdEf"), id="arn"),
        pytest.param(make_project("ssm:/team/keys/a"), id="parameter"),
        pytest.param(make_project(editor="editors/a", drill="drills/a", slack="team/webhooks/a"), id="other-kinds"),
        pytest.param(make_project(sns=f"{ACCOUNT_ARN}team-a"), id="topic"),
        pytest.param(make_project(ping="team/pings/a"), id="ping"),
        pytest.param(make_project(sns=f"{ACCOUNT_ARN}stack"), id="topic-of-the-stack"),
    ],
)
def test_names_with_the_prefix_of_their_kind_are_allowed(project: RegisteredProject) -> None:
    """A name is allowed if the part after its ARN, or after the slash of a parameter, has the prefix of its kind."""
    assert Registry((project,)).filter_for_aws(PREFIXES) == Registry((project,))


@pytest.mark.parametrize(
    "project, problem",
    [
        pytest.param(
            make_project("team/webhooks/a"),
            "has the secret team/webhooks/a, which the stack may not read; give it a name that starts with team/keys/",
            id="webhook-as-key",
        ),
        pytest.param(
            make_project(f"{SECRET_ARN}other/a-AbCdEf"),
            f"has the secret {SECRET_ARN}other/a-AbCdEf, which the stack may not read; give it a name that starts with"
            " team/keys/",
            id="arn",
        ),
        pytest.param(
            make_project("ssm:/team/a"),
            "has the secret ssm:/team/a, which the stack may not read; give it a name that starts with team/keys/",
            id="parameter",
        ),
        pytest.param(
            make_project(editor="team/keys/a"),
            "has the editor_secret team/keys/a, which the stack may not read; give it a name that starts with editors/",
            id="editor",
        ),
        pytest.param(
            make_project(drill="editors/a"),
            "has the drill_secret editors/a, which the stack may not read; give it a name that starts with drills/",
            id="drill",
        ),
        pytest.param(
            make_project(slack="team/keys/a"),
            "has the slack team/keys/a, which the stack may not read; give it a name that starts with team/webhooks/",
            id="slack",
        ),
        pytest.param(
            make_project(ping="team/keys/a"),
            "has the ping_secret team/keys/a, which the stack may not read; give it a name that starts with"
            " team/pings/",
            id="ping",
        ),
        pytest.param(
            make_project(sns=f"{ACCOUNT_ARN.replace('eu', 'us')}team-a"),
            f"has the topic {ACCOUNT_ARN.replace('eu', 'us')}team-a, to which the stack may not publish;"
            f" name a topic whose ARN starts with {ACCOUNT_ARN}team-",
            id="topic-in-another-region",
        ),
    ],
)
def test_a_name_outside_its_prefix_is_an_error_of_the_entry(project: RegisteredProject, problem: str) -> None:
    """The error names the entry, the name and the prefix, and does not affect other entries."""
    other_project = RegisteredProject("b", "team/keys/b")
    registry = Registry((project, other_project), source="r.yaml").filter_for_aws(PREFIXES)
    assert registry.projects == (other_project,)
    assert [registry.format_error(it) for it in registry.errors] == [f'r.yaml:3: the project "a" {problem}']


def test_a_function_checks_only_the_names_that_it_knows() -> None:
    """Without the prefixes of editors' keys, of keys for drills, and of topics, none of them is checked."""
    project = make_project(editor="other", drill="other", sns=f"{ACCOUNT_ARN}other")
    prefixes = NamePrefixes(PREFIXES.keys, PREFIXES.webhooks)
    assert Registry((project,)).filter_for_aws(prefixes).projects == (project,)
