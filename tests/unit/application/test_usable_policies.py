"""A valid policy can be unusable at some times."""

from dataclasses import replace
from datetime import date

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.finding import Exemption
from backup_auditor.errors import PolicyError
from support.builders.facts import build_index, build_inventory, build_policy


def test_an_exemption_that_ends_too_far_ahead_is_refused_before_anything_is_evaluated() -> None:
    """By the moment of the audit, not by a clock."""
    policy = replace(build_policy(), exemptions=(Exemption(("main",), ("*",), "team", "because", date(2031, 11, 23)),))
    with pytest.raises(PolicyError, match=r"built-in: exemptions\[0\] ends on 2031-11-23, more than 5 years after"):
        evaluate_inventory(build_inventory(build_index()), policy)
    later_inventory = build_inventory(build_index(), observed_at=build_inventory().observed_at.replace(day=23))
    assert evaluate_inventory(later_inventory, policy).report.findings
