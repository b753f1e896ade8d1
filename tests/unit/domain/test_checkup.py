"""Test the checks of `doctor` as JSON, and the messages of errors as checks."""

import json
from typing import Any

import pytest

from backup_auditor.domain.checkup import (
    Check,
    CheckStatus,
    FunctionAnswer,
    count_checks,
    fail_by_message,
    fail_check,
    parse_answer,
    pass_check,
    skip_check,
)
from backup_auditor.domain.events import is_check_request, is_test_request

CHECKS = (
    pass_check("bus", "it works"),
    fail_check("table", "it is missing", "create it"),
    skip_check("role", "unknown"),
)


def test_an_answer_is_read_as_it_was_written() -> None:
    """The checks of an answer are those of the function, with its name."""
    document = json.loads(json.dumps(FunctionAnswer("0123", CHECKS).to_json()))
    answer = parse_answer(document, "audit")
    assert answer.code == "0123"
    assert [(it.label, it.status, it.detail, it.remedy) for it in answer.checks] == [
        ("audit: bus", CheckStatus.PASS, "it works", None),
        ("audit: table", CheckStatus.FAIL, "it is missing", "create it"),
        ("audit: role", CheckStatus.SKIPPED, "unknown", None),
    ]
    assert [count_checks(answer.checks, it) for it in CheckStatus] == [1, 1, 1]


ROW = {"name": "bus", "status": "pass", "detail": "it works", "remedy": None}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"requested": 3}, id="another-answer"),
        pytest.param({"code": "0123", "checks": []}, id="no-checks"),
        pytest.param({"code": 1, "checks": [ROW]}, id="code-is-a-number"),
        pytest.param({"code": "0123", "checks": [{**ROW, "status": "fine"}]}, id="unknown-status"),
        pytest.param({"code": "0123", "checks": [{**ROW, "detail": None}]}, id="no-detail"),
        pytest.param({"code": "0123", "checks": [{"name": "bus"}]}, id="half-a-check"),
        pytest.param({"code": "0123", "checks": ["bus"]}, id="text"),
        pytest.param({"code": "0123", "checks": 7}, id="number"),
    ],
)
def test_another_answer_is_refused(document: object) -> None:
    """What is no answer to a check raises one kind of error."""
    with pytest.raises(ValueError, match=r"."):
        parse_answer(document, "audit")


@pytest.mark.parametrize(
    "message, check",
    [
        pytest.param("it fails; correct it; soon", ("it fails", "correct it; soon"), id="with-remedy"),
        pytest.param("it fails", ("it fails", "try again"), id="without-remedy"),
        pytest.param("it fails; ", ("it fails", "try again"), id="empty-remedy"),
    ],
)
def test_the_remedy_of_a_message_follows_its_first_semicolon(message: str, check: tuple[str, str]) -> None:
    """The text of an error has the remedy after its first semicolon; without one, the fallback is used."""
    assert fail_by_message("bus", message, "try again") == Check("bus", CheckStatus.FAIL, *check)


@pytest.mark.parametrize(
    "payload, is_check, is_test",
    [
        ({"check": True}, True, False),
        ({"check": True, "send_test": True}, False, True),
        ({"check": 1}, False, False),
        ({"check": "true"}, False, False),
        ({"check": False}, False, False),
        ({"check": True, "project": "search"}, False, False),
        ({"check": True, "send_test": 1}, False, False),
        ({"check": True, "send_test": False}, False, False),
        ({"send_test": True}, False, False),
        ({"sweep": True}, False, False),
        ({}, False, False),
        ([{"check": True}], False, False),
        (None, False, False),
    ],
)
def test_only_exact_payloads_request_checks(payload: Any, *, is_check: bool, is_test: bool) -> None:
    """A payload with any other field or value is not a request for checks."""
    assert (is_check_request(payload), is_test_request(payload)) == (is_check, is_test)
