"""Control `backup-size-is-stable`."""

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.listing import BACKUP_LISTING
from support.builders.facts import (
    DAY,
    IndexCase,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_facts,
)

ID = "backup-size-is-stable"


def build_sized_index(*sizes: int | None) -> IndexCase:
    """Build an index whose recovery points have so many bytes, newest first."""
    return build_index(runs=[build_run((number + 1) * DAY, size_bytes=it) for number, it in enumerate(sizes)])


@pytest.mark.parametrize(
    "newest_size,expected",
    [
        pytest.param(299, Compliance.NON_COMPLIANT, id="one-byte-below"),
        pytest.param(300, Compliance.COMPLIANT, id="at-lower-limit"),
        pytest.param(2700, Compliance.COMPLIANT, id="at-upper-limit"),
        pytest.param(2701, Compliance.NON_COMPLIANT, id="one-byte-above"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="not-reported"),
    ],
)
def test_the_size_stays_within_the_factor(newest_size: int | None, expected: Compliance) -> None:
    """The size may differ from the median by the factor, in both directions."""
    assert evaluate_compliance(ID, build_sized_index(newest_size, 900, 800, 1000)) is expected


@pytest.mark.parametrize(
    "case,expected",
    [
        pytest.param(build_sized_index(0, 0), Compliance.COMPLIANT, id="nothing-from-nothing"),
        pytest.param(build_sized_index(1, 0), Compliance.NON_COMPLIANT, id="anything-from-nothing"),
        pytest.param(build_sized_index(1), Compliance.NOT_APPLICABLE, id="only-one"),
        pytest.param(build_sized_index(1, None), Compliance.NOT_APPLICABLE, id="earlier-unknown"),
    ],
)
def test_there_is_something_to_compare(case: IndexCase, expected: Compliance) -> None:
    """Any size is above every multiple of none."""
    assert evaluate_compliance(ID, case) is expected


def test_without_a_factor_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_sized_index(1, 900), max_size_factor=None) is Compliance.NOT_APPLICABLE


def test_it_takes_two_reads() -> None:
    """A newer one could overturn it."""
    assert BACKUP_LISTING in evaluate_facts(build_inventory(build_sized_index(1, 900), reads=1)).unconfirmed_listings
    assert evaluate_compliance(ID, build_inventory(build_sized_index(1, 900), reads=1)) is Compliance.INSUFFICIENT_DATA
