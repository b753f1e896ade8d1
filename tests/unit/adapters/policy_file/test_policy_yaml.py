"""A policy file is one YAML 1.2 document, and no content can exhaust memory or time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_auditor.adapters.policy_file.loader import POLICY_DOCUMENT
from backup_auditor.adapters.yaml_loader import MAX_DEPTH, MAX_NODES, compose_document
from backup_auditor.domain.text import escape_control_characters
from backup_auditor.errors import PolicyError
from support.builders.policies import find_problem, find_problems, parse_policy


@pytest.mark.parametrize(
    "word", ["no", "on", "off", "yes", "y", "N", "On", "2027-03-31", "1_000", "1:30", "0b1", "=", "<<"]
)
def test_words_with_a_meaning_in_yaml_1_1_only_are_text(word: str) -> None:
    """A word that only YAML 1.1 converts is text."""
    assert compose_document(f"a: {word}", POLICY_DOCUMENT).value == {"a": word}


@pytest.mark.parametrize(
    "written_value, value",
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("007", 7),
        ("0o17", 15),
        ("0xFf", 255),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'1'", "1"),
        ('"null"', "null"),
        ("!!str 1", "1"),
        ("! true", "true"),
        ("trUe", "trUe"),
        ("+", "+"),
    ],
)
def test_a_plain_word_means_what_the_core_schema_says(written_value: str, value: object) -> None:
    """Plain numbers, booleans and nulls follow the core schema; quoted or tagged text is text."""
    parsed_value = compose_document(f"a: {written_value}", POLICY_DOCUMENT).value
    assert parsed_value == {"a": value}
    assert [type(it) for it in parsed_value.values()] == [type(value)]


@pytest.mark.parametrize("written_value", [".inf", "-.INF", ".nan"])
def test_a_number_that_is_not_finite_is_refused(written_value: str) -> None:
    """An infinite number or NaN is refused with its key."""
    problem = find_problem(f"version: 1\nproject: {{quota_warn_percent: {written_value}}}")
    key_path = "(project.quota_warn_percent)"
    assert (
        problem
        == f"2: {written_value} is not a finite number {key_path}; write a finite number, or put the text in quotes"
    )


def test_the_key_of_a_number_in_a_list_is_named_with_its_place() -> None:
    """Items are counted from 0, as in every other message."""
    text = "rules:\n- name: a\n  require:\n    recovery: {min_copies: .nan}"
    assert "(rules[0].require.recovery.min_copies)" in find_problem(text)


def test_a_number_past_the_largest_float_is_refused() -> None:
    """A number that overflows a float is refused."""
    assert "max_size_factor is inf; write" in find_problem("defaults: {content: {max_size_factor: 1e999}}")
    assert "is too long; put it in quotes" in find_problem(f"project: {{backup_quota: {'9' * 5000}}}")


def test_tags_may_be_the_words_no_and_on() -> None:
    """A rule can match the tag values `no` and `on`."""
    rule = parse_policy("rules: [{name: a, match: {tags: {env: [no, on]}}}]").rules[0]
    assert rule.tags == {"env": ("no", "on")}


def test_a_duplicate_key_names_both_lines() -> None:
    """A key that appears twice in a mapping is refused with both lines."""
    assert (
        find_problem("version: 1\nrules: []\nversion: 1")
        == '3: the key "version" is a duplicate, first on line 1; remove one'
    )


def test_a_merge_key_is_an_unknown_key() -> None:
    """A merge key is refused with the reason."""
    text = "version: 1\ndefaults:\n  runs: &runs {grace: 1h}\n  content: {<<: *runs}"
    assert find_problem(text) == (
        '4: unknown key "<<" in defaults.content; merge keys are not part of YAML 1.2; write the keys out'
    )


def test_an_alias_repeats_its_anchor() -> None:
    """An alias has the value of its anchor."""
    policy = parse_policy(
        "rules: [{name: a, match: {names: [a]}, require: &it {recovery: {min_copies: 5}}}, {name: b, require: *it}]"
    )
    assert [rule.requirements.recovery.min_copies for rule in policy.rules] == [5, 5]


def test_aliases_cannot_multiply_without_end() -> None:
    """Nested aliases count as the nodes that they repeat."""
    alias_lines = "\n".join(f"l{it}: &l{it} [{', '.join([f'*l{it - 1}'] * 10)}]" for it in range(1, 12))
    assert f"has more than {MAX_NODES:,} values, aliases included" in find_problem(f"l0: &l0 [a]\n{alias_lines}")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: *b", "a: &a {b: *a}"])
def test_an_alias_needs_a_finished_anchor(text: str) -> None:
    """An alias without an anchor, or inside its own anchor, is refused."""
    assert "has no finished anchor before it" in find_problem(text)


def test_aliases_cannot_nest_deeper_than_text_can() -> None:
    """The depth of an aliased node counts towards the limit."""
    half_depth = MAX_DEPTH // 2
    text = f"a: &a {'[' * half_depth}x{']' * half_depth}\nb: {'[' * half_depth}*a{']' * half_depth}"
    assert find_problem(text) == f"2: is nested more than {MAX_DEPTH} levels deep by its aliases"


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "{a: " * 50_000, "- " * 50_000, "? " * 50_000])
def test_deep_nesting_is_refused(text: str) -> None:
    """The limit of nesting is fixed and independent of the interpreter's."""
    assert find_problem(text) == f"1: is nested more than {MAX_DEPTH} levels deep; a policy needs fewer levels"


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [id]", "a: !!int 3", "!!map {}", "a: !mine x"])
def test_tags_are_refused(text: str) -> None:
    """Any YAML tag other than text is refused."""
    assert "is not supported; remove it" in find_problem(text)


@pytest.mark.parametrize("key", ["1", "true", "null", "[a]", "{a: b}", ""])
def test_a_key_must_be_text(key: str) -> None:
    """A key that is not text is refused."""
    assert find_problem(f"version: 1\n? {key}\n: x") == "2: a key is not text; put it in quotes"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "~", "\ufeff", "---\n...\n"])
def test_an_empty_file_is_not_a_policy(text: str) -> None:
    """An empty file is refused, and the error says how to start."""
    assert "is empty, and an empty file is not a policy" in find_problem(text)


def test_a_policy_is_one_document() -> None:
    """A second document is refused with its line."""
    assert find_problem("version: 1\n---\nversion: 1") == "2: a second document begins; a policy is one document"


@pytest.mark.parametrize("text", ["[version, 1]", "version 1", "42"])
def test_a_policy_is_a_mapping(text: str) -> None:
    """A file with another type of document is refused."""
    assert find_problem(text) == '1: is not a mapping; begin with "version: 1"'


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\ta: b", "a: 'b", "%YAML 9.9\n---\na: b", "a: @b", "{a: b"])
def test_text_that_is_not_yaml_is_refused_with_its_line(text: str) -> None:
    """Invalid YAML is refused with its line and a one-line reason."""
    (problem,) = find_problems(text)
    assert "is not YAML: " in problem
    assert problem[0].isdigit()
    assert "\n" not in problem


@pytest.mark.parametrize("escape", [r"\0", r"\x1b[31m", r"\ud800", r"\x7f"])
def test_an_escape_cannot_produce_a_control_character(escape: str) -> None:
    """A text with an escaped control character is refused and shown with an escape."""
    problem = find_problem(f'version: 1\nproject: {{expected_id: "{escape}"}}')
    assert problem.startswith('2: the text "\\')
    assert escape_control_characters(problem) == problem


def test_a_surrogate_pair_is_one_character() -> None:
    """JSON writes a flag as four escapes, two for each letter; YAML reads the same characters."""
    flag = r"\uD83C\uDDE9\uD83C\uDDEA"
    policy = parse_policy(f'rules: [{{name: "{flag} prod", match: {{tags: {{"{flag}": ["a{flag}b", 🇩🇪]}}}}}}]')
    assert (policy.rules[0].name, policy.rules[0].tags) == ("🇩🇪 prod", {"🇩🇪": ("a🇩🇪b", "🇩🇪")})


@pytest.mark.parametrize(
    "escape",
    [
        pytest.param(r"\uD83C", id="high-alone"),
        pytest.param(r"\uDDE9", id="low-alone"),
        pytest.param(r"\uDDE9\uD83C", id="wrong-order"),
        pytest.param(r"\uD83C \uDDE9", id="torn-apart"),
        pytest.param(r"\uD83C\uD83C\uDDE9", id="one-too-many"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused(escape: str) -> None:
    """The error has the text, its line and key, and what to do."""
    problem = find_problem(f'version: 1\nrules:\n- name: "{escape}"')
    assert problem.startswith('3: the text "')
    assert "has half of a surrogate pair (rules[0].name); write both halves, or the character itself" in problem
    assert problem.isprintable()


def test_backslashes_outside_double_quotes_are_text() -> None:
    """Only double quotes have escapes."""
    assert parse_policy(r"rules: [{name: '\uD83C'}]").rules[0].name == r"\uD83C"


def test_an_impossible_escape_is_refused() -> None:
    """An escape beyond Unicode is not valid YAML."""
    assert "is not YAML" in find_problem('a: "\\U00110000"')


@given(
    st.recursive(
        st.sampled_from(["a", 1, True, None, 0.5]),
        lambda it: st.lists(it) | st.dictionaries(st.sampled_from("abc"), it),
        max_leaves=10,
    )
)
def test_what_json_writes_is_read_back(value: object) -> None:
    """JSON is YAML 1.2: its values are read unchanged."""
    assert compose_document(json.dumps({"value": value}), POLICY_DOCUMENT).value == {"value": value}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_an_error(content: bytes) -> None:
    """Any bytes give a policy or a `PolicyError`."""
    assert all(escape_control_characters(it) == it for it in _find_problems(content))


def _find_problems(content: str | bytes) -> tuple[str, ...]:
    """Return the problems of a file; an error of any other kind fails the test."""
    try:
        parse_policy(content)
    except PolicyError as error:
        return error.problems
    return ()


_PIECES = st.sampled_from(
    [
        "version",
        "defaults",
        "rules",
        "exemptions",
        ": ",
        ":\n  ",
        "- ",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "!!",
        "!x ",
        '"',
        "'",
        "|",
        ">",
        "%",
        "\\U0011",
        "\\ud800",
        "#",
        "? ",
        "1",
        "-1",
        "1e9",
        "7d",
        "null",
        "é",
        "\x00",
        "\u2028",
        "---\n",
        "...",
        "<<",
        "0x",
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_any_pieces_of_yaml_are_a_policy_or_an_error(text: str) -> None:
    """Any sequence of YAML's special characters gives a policy or a `PolicyError`."""
    assert all(escape_control_characters(it) == it for it in _find_problems(text))


def test_the_size_of_a_node_counts_aliases() -> None:
    """A node's size counts aliased nodes each time, and its depth is that of the deepest branch."""
    root = compose_document("a: &a [x, y]\nb: [*a, *a]", POLICY_DOCUMENT)
    assert (root.size, root.depth) == (1 + (1 + 3) + (1 + 1 + 3 + 3), 4)
