"""Builders of fleets: rows of projects, and the fleet of a run in which most things happen."""

from datetime import timedelta
from typing import Any

from backup_auditor.domain.evaluation.results import Coverage
from backup_auditor.domain.finding import Compliance, Severity
from backup_auditor.domain.reporting.fleet import (
    FindingChanges,
    Fleet,
    FleetProject,
    QuotaUse,
    RecoveryPointAge,
    RecoveryPointsEnd,
    RestoreProof,
    UnauditedProject,
    build_fleet,
)
from support.builders.audit_sequence_report import MARKUP
from support.builders.facts import DAY, NOW


def build_open_counts(*counts: int) -> dict[Severity, int]:
    """Build the numbers of open findings from those of critical, high, medium and low."""
    return dict(zip(reversed(Severity), (*counts, 0, 0, 0, 0)[:4], strict=True))


def build_project(name: str = "search", **facts: Any) -> FleetProject:
    """Build the row of a project: by default it has 20 indexes and is compliant."""
    defaults: dict[str, Any] = {
        "project_id": f"id-{name}",
        "audit_id": "0" * 32,
        "observed_at": NOW,
        "compliance": Compliance.COMPLIANT,
        "index_count": 20,
        "coverage": Coverage(20, 20, 140),
        "coverage_percent": 100.0,
        "open_counts": build_open_counts(),
        "unknown_count": 0,
        "exempted_count": 0,
        "worst_age": RecoveryPointAge("orders", timedelta(hours=6), timedelta(hours=30)),
        "is_age_known": True,
        "first_end": RecoveryPointsEnd("orders", NOW + 6 * DAY),
        "is_end_known": True,
        "quota": QuotaUse(500, 140, 160),
        "last_proof": None,
        "is_proof_known": True,
        "read_error_count": 0,
        "changes": FindingChanges(0, 0),
    }
    return FleetProject(name, **(defaults | facts))


def build_neglected_project(name: str, *counts: int, **facts: Any) -> FleetProject:
    """Build the row of a project with so many critical, high, medium and low findings."""
    return build_project(
        name, **{"compliance": Compliance.NON_COMPLIANT, "open_counts": build_open_counts(*counts), **facts}
    )


def build_mixed_fleet() -> Fleet:
    """Build a fleet with a project of each kind, and hostile names."""
    return build_fleet(
        [
            build_project("compliant", last_proof=RestoreProof("orders", NOW - 12 * DAY)),
            build_project("first-audit", changes=None, quota=None, worst_age=None, first_end=None),
            build_neglected_project(
                "late",
                1,
                2,
                coverage=Coverage(20, 15, 90),
                coverage_percent=75.0,
                worst_age=RecoveryPointAge("carts", timedelta(hours=53), timedelta(hours=30)),
                first_end=RecoveryPointsEnd("carts", NOW),
                quota=QuotaUse(500, 480, 620),
                changes=FindingChanges(2, 1),
            ),
            build_neglected_project(MARKUP, 1, 2, 3, 4, exempted_count=2),
            build_project(
                "unread",
                compliance=Compliance.INSUFFICIENT_DATA,
                worst_age=None,
                is_age_known=False,
                first_end=None,
                is_end_known=False,
                is_proof_known=False,
                quota=QuotaUse(500, None, None),
                unknown_count=7,
                read_error_count=1,
            ),
        ],
        [
            UnauditedProject("billing", "BILLING_KEY is not set; set it to a key of the project"),
            UnauditedProject("=a", MARKUP),
        ],
        ['Registry entries "late" and "compliant" open the same Pinecone project.'],
    )
