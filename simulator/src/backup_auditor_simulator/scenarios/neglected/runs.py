"""Indexes whose runs or recovery points are not what they should be."""

from backup_auditor_simulator.model import Fate, State
from backup_auditor_simulator.scenarios.lives import HOUR, Life
from backup_auditor_simulator.scenarios.neglected.plant import plant
from backup_auditor_simulator.scenarios.script import Script
from backup_auditor_simulator.world import World


def _never_started(script: Script) -> None:
    Life(name="inventory-sync", fates={1: Fate.NEVER_STARTS}).begin(script)

    def show(world: World) -> None:
        for schedule in world.index("inventory-sync").schedules.values():
            if schedule.planned is not None:
                world.plant_status(schedule.planned, "Scheduled")

    script.ago(HOUR, show)


def _never_run(script: Script) -> None:
    Life(name="store-locator", days=10, fates=dict.fromkeys(range(10), Fate.IS_SKIPPED)).begin(script)


def _cleaned_up_too_well(script: Script) -> None:
    Life(name="geo-places").begin(script)

    def clean_up(world: World) -> None:
        ready = [it for it in world.index("geo-places").backups.values() if it.state is State.READY]
        for backup in ready[:-1]:
            world.delete_backup(backup.id)

    script.ago(2 * HOUR, clean_up)


def _made_anew(script: Script) -> None:
    Life(name="loyalty-members").begin(script)

    def make_anew(world: World) -> None:
        world.delete_index("loyalty-members")
        world.create_index("loyalty-members")
        world.create_schedule("loyalty-members", "nightly", retention_days=14)

    script.ago(3 * HOUR, make_anew)


def _quarantined(script: Script) -> None:
    Life(name="feature-store").begin(script)

    def quarantine(world: World) -> None:
        ready = [it for it in world.index("feature-store").backups.values() if it.state is State.READY]
        world.plant_status(ready[-4], "Quarantined")

    script.ago(2 * HOUR, quarantine)


PLANTS = (
    plant(
        "inventory-sync",
        _never_started,
        "schedule-next-run-is-planned",
        "planned-run-started-on-time",
        "recovery-point-is-recent",
        "scheduled-runs-are-continuous",
    ),
    plant(
        "store-locator",
        _never_run,
        "index-has-recovery-point",
        "recovery-points-meet-minimum-copies",
        "scheduled-runs-are-continuous",
    ),
    plant(
        "ad-targeting",
        Life(name="ad-targeting", fates={0: Fate.FAILS, 1: Fate.FAILS}).begin,
        "latest-run-succeeded",
        "recovery-point-is-recent",
    ),
    plant(
        "image-captions",
        Life(name="image-captions", since_run=HOUR, fates={0: Fate.FAILS}).begin,
        "latest-run-succeeded",
    ),
    plant("geo-places", _cleaned_up_too_well, "recovery-points-meet-minimum-copies"),
    plant(
        "voice-transcripts",
        Life(name="voice-transcripts", fates={4: Fate.IS_SKIPPED, 5: Fate.IS_SKIPPED}).begin,
        "scheduled-runs-are-continuous",
    ),
    plant(
        "email-dedupe",
        Life(name="email-dedupe", since_run=18 * HOUR, fates={0: Fate.HANGS}).begin,
        "no-run-is-stuck",
        "recovery-point-is-recent",
    ),
    plant("loyalty-members", _made_anew, "recovery-points-belong-to-index"),
    plant("feature-store", _quarantined, "backup-status-is-known"),
)
