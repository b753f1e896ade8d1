"""Test that the role of each function allows what its code can send to AWS, and nothing else."""

from typing import Any

import pytest

from support.aws.operations import derive_actions
from support.aws.template import FUNCTIONS, list_allowed_actions

LAMBDA_ACTIONS = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""The actions that Lambda itself takes with the role of a function: logs, traces, and failed events."""


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_role_allows_exactly_the_operations_of_the_code(verb: str) -> None:
    """Each operation that the code of a function can send is allowed, and each allowed action can be sent."""
    allowed_actions = {it for it in list_allowed_actions(verb) if not it.startswith("kms:")}
    assert allowed_actions - LAMBDA_ACTIONS == derive_actions(verb)
    assert allowed_actions >= LAMBDA_ACTIONS


def test_the_items_of_transactions_are_operations() -> None:
    """The condition check that moves a message to a corrected channel is found, and only for `notify`."""
    assert [it for it in FUNCTIONS if "dynamodb:ConditionCheckItem" in derive_actions(it)] == ["notify"]
