"""Control `backup-location-is-allowed`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import DAY, backup, broken, compliance, daily_runs, finding, index, inventory, run

ID = "backup-location-is-allowed"
EUROPE = ("aws/eu-*", "gcp/europe-west4")


def place(cloud: str | None, region: str | None, **facts: Any) -> Backup:
    """Build a backup that lies there."""
    return backup(**{"age": DAY, "cloud": cloud, "region": region} | facts)


@pytest.mark.parametrize(
    "cloud,region,expected",
    [
        pytest.param("aws", "eu-west-1", Compliance.COMPLIANT, id="fits-a-pattern"),
        pytest.param("gcp", "europe-west4", Compliance.COMPLIANT, id="fits-another"),
        pytest.param("aws", "us-east-1", Compliance.NON_COMPLIANT, id="another-region"),
        pytest.param("azure", "eu-west-1", Compliance.NON_COMPLIANT, id="another-cloud"),
        pytest.param(None, "eu-west-1", Compliance.INSUFFICIENT_DATA, id="cloud-not-told"),
        pytest.param("aws", None, Compliance.INSUFFICIENT_DATA, id="region-not-told"),
    ],
)
def test_every_recovery_point_lies_where_it_may(cloud: str | None, region: str | None, expected: Compliance) -> None:
    """Patterns speak of cloud and region."""
    assert compliance(ID, index(runs=[], backups=[place(cloud, region)]), locations=EUROPE) is expected


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(place("aws", "us-east-1", status="Failed"), Compliance.NOT_APPLICABLE, id="failed"),
        pytest.param(place("aws", "us-east-1", index_id="id-earlier"), Compliance.NOT_APPLICABLE, id="earlier-index"),
        pytest.param(place("aws", "us-east-1", age=None), Compliance.INSUFFICIENT_DATA, id="undated"),
    ],
)
def test_only_recovery_points_count(row: Backup, expected: Compliance) -> None:
    """One without any time may be one."""
    assert compliance(ID, index(runs=[], backups=[row]), locations=EUROPE) is expected


def test_one_outside_is_enough() -> None:
    """Whatever else is not known."""
    rows = [place("aws", "us-east-1"), place(None, None, backup_id="x")]
    found = finding(ID, index(runs=[], backups=rows), locations=EUROPE)
    assert found.compliance is Compliance.NON_COMPLIANT
    assert found.evidence["locations"] == ["aws/us-east-1"]


def test_what_was_not_read_may_lie_anywhere() -> None:
    """A listing that broke off proves what it shows."""
    told = inventory(index(), backups=broken(daily_runs()))
    assert compliance(ID, told, locations=("aws/us-*",)) is Compliance.INSUFFICIENT_DATA
    assert compliance(ID, told, locations=EUROPE) is Compliance.NON_COMPLIANT


def test_without_patterns_or_recovery_points_there_is_nothing_to_judge() -> None:
    """Anywhere is allowed."""
    assert compliance(ID, index()) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(runs=[]), locations=EUROPE) is Compliance.NOT_APPLICABLE
    assert compliance(ID, index(runs=[run(DAY)]), locations=("*/*",)) is Compliance.COMPLIANT
