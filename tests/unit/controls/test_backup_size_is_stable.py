"""Control `backup-size-is-stable`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from support.builders.facts import DAY, IndexCase, compliance, index, inventory, judged, run

ID = "backup-size-is-stable"


def sizes(*sizes: int | None) -> IndexCase:
    """Build an index whose recovery points have so many bytes, newest first."""
    return index(runs=[run((number + 1) * DAY, size_bytes=it) for number, it in enumerate(sizes)])


@pytest.mark.parametrize(
    "newest,expected",
    [
        pytest.param(299, Compliance.NON_COMPLIANT, id="one-byte-below"),
        pytest.param(300, Compliance.COMPLIANT, id="at-lower-limit"),
        pytest.param(2700, Compliance.COMPLIANT, id="at-upper-limit"),
        pytest.param(2701, Compliance.NON_COMPLIANT, id="one-byte-above"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="not-told"),
    ],
)
def test_the_size_stays_within_the_factor(newest: int | None, expected: Compliance) -> None:
    """Of the median of those before, both ways."""
    assert compliance(ID, sizes(newest, 900, 800, 1000)) is expected


@pytest.mark.parametrize(
    "case,expected",
    [
        pytest.param(sizes(0, 0), Compliance.COMPLIANT, id="nothing-from-nothing"),
        pytest.param(sizes(1, 0), Compliance.NON_COMPLIANT, id="anything-from-nothing"),
        pytest.param(sizes(1), Compliance.NOT_APPLICABLE, id="only-one"),
        pytest.param(sizes(1, None), Compliance.NOT_APPLICABLE, id="earlier-does-not-tell"),
    ],
)
def test_there_is_something_to_compare(case: IndexCase, expected: Compliance) -> None:
    """Any size is above every multiple of none."""
    assert compliance(ID, case) is expected


def test_without_a_factor_there_is_nothing_to_judge() -> None:
    """A limit that is null is none."""
    assert compliance(ID, sizes(1, 900), max_size_factor=None) is Compliance.NOT_APPLICABLE


def test_it_takes_two_walks() -> None:
    """A newer one could overturn it."""
    assert BACKUP_LISTING in judged(inventory(sizes(1, 900), walks=1)).unconfirmed_listings
    assert compliance(ID, inventory(sizes(1, 900), walks=1)) is Compliance.INSUFFICIENT_DATA
