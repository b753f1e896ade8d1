"""Test that every resource of the template has the tags of the application."""

from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from support.aws.template import load_template, load_transformed_template

TAGS = [{"Key": "application", "Value": "backup-auditor"}, {"Key": "stack", "Value": {"Ref": "AWS::StackName"}}]
UNTAGGED = {
    "DispatchFunctionQueued",
    "AuditFunctionQueued",
    "RemediateFunctionQueued",
    "DrillFunctionQueued",
    "NotifyFunctionCompleted",
}
"""What SAM adds to a function for its events. SAM puts no tags on it; `sam deploy --tags` does."""


def is_taggable(kind: str) -> bool:
    """Return whether resources of a type can have tags, by the schema of CloudFormation."""
    return "Tags" in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["properties"]


@pytest.mark.parametrize("name", sorted(load_transformed_template()["Resources"]))
def test_a_resource_has_the_tags(name: str) -> None:
    """Each resource that can have tags has those of the application and of the stack."""
    resource: dict[str, Any] = load_transformed_template()["Resources"][name]
    tags = [it for it in resource.get("Properties", {}).get("Tags", ()) if it["Key"] != "lambda:createdBy"]  # SAM's own
    assert tags == (TAGS if is_taggable(resource["Type"]) and name not in UNTAGGED else [])


def test_what_has_no_tags_is_of_sam() -> None:
    """The exceptions are resources that the template itself does not have."""
    assert not UNTAGGED & set(load_template()["Resources"])
    assert set(load_transformed_template()["Resources"]) >= UNTAGGED
