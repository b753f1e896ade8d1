"""Test that the role of each function allows what its code can send to AWS, and nothing else."""

import pytest

from support.aws.operations import derive_actions
from support.aws.template import FUNCTIONS, as_list, find_resources, list_allowed_actions, list_leaves, list_statements

LAMBDA_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}
"""The actions that Lambda itself takes with the role of every function."""
POLL_ACTIONS = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
"""The actions that Lambda itself takes with the role of a function that a queue starts."""
QUEUE_VERBS = {"dispatch", "audit", "remediate", "drill"}
"""The functions that a queue starts."""


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_role_allows_exactly_the_operations_of_the_code(verb: str) -> None:
    """Each operation that the code of a function can send is allowed, and each allowed action can be sent."""
    allowed_actions = {it for it in list_allowed_actions(verb) if not it.startswith("kms:")}
    lambda_actions = LAMBDA_ACTIONS | (POLL_ACTIONS if verb in QUEUE_VERBS else set())
    assert allowed_actions - lambda_actions == derive_actions(verb)
    assert allowed_actions >= lambda_actions


def test_queues_start_the_functions_that_poll() -> None:
    """A function has an event source in the template if its role may poll a queue."""
    sources = find_resources("AWS::Lambda::EventSourceMapping").values()
    queue_verbs = {it["Properties"]["FunctionName"]["Ref"].removesuffix("Function").lower() for it in sources}
    assert queue_verbs == QUEUE_VERBS


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_a_key_is_used_through_the_services_of_the_code(verb: str) -> None:
    """A role uses the customer's key through Lambda and the services that it calls, and further keys only to read."""
    keyless_actions = {"events:PutEvents", "sns:GetTopicAttributes"}  # the bus never has the key, attributes need none
    services = {it.partition(":")[0] for it in derive_actions(verb) - keyless_actions}
    statements = [it for it in list_statements(f"{verb.capitalize()}Role") if "kms:" in str(it["Action"])]
    used_services = {
        it["Resource"]["Ref"]: {
            leaf.removesuffix(".${AWS::Region}.amazonaws.com*") for leaf in list_leaves(it["Condition"])
        }
        for it in statements
    }
    assert used_services == {
        "KmsKeyArn": {"lambda", *services},
        "ConfigKmsKeyArns": services & {"s3", "secretsmanager", "ssm"},
    }
    assert [it["Action"] for it in statements if it["Resource"]["Ref"] == "ConfigKmsKeyArns"] == ["kms:Decrypt"]
    assert all(as_list(it["Action"])[0] == "kms:Decrypt" for it in statements)


def test_the_items_of_transactions_are_operations() -> None:
    """The condition check that moves a message to a corrected channel is found, and only for `notify`."""
    assert [it for it in FUNCTIONS if "dynamodb:ConditionCheckItem" in derive_actions(it)] == ["notify"]
