"""Projects to ignore have an owner, a reason and a last day, and their errors affect no audit."""

from datetime import date

import pytest

from backup_auditor.adapters.registry_file import parse_registry
from backup_auditor.domain.registry import IgnoredProject, NamePrefixes, Registry

PROJECTS = "projects: [{name: search, secret: s, project_id: p-1}]\n"
VALID = "{project: playground, owner: search-team, reason: nothing to back up, expires: 2027-03-31}"


def read_ignored(*lines: str) -> Registry:
    """Read a registry that ignores these projects; the first one is on line 4."""
    text = f"version: 1\n{PROJECTS}ignore:\n" + "".join(f"  - {it}\n" for it in lines)
    return parse_registry(text.encode(), "r.yaml")


def test_a_project_is_ignored_with_owner_reason_and_day() -> None:
    """An ignored project has its owner, its reason, its last day and its line."""
    registry = read_ignored(VALID)
    assert registry.ignored_projects == (
        IgnoredProject("playground", "search-team", "nothing to back up", date(2027, 3, 31), 4),
    )
    assert registry.ignore_errors == ()


@pytest.mark.parametrize(
    "line,problem",
    [
        pytest.param("playground", "entry 2 of ignore is not a mapping; write {project, owner, reason, exp", id="name"),
        pytest.param(VALID.replace("owner: search-team, ", ""), "entry 2 of ignore has no owner; add it", id="owner"),
        pytest.param(
            VALID.replace("reason", "reson"),
            'unknown key "reson" in entry 2 of ignore; did you mean "reason"?',
            id="near-key",
        ),
        pytest.param(VALID.replace("search-team", "7"), "owner of entry 2 of ignore is 7; write text", id="number"),
        pytest.param(
            VALID.replace("2027-03-31", "2027-02-30"),
            "expires of entry 2 of ignore is not a day; write one such as 2027-03-31",
            id="no-day",
        ),
        pytest.param(
            VALID.replace("playground", "search"),
            'entry 2 of ignore names "search", which is registered; remove one of the two',
            id="registered-name",
        ),
        pytest.param(
            VALID.replace("playground", "p-1"),
            'entry 2 of ignore names "p-1", which is registered; remove one of the two',
            id="registered-id",
        ),
        pytest.param(
            VALID.replace("playground", "sandbox"),
            "entry 2 of ignore is a duplicate, first on line 4; remove one of the two",
            id="duplicate",
        ),
    ],
)
def test_an_invalid_line_affects_nothing_else(line: str, problem: str) -> None:
    """The error has its line, the other line counts, and the projects are audited."""
    registry = read_ignored(VALID.replace("playground", "sandbox"), line)
    assert [it.project for it in registry.ignored_projects] == ["sandbox"]
    assert registry.ignore_errors[0].line == 5
    assert registry.ignore_errors[0].text.startswith(problem)
    assert (registry.errors, registry.names) == ((), ("search",))


def test_ignore_is_a_list() -> None:
    """A mapping in place of the list is an error that affects no audit."""
    registry = parse_registry(f"version: 1\n{PROJECTS}ignore: {VALID}".encode(), "r.yaml")
    (error,) = registry.ignore_errors
    assert registry.format_error(error) == ("r.yaml:3: ignore is not a list; write [{project, owner, reason, expires}]")
    assert registry.names == ("search",)


def test_ignored_projects_stay_on_aws() -> None:
    """A registry that is filtered for AWS still has its ignored projects and their errors."""
    registry = read_ignored(VALID, "x")
    filtered_registry = registry.filter_for_aws(NamePrefixes("keys/"))
    assert filtered_registry.ignored_projects == registry.ignored_projects
    assert filtered_registry.ignore_errors == registry.ignore_errors
