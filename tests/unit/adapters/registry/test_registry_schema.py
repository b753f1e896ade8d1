"""The JSON Schema of a registry agrees with the loader."""

from typing import Any

import jsonschema
import pytest

from backup_auditor.adapters.documents import DocumentKind
from backup_auditor.adapters.registry_file import build_registry_schema, parse_registry
from backup_auditor.adapters.yaml_loader import compose_document
from backup_auditor.errors import RegistryError

TOPIC_ARN = "'arn:aws:sns:eu-central-1:111122223333:search'"
IGNORED = "{project: b, owner: search-team, reason: nothing to back up, expires: 2027-03-31}"
VALID_REGISTRIES = (
    "{name: a, secret: s/a}",
    "{name: a b, key_env: KEY, policy: p.yaml}",
    f"{{name: a, secret: s, alerts: [{{sns: {TOPIC_ARN}, severity: low}}, {{slack: s, weekly_summary: false}}]}}",
    "{name: a, secret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-AbCdEf', alerts: []}",
    "{name: a, secret: s, project_id: 8c85e612-0000-4000-8000-000000000000, policy: null, alerts: null}",
)
INVALID_REGISTRIES = (
    "a",
    "[a]",
    "{name: a}",
    "{name: a, secret: s, project_id: a_b}",
    "{name: a, secret: s, alerts: 7}",
    "{name: a, secret: s, alerts: [7]}",
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
        registry = parse_registry(text.encode(), "r.yaml")
    except RegistryError:
        return False
    return not (registry.errors or registry.ignore_errors or registry.fleet_errors)


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
        ("version: 1\ndefaults: {secret: 'keys/{name}', policy: p.yaml}\nprojects: [a, {name: b}]", True),
        ("version: 1\ndefaults: {key_env: 'KEY_{NAME}'}\nprojects: [a, {name: b}]", True),
        ("version: 1\ndefaults: {policy: p.yaml}\nprojects: [a]", False),
        ("version: 1\ndefaults: {secret: keys}\nprojects: [a]", False),
        ("version: 1\ndefaults: {secret: 7}\nprojects: [a]", False),
        ("version: 1\ndefaults: {secrt: 'keys/{name}'}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\ndefaults: []\nprojects: [{name: a, secret: s}]", False),
        (f"version: 1\nchannels: {{g: [{{sns: {TOPIC_ARN}}}]}}\nprojects: [{{name: a, secret: s, alerts: g}}]", True),
        (f"version: 1\nchannels: {{g: [{{sns: {TOPIC_ARN}}}]}}\nprojects: [{{name: a, secret: s, alerts: [g]}}]", True),
        ("version: 1\nchannels: {g: []}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nchannels: {g: [h]}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nchannels: {'g h': [{slack: s}]}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nchannels: []\nprojects: [{name: a, secret: s}]", False),
        (
            "version: 1\nfleet_channels: [{slack: s, when: weekly}, g]\nchannels: {g: [{slack: t}]}\nprojects: ["
            + VALID_REGISTRIES[0]
            + "]",
            True,
        ),
        ("version: 1\nfleet_channels: [{slack: s, when: hourly}]\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nfleet_channels: [{slack: s, severity: high}]\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nfleet_channels: {slack: s}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nfleet_channels: null\nprojects: [{name: a, secret: s}]", False),
        (f"version: 1\nignore: [{IGNORED}]\nprojects: [{{name: a, secret: s}}]", True),
        ("version: 1\nignore: []\nprojects: [{name: a, secret: s}]", True),
        ("version: 1\nignore: {}\nprojects: [{name: a, secret: s}]", False),
        ("version: 1\nignore: [b]\nprojects: [{name: a, secret: s}]", False),
        (f"version: 1\nignore: [{IGNORED.replace('2027-03-31', 'soon')}]\nprojects: [{{name: a, secret: s}}]", False),
        (f"version: 1\nignore: [{IGNORED.replace('owner', 'ownr')}]\nprojects: [{{name: a, secret: s}}]", False),
    ],
)
def test_schema_and_loader_agree(text: str, *, is_valid: bool) -> None:
    """The schema and the loader accept the same registries."""
    assert (is_accepted_by_schema(text), is_accepted_by_reader(text)) == (is_valid, is_valid)


def test_the_schema_is_valid() -> None:
    """The schema is valid in its dialect and describes every key."""
    schema: Any = build_registry_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    sections = schema["properties"]
    _, entry = sections["projects"]["items"]["anyOf"]
    for mapping in (schema, entry, sections["defaults"], sections["ignore"]["items"]):
        assert all(it["description"] for it in mapping["properties"].values())
