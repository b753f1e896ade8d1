"""Control `backup-location-is-allowed`."""

from typing import Any

import pytest

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.model import Backup
from support.builders.facts import (
    DAY,
    build_backup,
    build_daily_runs,
    build_failed_listing,
    build_index,
    build_inventory,
    build_run,
    evaluate_compliance,
    evaluate_control,
)

ID = "backup-location-is-allowed"
EUROPEAN_LOCATIONS = ("aws/eu-*", "gcp/europe-west4")


def build_located_backup(cloud: str | None, region: str | None, **facts: Any) -> Backup:
    """Build a backup that is stored there."""
    return build_backup(**{"age": DAY, "cloud": cloud, "region": region} | facts)


@pytest.mark.parametrize(
    "cloud,region,expected",
    [
        pytest.param("aws", "eu-west-1", Compliance.COMPLIANT, id="fits-a-pattern"),
        pytest.param("gcp", "europe-west4", Compliance.COMPLIANT, id="fits-another"),
        pytest.param("aws", "us-east-1", Compliance.NON_COMPLIANT, id="another-region"),
        pytest.param("azure", "eu-west-1", Compliance.NON_COMPLIANT, id="another-cloud"),
        pytest.param(None, "eu-west-1", Compliance.INSUFFICIENT_DATA, id="cloud-unknown"),
        pytest.param("aws", None, Compliance.INSUFFICIENT_DATA, id="region-unknown"),
    ],
)
def test_every_recovery_point_lies_where_it_may(cloud: str | None, region: str | None, expected: Compliance) -> None:
    """Patterns speak of cloud and region."""
    assert (
        evaluate_compliance(
            ID, build_index(runs=[], backups=[build_located_backup(cloud, region)]), locations=EUROPEAN_LOCATIONS
        )
        is expected
    )


@pytest.mark.parametrize(
    "row,expected",
    [
        pytest.param(build_located_backup("aws", "us-east-1", status="Failed"), Compliance.NOT_APPLICABLE, id="failed"),
        pytest.param(
            build_located_backup("aws", "us-east-1", index_id="id-earlier"),
            Compliance.NOT_APPLICABLE,
            id="earlier-index",
        ),
        pytest.param(build_located_backup("aws", "us-east-1", age=None), Compliance.INSUFFICIENT_DATA, id="undated"),
    ],
)
def test_only_recovery_points_count(row: Backup, expected: Compliance) -> None:
    """One without any time may be one."""
    assert evaluate_compliance(ID, build_index(runs=[], backups=[row]), locations=EUROPEAN_LOCATIONS) is expected


def test_one_outside_is_enough() -> None:
    """A recovery point outside the allowed locations fails whatever else is unknown."""
    rows = [build_located_backup("aws", "us-east-1"), build_located_backup(None, None, backup_id="x")]
    finding = evaluate_control(ID, build_index(runs=[], backups=rows), locations=EUROPEAN_LOCATIONS)
    assert finding.compliance is Compliance.NON_COMPLIANT
    assert finding.evidence["locations"] == ["aws/us-east-1"]


def test_what_was_not_read_may_lie_anywhere() -> None:
    """A listing that broke off proves what it shows."""
    inventory = build_inventory(build_index(), backups=build_failed_listing(build_daily_runs()))
    assert evaluate_compliance(ID, inventory, locations=("aws/us-*",)) is Compliance.INSUFFICIENT_DATA
    assert evaluate_compliance(ID, inventory, locations=EUROPEAN_LOCATIONS) is Compliance.NON_COMPLIANT


def test_without_patterns_or_recovery_points_there_is_nothing_to_evaluate() -> None:
    """Anywhere is allowed."""
    assert evaluate_compliance(ID, build_index()) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_index(runs=[]), locations=EUROPEAN_LOCATIONS) is Compliance.NOT_APPLICABLE
    assert evaluate_compliance(ID, build_index(runs=[build_run(DAY)]), locations=("*/*",)) is Compliance.COMPLIANT
