"""A policy that is well in itself may not be used at every moment."""

from dataclasses import replace
from datetime import date

import pytest

from backup_auditor.application.audit import evaluate_inventory
from backup_auditor.domain.finding import Exemption
from backup_auditor.errors import PolicyError
from support.builders.facts import index, inventory, policy


def test_an_exemption_that_ends_too_far_ahead_is_refused_before_anything_is_judged() -> None:
    """By the moment of the audit, not by a clock."""
    required = replace(policy(), exemptions=(Exemption(("main",), ("*",), "team", "because", date(2031, 11, 23)),))
    with pytest.raises(PolicyError, match=r"built-in: exemptions\[0\] ends on 2031-11-23, more than 5 years after"):
        evaluate_inventory(inventory(index()), required)
    later = inventory(index(), observed_at=inventory().observed_at.replace(day=23))
    assert evaluate_inventory(later, required).report.findings
