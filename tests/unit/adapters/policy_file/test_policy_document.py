"""docs/reference/policy.md agrees with the policy file."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from backup_auditor.adapters.policy_file.loader import find_shape, list_keys
from backup_auditor.domain.policy import Mode
from docs import policy as policy_document
from support.builders.policies import find_problems, parse_policy

_DOCUMENT = (Path(__file__).parents[4] / "docs" / "reference" / "policy.md").read_text(encoding="utf-8")
_GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "policy.md").read_text(encoding="utf-8")
_EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", _GUIDE, re.MULTILINE | re.DOTALL)


def test_the_table_of_keys_is_current() -> None:
    """The document has the table of keys of the policy file's model."""
    assert policy_document.build_key_table() in _DOCUMENT


def test_every_key_is_in_the_table() -> None:
    """Each key that holds a value has a row."""
    rows = re.findall(r"^\| `([^`]+)`", _DOCUMENT, re.MULTILINE)
    leaf_paths = [path for path, field in list_keys() if find_shape(field.annotation) is None]
    own_keys = [".".join(map(str, path)) for path in leaf_paths if path[:2] != ("rules", "require")]
    assert [it.replace("[]", "") for it in rows] == own_keys


def test_the_examples_are_policies() -> None:
    """The policies in the document load: one with rules and an exemption, and one that requires restore drills."""
    first_policy, second_policy = map(parse_policy, _EXAMPLES)
    assert [it.name for it in first_policy.rules] == ["production", "archive", "experiments"]
    assert len(first_policy.exemptions) == 1
    assert second_policy.restore_drills.mode is Mode.PROPOSE
    assert second_policy.defaults.recovery.restore_drill_within == timedelta(days=90)


@pytest.mark.parametrize(
    "text", ['defaults: {schedule: {required: "true"}}', "defaults: {recovery: {min_copies: 2.0}}", "a: !!str x"]
)
def test_nothing_is_converted(text: str) -> None:
    """The document's examples of refused values are refused."""
    assert find_problems(text)
