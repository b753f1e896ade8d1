"""Every key of a policy is known, of one type and within its range; else the error has its line and what to do."""

import pytest

from backup_auditor.errors import PolicyError
from support.builders.policies import find_problem, find_problems, parse_policy


@pytest.mark.parametrize(
    "text, expected_problem",
    [
        (
            "min_copys: 1",
            (
                '1: unknown key "min_copys"; known there: version, defaults, project, rules, exemptions, remediation,'
                " restore_drills"
            ),
        ),
        ("default: {}", '1: unknown key "default"; did you mean "defaults"?'),
        (
            "defaults:\n  recovery:\n    min_copy: 3",
            '3: unknown key "min_copy" in defaults.recovery; did you mean "min_copies"?',
        ),
        ("defaults:\n  min_copies: 3", '2: unknown key "min_copies" in defaults; it belongs in defaults.recovery'),
        (
            "rules:\n- name: prod\n  require:\n    grace: 3h",
            '4: unknown key "grace" in require of rules[0] "prod"; it belongs in rules.require.runs',
        ),
        (
            "rules:\n- name: prod\n  when: {}",
            '3: unknown key "when" in rules[0] "prod"; known there: name, match, require',
        ),
        (
            "defaults:\n  protection:\n    erasure_days: 30",
            '3: unknown key "erasure_days" in defaults.protection; did you mean "max_backup_age_days"?',
        ),
        ("defaults: {orphans: {}}", '1: unknown key "orphans" in defaults; did you mean "orphaned_backups"?'),
        (
            "defaults:\n  orphaned_backups: {keep_days: 30}",
            '2: unknown key "keep_days" in defaults.orphaned_backups; did you mean "max_age_days"?',
        ),
        ("plan: enterprise", '1: unknown key "plan"; it belongs in project'),
        (
            '"a\\nb": 1',
            (
                '1: unknown key "a\\nb"; known there: version, defaults, project, rules, exemptions, remediation,'
                " restore_drills"
            ),
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_a_hint(text: str, expected_problem: str) -> None:
    """An unknown key is refused with its line and the nearest key, its section, or the known keys."""
    assert find_problem(text) == expected_problem


@pytest.mark.parametrize(
    "text, expected_problem",
    [
        ("version: 2", "version is 2; write 1, the only version"),
        ("version: true", "version is true; write a whole number"),
        ('version: "1"', 'version is "1"; write a whole number'),
        ("version: 1.0", "version is 1.0; write a whole number"),
        ("version: null", "version is null; write a whole number"),
        ("rules: {}", "rules is a mapping; write a list [one, another]"),
        ("rules:", "rules is null; write a list [one, another]"),
        ("rules: [a]", 'rules[0] is "a"; write a mapping {key: value}, or leave it out'),
        ("defaults:", "defaults is null; write a mapping {key: value}, or leave it out"),
        ("defaults: {schedule: {required: yes}}", 'defaults.schedule.required is "yes"; write true or false'),
        (
            "defaults: {schedule: {frequency: Daily}}",
            'defaults.schedule.frequency is "Daily"; write daily, weekly or monthly (did you mean daily?)',
        ),
        ("defaults: {schedule: {frequency: 1}}", "defaults.schedule.frequency is 1; write daily, weekly or monthly"),
        ("defaults: {recovery: {min_copies: -1}}", "defaults.recovery.min_copies is -1; write a number of at least 0"),
        ("defaults: {recovery: {min_copies: 2.5}}", "defaults.recovery.min_copies is 2.5; write a whole number"),
        (
            "defaults: {recovery: {horizon: 7}}",
            "defaults.recovery.horizon is 7; write a duration such as 90m, 26h or 7d, of at most 36500d",
        ),
        (
            "defaults: {recovery: {max_age: 0h}}",
            'defaults.recovery.max_age is "0h"; write a duration above zero, such as 26h',
        ),
        (
            "defaults: {content: {max_size_factor: 0.9}}",
            "defaults.content.max_size_factor is 0.9; write a number of at least 1",
        ),
        (
            "defaults: {orphaned_backups: {max_age_days: [30]}}",
            "defaults.orphaned_backups.max_age_days is a list; write a whole number",
        ),
        ("project: {plan: premium}", 'project.plan is "premium"; write starter, builder, standard or enterprise'),
        ("project: {expected_id: 12}", "project.expected_id is 12; write it in quotes: it must be text"),
        ("project: {backup_quota: 0}", "project.backup_quota is 0; write a number of at least 1"),
        (
            "defaults: {protection: {locations: [aws]}}",
            'defaults.protection.locations[0] is "aws"; write a pattern of cloud/region, such as aws/eu-*',
        ),
        (
            "defaults: {protection: {required_tags: [{}]}}",
            "defaults.protection.required_tags[0] is a mapping; write text",
        ),
        (
            f"remediation: {{schedule_name: {'a' * 29}}}",
            f'remediation.schedule_name is "{"a" * 29}"; write at most 28 characters',
        ),
        ("remediation: {fix_schedules: no}", 'remediation.fix_schedules is "no"; write never, propose or apply'),
        ("rules: [{match: {names: [a]}}]", "rules[0] has no name; add it: name of the rule in reports"),
        ("rules: [{name: a, match: {names: []}}]", 'match.names of rules[0] "a" is a list; write at least one entry'),
        ("rules: [{name: a, match: {names:}}]", 'match.names of rules[0] "a" is null; write a list [one, another]'),
        (
            "rules: [{name: a, match: {names: p-*}}]",
            'match.names of rules[0] "a" is "p-*"; write a list [one, another]',
        ),
        (
            "rules: [{name: a, match: {tags: [env]}}]",
            'match.tags of rules[0] "a" is a list; write a mapping {key: value}, or leave it out',
        ),
        (
            "rules: [{name: a, match: {tags: {env: []}}}]",
            'match.tags.env of rules[0] "a" is a list; write at least one entry',
        ),
        (
            "rules: [{name: a, match: {tags: {env: [true]}}}]",
            'match.tags.env[0] of rules[0] "a" is true; write it in quotes: it must be text',
        ),
    ],
)
def test_a_wrong_value_is_shown_with_what_to_write(text: str, expected_problem: str) -> None:
    """A value of the wrong type or out of range is refused with its place, its value and what to write."""
    assert find_problem(text) == f"1: {expected_problem}"


@pytest.mark.parametrize("duration", ["90m", "26h", "7d", "36500d", "876000h"])
def test_durations_are_minutes_hours_and_days(duration: str) -> None:
    """A duration is a number and one of three units, up to a hundred years."""
    assert parse_policy(f"defaults: {{recovery: {{horizon: {duration}}}}}").defaults.recovery.horizon


@pytest.mark.parametrize(
    "duration", ["36501d", "876001h", "7", "7w", "1d12h", "-7d", "1.5d", "7 d", "d", "٣d", '"7d\\n"', "PT1H"]
)
def test_other_durations_are_refused(duration: str) -> None:
    """A duration beyond a hundred years, in another unit, or without one is refused."""
    assert "write a duration such as 90m, 26h or 7d" in find_problem(f"defaults: {{recovery: {{horizon: {duration}}}}}")


@pytest.mark.parametrize(
    "key, text",
    [
        ("owner", "{names: [a], controls: ['*'], reason: r, expires: 2027-03-31}"),
        ("reason", "{names: [a], controls: ['*'], owner: o, expires: 2027-03-31}"),
        ("expires", "{names: [a], controls: ['*'], owner: o, reason: r}"),
        ("names", "{controls: ['*'], owner: o, reason: r, expires: 2027-03-31}"),
        ("controls", "{names: [a], owner: o, reason: r, expires: 2027-03-31}"),
    ],
)
def test_an_exemption_needs_every_key(key: str, text: str) -> None:
    """An exemption without a required key is refused with its line."""
    assert find_problem(f"version: 1\nexemptions:\n  - {text}").startswith(f"3: exemptions[0] has no {key}; add it: ")


@pytest.mark.parametrize("blank_text", ['""', '"  "', "null"])
@pytest.mark.parametrize("key", ["owner", "reason", "expires"])
def test_an_exemption_has_no_blank_values(key: str, blank_text: str) -> None:
    """An exemption with a blank owner, reason or expiry is refused."""
    words = {"owner": "o", "reason": "r", "expires": "2027-03-31"} | {key: blank_text}
    text = ", ".join(f"{name}: {word}" for name, word in words.items())
    assert f"{key} of exemptions[0] is" in find_problem(f"exemptions: [{{names: [a], controls: ['*'], {text}}}]")


@pytest.mark.parametrize(
    "day", ["2027-02-29", "2027-3-31", "31.03.2027", "2027-03-31T00:00:00Z", "tomorrow", "20270331", "0000-01-01"]
)
def test_an_expiry_is_a_day_of_the_calendar(day: str) -> None:
    """An expiry that is not a date is refused."""
    text = f"exemptions: [{{names: [a], controls: ['*'], owner: o, reason: r, expires: {day}}}]"
    assert "; write a day such as 2027-03-31" in find_problem(text)


def test_every_problem_is_reported_in_the_order_of_the_file() -> None:
    """All differences of a file are reported at once, by line."""
    text = "rules:\n- {name: a, wen: 1}\nversion: 3\ndefaults:\n  runs: {grace: 1}\n  recovery: {min_copies: x}\n"
    assert [int(it.split(":")[0]) for it in find_problems(text)] == [2, 3, 5, 6]


def test_the_text_of_an_error_is_its_first_problem_and_how_to_see_the_rest() -> None:
    """The text of a `PolicyError` is one line whatever the number of problems."""
    with pytest.raises(PolicyError) as error_info:
        parse_policy("a: 1\nb: 2\nversion: 3")
    text = str(error_info.value)
    assert text.startswith(error_info.value.problems[0])
    assert " (and 2 more: backup-auditor policy validate /" in text
    assert text.endswith("/policy.yaml lists them)")
    assert "\n" not in text


def test_a_long_value_is_cut() -> None:
    """A value of any length is shown in one short line."""
    assert len(find_problem(f"defaults: {{schedule: {{frequency: {'x' * 10_000}}}}}")) < 200


def test_the_number_of_shown_problems_is_limited() -> None:
    """Beyond 100 problems, only their number is shown."""
    shown_problems = find_problems("\n".join(f"key{it}: 1" for it in range(150)))
    assert len(shown_problems) == 101
    assert shown_problems[-1] == "101: 50 more problems from here on; correct the others first"
