"""What the command tells night after night of a project that changes: openings, resolutions, losses and drift."""

from pathlib import Path

from backup_auditor_simulator.project import SimulatedProject
from support.cli import watching
from support.simulator import NOW

ORDERS = "orders"


def schedule_of(world: SimulatedProject, name: str = ORDERS) -> str:
    """Return the id of the only schedule of an index."""
    (schedule,) = world.get_index(name).schedules
    return schedule


def test_a_finding_is_opened_kept_resolved_and_reopened(tmp_path: Path) -> None:
    """A schedule is paused, resumed, and paused again."""
    with watching(tmp_path / "home") as project:
        first = project.audit()
        assert (first.code, first.err, first.lifecycles(), first.drift()) == (0, "", {}, [])

        project.world.update_schedule(schedule_of(project.world), enabled=False)
        project.sleep()
        opened = project.audit()
        paused = ("schedule-is-enabled", ORDERS)
        assert opened.code == 1
        assert opened.lifecycles()[paused] == "new"
        assert opened.drift() == [("schedule paused", ORDERS)]
        since = opened.report["observed_at"]

        project.sleep()
        kept = project.audit()
        assert kept.lifecycles()[paused] == "ongoing"
        assert kept.drift() == []

        project.world.update_schedule(schedule_of(project.world), enabled=True)
        project.sleep()
        resolved = project.audit()
        assert paused in resolved.resolved()
        assert paused not in resolved.lifecycles()
        assert resolved.drift() == [("schedule resumed", ORDERS)]

        project.world.update_schedule(schedule_of(project.world), enabled=False)
        project.sleep()
        reopened = project.audit()
        assert reopened.lifecycles()[paused] == "reopened"
        (found,) = (it for it in reopened.report["findings"] if (it["control"], it["resource"]["name"]) == paused)
        assert found["first_seen"] == since


def test_a_deleted_backup_is_told_from_one_that_expired(tmp_path: Path) -> None:
    """Every night one expires, and one night somebody deletes the newest."""
    with watching(tmp_path / "home") as project:
        for _ in range(3):
            project.sleep()
            assert project.audit().code == 0
        ready = sorted(project.world.get_index(ORDERS).backups.values(), key=lambda it: str(it.captured_at))
        lost = next(it for it in reversed(ready) if it.state.name == "READY")
        project.world.delete_backup(lost.id)
        project.sleep()
        told = project.audit()
        vanished = ("backup-did-not-vanish", ORDERS)
        assert told.lifecycles()[vanished] == "new"
        (found,) = (it for it in told.report["findings"] if (it["control"], it["resource"]["name"]) == vanished)
        assert [it["backup_id"] for it in found["evidence"]["vanished"]] == [lost.id]
        project.sleep(7)
        later = project.audit()
        assert vanished in later.resolved()


def test_a_lowered_retention_deletes_and_nothing_vanished(tmp_path: Path) -> None:
    """The report says that existing backups now expire earlier; raising it again loses nothing."""
    with watching(tmp_path / "home") as project:
        project.audit()
        project.world.update_schedule(schedule_of(project.world), retention_days=3)
        project.sleep()
        lowered = project.audit()
        assert lowered.drift() == [("schedule retention lowered: existing backups now expire earlier", ORDERS)]
        assert ("backup-did-not-vanish", ORDERS) not in lowered.lifecycles()
        project.world.update_schedule(schedule_of(project.world), retention_days=30)
        project.sleep()
        assert ("backup-did-not-vanish", ORDERS) not in project.audit().lifecycles()


def test_findings_end_with_their_index(tmp_path: Path) -> None:
    """It is deleted with its schedules; a complete audit shows that it is gone."""
    world = SimulatedProject(NOW)
    world.create_index("bare")
    with watching(tmp_path / "home", world) as project:
        assert ("index-has-schedule", "bare") in project.audit().lifecycles()
        world.delete_index("bare")
        project.sleep()
        ended = project.audit()
        assert {it["reason"] for it in ended.report["resolved"]} == {"the index is gone"}
        assert ended.drift() == [("index disappeared", "bare")]


def test_a_schedule_is_called_deleted_after_a_second_walk(tmp_path: Path) -> None:
    """A paused one beside the enabled one, which no control misses."""
    world = SimulatedProject(NOW)
    world.create_index("orders")
    paused = world.create_schedule("orders", "old")
    world.update_schedule(paused.id, enabled=False)
    world.create_schedule("orders", "nightly")
    with watching(tmp_path / "home", world) as project:
        project.audit()
        world.delete_schedule(paused.id)
        project.sleep()
        before = len(project.server.requests)
        assert project.audit().drift() == [("schedule deleted", "orders")]
        listings = [it for it in project.server.requests[before:] if it.path.endswith("/backup-schedules")]
        assert len(listings) == 2
