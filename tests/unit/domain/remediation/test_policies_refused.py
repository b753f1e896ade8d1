"""A policy whose required schedules cannot exist is refused when it is loaded."""

import pytest

from backup_auditor.adapters.policy_file.loader import parse_policy
from backup_auditor.errors import PolicyError


def find_refusal(text: str) -> str:
    """Return why a policy is refused."""
    with pytest.raises(PolicyError) as error_info:
        parse_policy(f"version: 1\n{text}\n".encode(), "p.yaml")
    return str(error_info.value)


@pytest.mark.parametrize("name", ["''", "'  '", "x" * 29], ids=["empty", "blank", "29-characters"])
def test_the_name_of_a_schedule_has_1_to_28_characters(name: str) -> None:
    """Runs of a schedule with a longer name fail."""
    assert "schedule_name" in find_refusal(f"remediation: {{schedule_name: {name}}}")
    parse_policy(f"version: 1\nremediation: {{schedule_name: {'x' * 28}}}\n".encode(), "p.yaml")


def test_requirements_that_no_schedule_satisfies_are_refused() -> None:
    """The error names the line; a policy without remediation is accepted."""
    schedule = "{frequency: weekly, retention_days: {min: 1, max: 7}}"
    text = f"defaults: {{schedule: {schedule}, recovery: {{min_copies: 1}}}}"
    assert find_refusal(f"{text}\nremediation: {{create_schedules: propose}}") == (
        "p.yaml:2: defaults: a weekly schedule needs a retention of at least 8 days,"
        " above the limit of 7 days; raise the limit, or lower the minimums"
    )
    rule = (
        f"rules:\n- name: a\n  match: {{names: [a]}}\n  require: {{schedule: {schedule}, recovery: {{min_copies: 1}}}}"
    )
    assert 'p.yaml:5: require of rules[0] "a": a weekly schedule' in find_refusal(
        f"{rule}\nremediation: {{fix_schedules: apply}}"
    )
    parse_policy(f"version: 1\n{text}\n{rule}\n".encode(), "p.yaml")
