"""The built-in policy agrees with the domain, the schema and the text that `policy init` prints."""

import hashlib
from pathlib import Path

import pytest

from backup_auditor.adapters.policy_file import load_built_in_policy, read_default_policy
from backup_auditor.adapters.policy_file.loader import POLICY_DOCUMENT, list_keys, load_policy
from backup_auditor.adapters.yaml_loader import compose_document
from backup_auditor.domain.policy import Policy, Requirements
from support.builders.policies import parse_policy

_STATED_POLICY = """\
version: 1
defaults:
  schedule:   {required: true, frequency: daily, retention_days: {min: 7, max: 400}}
  recovery:   {max_age: null, min_copies: 2, horizon: 7d, restore_drill_within: null, max_restore_time: null}
  runs:       {grace: 6h, stuck_after: 12h}
  content:    {allow_empty: false, max_record_drop_percent: 20, max_namespace_drop_percent: 5, max_size_factor: 3}
  protection: {deletion_protection: false, locations: [], required_tags: [], max_backup_age_days: null}
  orphaned_backups: {max_age_days: 30}
project:
  {plan: standard, backup_quota: null, quota_warn_percent: 80, expected_id: null, document_indexes: included}
rules: []
exemptions: []
remediation:
  {create_schedules: never, fix_schedules: never, first_backup: false, max_creations: 5, schedule_name: auditor}
restore_drills:
  {mode: never, max_per_run: 1, max_size_gib: 20, max_duration: 6h, sample_records: 100, choose: newest,
   index_prefix: drill, price_per_gib: null}
"""


def test_the_default_policy_states_what_is_published() -> None:
    """The text of the default policy has exactly the published keys and values."""
    assert (
        compose_document(read_default_policy(), POLICY_DOCUMENT).value
        == compose_document(_STATED_POLICY, POLICY_DOCUMENT).value
    )


def test_the_built_in_policy_is_that_of_the_domain() -> None:
    """The built-in policy equals the domain's defaults, and its digest is that of its text."""
    digest = hashlib.sha256(read_default_policy().encode()).hexdigest()
    assert load_built_in_policy() == Policy(source="built-in", sha256=digest)


@pytest.mark.parametrize(
    "text", ["version: 1", "{}", "defaults: {}", "defaults: {schedule: {retention_days: {}}}\nproject: {}"]
)
def test_an_absent_key_takes_its_default(text: str) -> None:
    """A policy without a key equals a policy with its default."""
    policy = parse_policy(text)
    assert (policy.defaults, policy.project, policy.remediation, policy.restore_drills) == (
        load_built_in_policy().defaults,
        load_built_in_policy().project,
        load_built_in_policy().remediation,
        load_built_in_policy().restore_drills,
    )
    assert (policy.rules, policy.exemptions) == ((), ())


def test_the_text_that_init_prints_is_a_valid_policy(tmp_path: Path) -> None:
    """The output of `policy init` loads and equals the built-in policy."""
    path = tmp_path / "policy.yaml"
    path.write_text(read_default_policy(), encoding="utf-8")
    assert load_policy(path).defaults == Requirements()
    assert load_policy(path).sha256 == load_built_in_policy().sha256


def test_the_examples_in_the_comments_of_the_default_policy_are_valid() -> None:
    """The rule and the exemption in comments load when they are uncommented."""
    lines = read_default_policy().splitlines()
    examples = [it.removeprefix("# ") for it in lines if it.startswith(("# rules:", "# exemptions:", "#   "))]
    policy = parse_policy("\n".join(examples))
    assert [it.name for it in policy.rules] == ["production"]
    assert [it.owner for it in policy.exemptions] == ["search-team"]


def test_the_default_policy_shows_every_key() -> None:
    """The default policy shows every known key, in its text or in its examples."""
    policy_text = read_default_policy()
    list_item_keys = {"match", "names", "tags", "require", "name", "controls", "owner", "reason", "expires"}
    hidden_paths = [path for path, _ in list_keys() if f"{path[-1]}:" not in policy_text]
    assert hidden_paths == []
    assert list_item_keys <= {str(path[-1]) for path, _ in list_keys()}


def test_a_percentage_stays_the_number_that_was_written() -> None:
    """Reports show a whole percentage without a fraction."""
    content = parse_policy(
        "defaults: {content: {max_record_drop_percent: 20, max_namespace_drop_percent: 2.5}}"
    ).defaults.content
    assert (repr(content.max_record_drop_percent), repr(content.max_namespace_drop_percent)) == ("20", "2.5")
