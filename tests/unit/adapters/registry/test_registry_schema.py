"""The JSON Schema of a registry agrees with the loader."""

import jsonschema
import pytest

from backup_auditor.adapters.documents import DocumentKind
from backup_auditor.adapters.registry_file import build_registry_schema, parse_registry
from backup_auditor.adapters.yaml_loader import compose_document
from backup_auditor.errors import RegistryError

TOPIC_ARN = "'arn:aws:sns:eu-central-1:111122223333:search'"
VALID_REGISTRIES = (
    "{name: a, secret: s/a}",
    "{name: a b, key_env: KEY, policy: p.yaml}",
    f"{{name: a, secret: s, alerts: [{{sns: {TOPIC_ARN}, severity: low}}, {{slack: s, weekly_summary: false}}]}}",
    "{name: a, secret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbCdEf', alerts: []}",
)
INVALID_REGISTRIES = (
    "a",
    "{name: a}",
    "{secret: s}",
    "{name: 7, secret: s}",
    "{name: .a, secret: s}",
    "{name: a/b, secret: s}",
    "{name: a, secret: 'a b'}",
    "{name: a, secret: s, key: s}",
    "{name: a, key_env: 'a b'}",
    "{name: a, secret: s, policy: 1}",
    "{name: a, secret: s, alerts: [{}]}",
    f"{{name: a, secret: s, alerts: [{{sns: {TOPIC_ARN}, slack: s}}]}}",
    "{name: a, secret: s, alerts: [{sns: search}]}",
    "{name: a, secret: s, alerts: [{slack: s, severity: worst}]}",
    "{name: a, secret: s, alerts: [{slack: s, weekly_summary: weekly}]}",
    f"{{name: a, secret: s, alerts: [{', '.join(f'{{slack: s{it}}}' for it in range(21))}]}}",
)


def is_accepted_by_reader(text: str) -> bool:
    """Return whether the loader finds no problem."""
    try:
        return not parse_registry(text.encode(), "r.yaml").errors
    except RegistryError:
        return False


def is_accepted_by_schema(text: str) -> bool:
    """Return whether the schema finds no problem."""
    document = compose_document(text, DocumentKind("registry", "")).value
    return jsonschema.Draft202012Validator(build_registry_schema()).is_valid(document)


@pytest.mark.parametrize(
    "text,is_valid",
    [
        *((f"version: 1\nprojects: [{it}]", True) for it in VALID_REGISTRIES),
        *((f"version: 1\nprojects: [{it}]", False) for it in INVALID_REGISTRIES),
        ("version: 1", False),
        ("version: 1\nprojects: []", False),
        ("version: 2\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nprojects: [{name: a, secret: s}]\nproject: []", False),
    ],
)
def test_schema_and_loader_agree(text: str, *, is_valid: bool) -> None:
    """The schema and the loader accept the same registries."""
    assert (is_accepted_by_schema(text), is_accepted_by_reader(text)) == (is_valid, is_valid)


def test_the_schema_is_valid() -> None:
    """The schema is valid in its dialect and describes every key."""
    schema = build_registry_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    entry = schema["properties"]["projects"]["items"]["properties"]  # type: ignore[index]  # the shape of a schema
    assert all(it["description"] for it in entry.values())
