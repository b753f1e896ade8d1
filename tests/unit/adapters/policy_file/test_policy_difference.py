"""`policy diff OLD NEW --inventory FILE`: which findings another policy opens and closes, and its slots."""

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
from support.builders.facts import DAY, broken, daily_runs, index, inventory, policy, renamed, whole

TOLD = inventory(renamed(index(), "orders"), renamed(index(schedules=whole(())), "carts"))
OLD = policy()
ACCEPTED = Exemption(("carts",), ("*",), "search-team", "rebuilt nightly", date(2027, 3, 31))


def names(findings: Any) -> set[tuple[str, str]]:
    """Return findings by control and name."""
    return {(it.control, it.resource.name) for it in findings}


def text(found: PolicyDiff) -> str:
    """Write a difference."""
    return "\n".join(render_policy_diff(found))


def test_the_same_policy_changes_nothing() -> None:
    """Everything that is open stays open."""
    found = compare_policies(TOLD, OLD, OLD)
    assert (found.opened_findings, found.closed_findings, found.unknown_findings) == ((), (), ())
    assert found.unchanged_count > 0
    assert found.before == found.after


def test_a_stricter_policy_opens_findings() -> None:
    """As the new policy judges them."""
    found = compare_policies(TOLD, OLD, policy(retention_min=35 * DAY))
    assert names(found.opened_findings) == {("schedule-retention-meets-minimum", "orders")}
    assert found.closed_findings == ()
    assert "OPENS (1)" in text(found)
    assert "schedule-retention-meets-minimum: Its schedule nightly keeps backups 7d" in text(found)


def test_a_looser_policy_closes_findings() -> None:
    """And says why each is none any more."""
    found = compare_policies(TOLD, OLD, policy(required=False))
    assert ("index-has-schedule", "carts") in names(found.closed_findings)
    assert found.opened_findings == ()
    assert "index-has-schedule: not applicable: " in text(found)


def test_an_exemption_closes_findings() -> None:
    """The deviation stays; who accepted it is said."""
    found = compare_policies(TOLD, OLD, replace(OLD, exemptions=(ACCEPTED,)))
    assert {name for _, name in names(found.closed_findings)} == {"carts"}
    assert "accepted until 2027-03-31 by search-team: rebuilt nightly" in text(found)
    back = compare_policies(TOLD, replace(OLD, exemptions=(ACCEPTED,)), OLD)
    assert names(back.opened_findings) == names(found.closed_findings)


def test_what_the_new_policy_cannot_judge_is_not_called_closed() -> None:
    """Half the backups were read: more than the old quota, and nobody knows whether more than the new one."""
    told = inventory(index(), backups=broken(daily_runs()))
    found = compare_policies(told, replace(OLD, project=ProjectRequirement(backup_quota=5)), OLD)
    assert ("backup-quota-has-headroom", "default") in names(found.unknown_findings)
    assert ("backup-quota-has-headroom", "default") not in names(found.closed_findings)
    assert "NO LONGER KNOWN" in text(found)
    assert "backup-quota-has-headroom: insufficient data: " in text(found)


def test_what_only_the_new_policy_cannot_judge_is_told() -> None:
    """An audit under the old policy had no reason to walk twice; by the new one too few copies may be there."""
    told = inventory(index(walks=1), walks=1)
    found = compare_policies(told, OLD, policy(min_copies=7))
    assert names(found.unknown_findings) == set()
    found = compare_policies(told, OLD, policy(min_copies=8))
    assert names(found.unknown_findings) == {("recovery-points-meet-minimum-copies", "main")}
    assert "closes 0, leaves 0 open; of 1 it cannot be told by this inventory." in " ".join(text(found).split())
    assert "no second walk over the project's backups was made" in " ".join(text(found).split())
    again = compare_policies(told, policy(min_copies=8), policy(min_copies=8))
    assert again.unknown_findings == ()


def test_slots_are_those_that_the_required_schedules_hold() -> None:
    """By rule, on the indexes of the inventory that can be backed up."""
    mine = replace(Requirements(), schedule=replace(Requirements().schedule, retention_min=35 * DAY))
    new = Policy("new", "1" * 64, rules=(Rule("mine", ("orders",), {}, mine),), project=ProjectRequirement())
    found = compare_policies(TOLD, OLD, new)
    assert (found.before.slots, found.after.slots) == (16, 44)
    assert (found.before.schedule_count, found.after.quota) == (2, 500)
    assert "2 schedules required, which hold at least 44 backups of a quota of 500" in text(found)
    none = compare_policies(inventory(), OLD, OLD)
    assert (none.before.schedule_count, none.before.slots) == (0, 0)


def test_the_command_compares_two_files_by_a_saved_inventory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a call or a key; on standard output, exit 0 whatever it finds."""
    old, new, saved = tmp_path / "old.yaml", tmp_path / "new.yaml", tmp_path / "inventory"
    old.write_text("version: 1\n")
    new.write_text("version: 1\ndefaults: {schedule: {retention_days: {min: 35}}}\n")
    with AtomicFile(saved) as file:
        save_inventory(TOLD, file)
    assert main(["policy", "diff", str(old), str(new), "--inventory", str(saved)]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert "opens 1 finding" in " ".join(output.split())


@pytest.mark.parametrize("distant", ["old", "new"])
def test_a_policy_that_may_not_be_used_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], distant: str
) -> None:
    """An audit at the moment of the inventory would refuse it: exit 2 and one line."""
    files = {name: tmp_path / f"{name}.yaml" for name in ("old", "new")}
    for path in files.values():
        path.write_text("version: 1\n")
    files[distant].write_text(
        "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: 2031-11-23}]\n"  # of 2026-11-22
    )
    with AtomicFile(tmp_path / "inventory") as file:
        save_inventory(TOLD, file)
    command = ["policy", "diff", str(files["old"]), str(files["new"]), "--inventory", str(tmp_path / "inventory")]
    assert main(command) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert f"{distant}.yaml: exemptions[0] ends on 2031-11-23, more than 5 years after 2026-11-22" in errors


@pytest.mark.parametrize("missing", ["old.yaml", "new.yaml", "inventory"])
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """With exit 2 and one line that names it."""
    files = {name: tmp_path / name for name in ("old.yaml", "new.yaml", "inventory")}
    for name in ("old.yaml", "new.yaml"):
        files[name].write_text("version: 1\n")
    with AtomicFile(files["inventory"]) as file:
        save_inventory(TOLD, file)
    files[missing].unlink()
    command = ["policy", "diff", str(files["old.yaml"]), str(files["new.yaml"]), "--inventory", str(files["inventory"])]
    assert main(command) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert missing in errors
