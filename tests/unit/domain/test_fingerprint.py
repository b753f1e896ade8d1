"""What makes a finding the same finding in every audit."""

from dataclasses import replace

from backup_auditor.domain.finding import Resource, ResourceType, compute_fingerprint
from support.builders.facts import DAY, NOW, finding, index, inventory, run

LIVE = Resource(ResourceType.INDEX, "default", "main", "id-main")
DELETED = Resource(ResourceType.DELETED_INDEX, "default", "main", "id-main")


def test_it_never_changes() -> None:
    """Dashboards and exemptions elsewhere build on these very characters."""
    assert compute_fingerprint("index-has-schedule", LIVE) == "49df4dac054ba9cc8d751e741727a467"


def test_a_live_index_is_known_by_its_name() -> None:
    """An id that becomes known, or changes, makes no other finding."""
    assert compute_fingerprint("c", LIVE) == compute_fingerprint("c", replace(LIVE, id=None))
    assert compute_fingerprint("c", LIVE) != compute_fingerprint("c", replace(LIVE, name="other"))


def test_a_deleted_index_is_known_by_its_id() -> None:
    """Several of one name are several."""
    assert compute_fingerprint("c", DELETED) == compute_fingerprint("c", replace(DELETED, name="other"))
    assert compute_fingerprint("c", DELETED) != compute_fingerprint("c", replace(DELETED, id="id-other"))
    assert compute_fingerprint("c", DELETED) != compute_fingerprint("c", LIVE)


def test_control_and_project_tell_findings_apart() -> None:
    """Parts do not run into each other."""
    assert compute_fingerprint("c", LIVE) != compute_fingerprint("d", LIVE)
    assert compute_fingerprint("c", LIVE) != compute_fingerprint("c", replace(LIVE, project="other"))
    assert compute_fingerprint("c", replace(LIVE, project="a", name="b")) != compute_fingerprint(
        "c", replace(LIVE, project="ab", name="")
    )


def test_no_age_and_no_count_is_part_of_it() -> None:
    """The same deviation tomorrow is the same finding."""
    today = finding("recovery-point-is-recent", index(runs=[run(9 * DAY)]))
    later = inventory(index(runs=[run(9 * DAY)]), observed_at=NOW + DAY)
    tomorrow = finding("recovery-point-is-recent", later)
    assert today.reason != tomorrow.reason
    assert today.fingerprint == tomorrow.fingerprint
