"""A saved inventory is judged again without a call, and says the same."""

import json
from pathlib import Path

import pytest

from backup_auditor_simulator.web.server import Server
from support.cli import Done, access, command, environment
from support.simulator import NOW

MOMENT = NOW.isoformat()


@pytest.fixture
def saved(neglected: Server, tmp_path: Path) -> tuple[Path, Done]:
    """Audit the neglected project, and keep what was read."""
    path = tmp_path / "inventory.json"
    flags = ("--format", "json", "--project", "shop", "--no-state", "--save-inventory", path)
    return path, command("audit", "--now", MOMENT, *flags, env=access(neglected))


def test_a_saved_inventory_gives_the_same_report(saved: tuple[Path, Done]) -> None:
    """Without key, service, `--now` or `--project`, the report is the same to the byte, and so is the exit code."""
    path, live = saved
    assert command("audit", "--inventory", path, "--format", "json", env=environment()) == live


def test_a_saved_inventory_makes_no_call(saved: tuple[Path, Done], neglected: Server) -> None:
    """Judging it again asks the service nothing, though it could."""
    before = len(neglected.requests)
    command("audit", "--inventory", saved[0], env=access(neglected))
    assert len(neglected.requests) == before


def test_another_moment_is_judged_on_request(saved: tuple[Path, Done]) -> None:
    """With `--now` the same facts are judged as if at that moment: after two days no recovery point is recent."""
    later = command("audit", "--inventory", saved[0], "--format", "json", "--now", "2026-11-25T12:00:00Z")
    recent = {verdict for (control, _), verdict in later.verdicts().items() if control == "recovery-point-is-recent"}
    assert later.report["observed_at"] == "2026-11-25T12:00:00Z"
    assert "COMPLIANT" not in recent


def test_another_policy_is_judged_on_request(saved: tuple[Path, Done], tmp_path: Path) -> None:
    """The same facts under a policy that grants the quota, and exempts every index by its name, leave nothing open."""
    open_ones = [it for it in saved[1].report["findings"] if it["compliance"] == "NON_COMPLIANT"]
    of_indexes = [it for it in open_ones if it["resource"]["type"] != "project"]
    assert {it["control"] for it in open_ones if it not in of_indexes} == {"schedules-fit-quota"}
    names = ", ".join(sorted({it["resource"]["name"] for it in of_indexes}))
    exemption = f"{{names: [{names}], controls: ['*'], owner: me, reason: a test, expires: 2027-01-01}}"
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"version: 1\nproject: {{backup_quota: 5000}}\nexemptions: [{exemption}]\n")
    done = command("audit", "--inventory", saved[0], "--policy", policy, "--format", "json")
    assert (done.code, done.report["compliance"]) == (0, "COMPLIANT")
    assert done.report["policy"]["source"] == str(policy)
    assert done.report["summary"]["exempted"] == len(of_indexes)


def test_another_name_is_given_on_request(saved: tuple[Path, Done]) -> None:
    """`--project` names the project anew; without it the name is the saved one."""
    named = command("audit", "--inventory", saved[0], "--project", "store", "--format", "json").report
    kept = command("audit", "--inventory", saved[0], "--format", "json").report
    assert (named["project"]["name"], kept["project"]["name"]) == ("store", "shop")


def test_an_index_is_explained_from_it(saved: tuple[Path, Done]) -> None:
    """`explain` needs no service either."""
    name = saved[1].report["findings"][0]["resource"]["name"]
    done = command("explain", "--inventory", saved[0], "--index", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{name} in shop, at 2026-11-20T12:00:00Z")


@pytest.mark.parametrize(
    "at,why",
    [
        pytest.param(slice(0, -40), "cut short", id="cut-short"),
        pytest.param(slice(0, 0), "no inventory", id="empty"),
        pytest.param(slice(10, None), "no inventory", id="beginning-missing"),
    ],
)
def test_a_damaged_inventory_is_refused(at: slice, why: str, saved: tuple[Path, Done]) -> None:
    """A file that is not whole is refused in one line, exit 2."""
    path, _ = saved
    path.write_bytes(path.read_bytes()[at])
    done = command("audit", "--inventory", path)
    assert (done.code, done.out) == (2, "")
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_an_edited_inventory_is_refused(saved: tuple[Path, Done]) -> None:
    """A file in which a status was changed is refused."""
    path, _ = saved
    path.write_text(path.read_text().replace('"Ready"', '"Failed"', 1))
    assert "changed after it was saved" in command("audit", "--inventory", path).err


def test_a_saved_inventory_is_json(saved: tuple[Path, Done]) -> None:
    """What is saved is one JSON document that names its format and version."""
    document = json.loads(saved[0].read_text())
    assert (document["format"], document["version"]) == ("backup-auditor-inventory", 2)
