"""Control `deletion-protection-is-enabled`."""

import pytest

from backup_auditor.domain.finding import Compliance
from support.builders.facts import build_index, evaluate_compliance

ID = "deletion-protection-is-enabled"


@pytest.mark.parametrize(
    "protection,is_required,expected",
    [
        pytest.param(True, True, Compliance.COMPLIANT, id="on"),
        pytest.param(False, True, Compliance.NON_COMPLIANT, id="off"),
        pytest.param(None, True, Compliance.INSUFFICIENT_DATA, id="not-reported"),
        pytest.param(False, False, Compliance.NOT_APPLICABLE, id="not-required"),
    ],
)
def test_what_must_be_protected_is(protection: bool | None, is_required: bool, expected: Compliance) -> None:
    """A null field decides."""
    assert (
        evaluate_compliance(ID, build_index(deletion_protection=protection), deletion_protection=is_required)
        is expected
    )
