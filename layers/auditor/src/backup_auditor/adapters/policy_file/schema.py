"""The JSON Schema of the policy file, made from its shape: for editors, and for whoever generates policies."""

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from backup_auditor.adapters.policy_file.shape import PolicyShape


def policy_schema() -> JsonSchemaValue:
    """Return the schema, in the 2020-12 dialect. What a policy says against itself no schema can find."""
    schema = TypeAdapter(PolicyShape).json_schema(schema_generator=_WithoutTitles)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "title": "Policy of backup-auditor, version 1",
        **{key: value for key, value in schema.items() if key != "title"},
    }


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that would only repeat each key."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  the same for all
        """Say no for every key."""
        return False
