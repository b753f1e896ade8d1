"""Test the fingerprints of findings."""

from dataclasses import replace

from backup_auditor.domain.finding import Resource, ResourceType, compute_fingerprint
from support.builders.facts import DAY, NOW, build_index, build_inventory, build_run, evaluate_control

LIVE_INDEX = Resource(ResourceType.INDEX, "default", "main", "id-main")
DELETED_INDEX = Resource(ResourceType.DELETED_INDEX, "default", "main", "id-main")


def test_the_fingerprint_never_changes() -> None:
    """Dashboards and exemptions depend on these exact characters."""
    assert compute_fingerprint("index-has-schedule", LIVE_INDEX) == "49df4dac054ba9cc8d751e741727a467"


def test_a_live_index_is_identified_by_its_name() -> None:
    """An id that becomes known, or changes, does not change the fingerprint."""
    assert compute_fingerprint("c", LIVE_INDEX) == compute_fingerprint("c", replace(LIVE_INDEX, id=None))
    assert compute_fingerprint("c", LIVE_INDEX) != compute_fingerprint("c", replace(LIVE_INDEX, name="other"))


def test_a_deleted_index_is_identified_by_its_id() -> None:
    """Two deleted indexes of one name have two fingerprints."""
    assert compute_fingerprint("c", DELETED_INDEX) == compute_fingerprint("c", replace(DELETED_INDEX, name="other"))
    assert compute_fingerprint("c", DELETED_INDEX) != compute_fingerprint("c", replace(DELETED_INDEX, id="id-other"))
    assert compute_fingerprint("c", DELETED_INDEX) != compute_fingerprint("c", LIVE_INDEX)


def test_control_and_project_are_part_of_the_fingerprint() -> None:
    """Control, project and name have separate fingerprints even if their texts joined are equal."""
    assert compute_fingerprint("c", LIVE_INDEX) != compute_fingerprint("d", LIVE_INDEX)
    assert compute_fingerprint("c", LIVE_INDEX) != compute_fingerprint("c", replace(LIVE_INDEX, project="other"))
    assert compute_fingerprint("c", replace(LIVE_INDEX, project="a", name="b")) != compute_fingerprint(
        "c", replace(LIVE_INDEX, project="ab", name="")
    )


def test_no_age_and_no_count_is_part_of_the_fingerprint() -> None:
    """The same deviation has the same fingerprint on the next day."""
    today_finding = evaluate_control("recovery-point-is-recent", build_index(runs=[build_run(9 * DAY)]))
    later_inventory = build_inventory(build_index(runs=[build_run(9 * DAY)]), observed_at=NOW + DAY)
    tomorrow_finding = evaluate_control("recovery-point-is-recent", later_inventory)
    assert today_finding.reason != tomorrow_finding.reason
    assert today_finding.fingerprint == tomorrow_finding.fingerprint
