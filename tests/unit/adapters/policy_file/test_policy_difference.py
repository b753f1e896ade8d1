"""`policy diff OLD NEW --inventory FILE` shows the findings that another policy opens and closes, and its slots."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backup_auditor.adapters.files import AtomicFile
from backup_auditor.adapters.inventory_file import save_inventory
from backup_auditor.application.audit import compare_policies
from backup_auditor.cli.main import main
from backup_auditor.domain.finding import Exemption
from backup_auditor.domain.policy import Policy, ProjectRequirement, Requirements, Rule
from backup_auditor.domain.reporting.policy_diff import PolicyDiff
from backup_auditor.rendering.policy_diff import render_policy_diff
from support.builders.facts import (
    DAY,
    build_complete_listing,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_policy,
    rename_index,
)

INVENTORY = build_inventory(
    rename_index(build_index(), "orders"), rename_index(build_index(schedules=build_complete_listing(())), "carts")
)
OLD_POLICY = build_policy()
EXEMPTION = Exemption(("carts",), ("*",), "search-team", "rebuilt nightly", date(2027, 3, 31))


def list_names(findings: Any) -> set[tuple[str, str]]:
    """Return findings by control and name."""
    return {(it.control, it.resource.name) for it in findings}


def render_text(difference: PolicyDiff) -> str:
    """Return the text of a difference."""
    return "\n".join(render_policy_diff(difference))


def test_the_same_policy_changes_nothing() -> None:
    """Every open finding stays open under the same policy."""
    difference = compare_policies(INVENTORY, OLD_POLICY, OLD_POLICY)
    assert (difference.opened_findings, difference.closed_findings, difference.unknown_findings) == ((), (), ())
    assert difference.unchanged_count > 0
    assert difference.before == difference.after


def test_a_stricter_policy_opens_findings() -> None:
    """An opened finding has the reason of the new policy."""
    difference = compare_policies(INVENTORY, OLD_POLICY, build_policy(retention_min=35 * DAY))
    assert list_names(difference.opened_findings) == {("schedule-retention-meets-minimum", "orders")}
    assert difference.closed_findings == ()
    assert "OPENS (1)" in render_text(difference)
    assert "schedule-retention-meets-minimum: Schedule nightly keeps backups for 7d" in render_text(difference)


def test_a_looser_policy_closes_findings() -> None:
    """A closed finding has the reason why it is compliant."""
    difference = compare_policies(INVENTORY, OLD_POLICY, build_policy(required=False))
    assert ("index-has-schedule", "carts") in list_names(difference.closed_findings)
    assert difference.opened_findings == ()
    assert "index-has-schedule: not applicable: " in render_text(difference)


def test_an_exemption_closes_findings() -> None:
    """A finding that the new policy exempts is closed, with the owner of the exemption."""
    difference = compare_policies(INVENTORY, OLD_POLICY, replace(OLD_POLICY, exemptions=(EXEMPTION,)))
    assert {name for _, name in list_names(difference.closed_findings)} == {"carts"}
    assert "accepted until 2027-03-31 by search-team: rebuilt nightly" in render_text(difference)
    reverse_difference = compare_policies(INVENTORY, replace(OLD_POLICY, exemptions=(EXEMPTION,)), OLD_POLICY)
    assert list_names(reverse_difference.opened_findings) == list_names(difference.closed_findings)


def test_an_unknown_finding_is_not_closed() -> None:
    """With half the backups read, a finding may be open under the old quota and unknown under the new one."""
    inventory = build_inventory(build_index(), backups=build_failed_listing(build_daily_runs()))
    difference = compare_policies(
        inventory, replace(OLD_POLICY, project=ProjectRequirement(backup_quota=5)), OLD_POLICY
    )
    assert ("backup-quota-has-headroom", "default") in list_names(difference.unknown_findings)
    assert ("backup-quota-has-headroom", "default") not in list_names(difference.closed_findings)
    assert "NOW UNKNOWN" in render_text(difference)
    assert "backup-quota-has-headroom: insufficient data: " in render_text(difference)


def test_a_newly_unknown_finding_is_reported() -> None:
    """A new policy may need a second read that the audit under the old policy did not make."""
    inventory = build_inventory(build_index(reads=1), reads=1)
    difference = compare_policies(inventory, OLD_POLICY, build_policy(min_copies=7))
    assert list_names(difference.unknown_findings) == set()
    difference = compare_policies(inventory, OLD_POLICY, build_policy(min_copies=8))
    assert list_names(difference.unknown_findings) == {("recovery-points-meet-minimum-copies", "main")}
    assert "closes 0, leaves 0 open; 1 check cannot be evaluated." in " ".join(render_text(difference).split())
    assert "the backup listing was read only once" in " ".join(render_text(difference).split())
    same_difference = compare_policies(inventory, build_policy(min_copies=8), build_policy(min_copies=8))
    assert same_difference.unknown_findings == ()


def test_slots_are_counted_by_rule() -> None:
    """The slots of required schedules are counted by rule, for the indexes that can be backed up."""
    own_requirements = replace(Requirements(), schedule=replace(Requirements().schedule, retention_min=35 * DAY))
    new_policy = Policy(
        "new", "1" * 64, rules=(Rule("mine", ("orders",), {}, own_requirements),), project=ProjectRequirement()
    )
    difference = compare_policies(INVENTORY, OLD_POLICY, new_policy)
    assert (difference.before.slots, difference.after.slots) == (16, 44)
    assert (difference.before.schedule_count, difference.after.quota) == (2, 500)
    assert "2 schedules required, which hold at least 44 backups of a quota of 500" in render_text(difference)
    none = compare_policies(build_inventory(), OLD_POLICY, OLD_POLICY)
    assert (none.before.schedule_count, none.before.slots) == (0, 0)


def test_the_command_compares_two_files_by_a_saved_inventory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command needs no call and no key, writes to standard output, and exits 0."""
    old_path, new_path, inventory_path = tmp_path / "old.yaml", tmp_path / "new.yaml", tmp_path / "inventory"
    old_path.write_text("version: 1\n")
    new_path.write_text("version: 1\ndefaults: {schedule: {retention_days: {min: 35}}}\n")
    with AtomicFile(inventory_path) as file:
        save_inventory(INVENTORY, file)
    assert main(["policy", "diff", str(old_path), str(new_path), "--inventory", str(inventory_path)]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert "opens 1 finding" in " ".join(output.split())


@pytest.mark.parametrize("distant_policy", ["old", "new"])
def test_an_invalid_policy_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], distant_policy: str
) -> None:
    """A policy that an audit at the time of the inventory would refuse exits 2 with one line."""
    files = {name: tmp_path / f"{name}.yaml" for name in ("old", "new")}
    for path in files.values():
        path.write_text("version: 1\n")
    files[distant_policy].write_text(
        "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: 2031-11-23}]\n"  # of 2026-11-22
    )
    with AtomicFile(tmp_path / "inventory") as file:
        save_inventory(INVENTORY, file)
    command = ["policy", "diff", str(files["old"]), str(files["new"]), "--inventory", str(tmp_path / "inventory")]
    assert main(command) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert f"{distant_policy}.yaml: exemptions[0] ends on 2031-11-23, more than 5 years after 2026-11-22" in errors


@pytest.mark.parametrize("missing_path", ["old.yaml", "new.yaml", "inventory"])
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing_path: str
) -> None:
    """A file that cannot be read exits 2 with one line that names it."""
    files = {name: tmp_path / name for name in ("old.yaml", "new.yaml", "inventory")}
    for name in ("old.yaml", "new.yaml"):
        files[name].write_text("version: 1\n")
    with AtomicFile(files["inventory"]) as file:
        save_inventory(INVENTORY, file)
    files[missing_path].unlink()
    command = ["policy", "diff", str(files["old.yaml"]), str(files["new.yaml"]), "--inventory", str(files["inventory"])]
    assert main(command) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert missing_path in errors
