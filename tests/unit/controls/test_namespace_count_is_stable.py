"""Control `namespace-count-is-stable`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import DAY, build_index, build_run, evaluate_compliance, evaluate_control

ID = "namespace-count-is-stable"


@pytest.mark.parametrize(
    "newest_count,expected",
    [
        pytest.param(96, Compliance.COMPLIANT, id="one-above"),
        pytest.param(95, Compliance.COMPLIANT, id="at-limit"),
        pytest.param(94, Compliance.NON_COMPLIANT, id="one-below"),
        pytest.param(None, Compliance.INSUFFICIENT_DATA, id="not-reported"),
    ],
)
def test_no_more_than_the_percentage_may_go(newest_count: int | None, expected: Compliance) -> None:
    """Five percent by default, whatever the records do."""
    runs = [build_run(DAY, namespace_count=newest_count, record_count=5), build_run(2 * DAY, namespace_count=100)]
    assert evaluate_compliance(ID, build_index(runs=runs)) is expected


def test_without_a_limit_there_is_nothing_to_evaluate() -> None:
    """A limit that is null is none."""
    assert evaluate_compliance(ID, build_index(), max_namespace_drop_percent=None) is Compliance.NOT_APPLICABLE


def test_it_counts_namespaces() -> None:
    """The reason names the namespaces."""
    finding = evaluate_control(
        ID, build_index(runs=[build_run(DAY, namespace_count=1), build_run(2 * DAY, namespace_count=3)])
    )
    assert finding.reason.startswith(
        "Newest recovery point has 1 namespace; the median of 1 earlier one is 3 (limit: 5%"
    )
