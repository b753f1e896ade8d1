"""Test the verdict of a control that lacks a fact."""

from backup_auditor.domain.finding import InsufficientDataError


def test_a_missing_fact_is_a_sentence() -> None:
    """The error about a missing fact has the reason as its text, and evidence only if there is some."""
    error = InsufficientDataError("The retention is unknown.")
    assert str(error) == error.reason == "The retention is unknown."
    assert dict(error.evidence) == {}
    assert InsufficientDataError("It is unknown.", {"schedule": "nightly"}).evidence == {"schedule": "nightly"}
