"""The published JSON Schema accepts the policies that load and refuses a wrong shape."""

import json

import jsonschema
import pytest

from backup_auditor.adapters.policy_file import read_default_policy
from backup_auditor.adapters.policy_file.loader import POLICY_DOCUMENT
from backup_auditor.adapters.policy_file.schema import build_policy_schema
from backup_auditor.adapters.yaml_loader import compose_document
from support.builders.policies import find_problems, parse_policy

_VALID_POLICIES = [
    read_default_policy(),
    "{}",
    "version: 1",
    "rules: [{name: a, match: {names: ['*'], tags: {env: [no]}}, require: {recovery: {max_age: null, horizon: 0h}}}]",
    "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [a], tags: {env: [no, dev]}, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{tags: {env: [dev]}, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{backups: [id-1, id-2], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{project: true, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "defaults: {protection: {locations: [aws/eu-*, '*']}, content: {max_size_factor: 2.5}}",
]
_INVALID_POLICIES = [
    "version: 2",
    "versions: 1",
    "defaults:",
    "defaults: {recovery: {min_copy: 1}}",
    "defaults: {recovery: {min_copies: -1}}",
    "defaults: {recovery: {horizon: 2w}}",
    "defaults: {recovery: {max_age: 0h}}",
    "defaults: {schedule: {frequency: hourly}}",
    "defaults: {schedule: {required: yes}}",
    "defaults: {content: {max_size_factor: 0.5}}",
    "defaults: {protection: {locations: [aws]}}",
    "project: {plan: premium}",
    "rules: [{match: {}}]",
    "rules: [{name: a, match: {names: []}}]",
    "rules: [{name: a, match: {names:}}]",
    "rules: [{name: ' '}]",
    "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r}]",
    "exemptions: [{controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [a], tags: {}, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{tags: {env: []}, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{tags: {env: dev}, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [a], backups: [b], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{tags: {a: [b]}, project: true, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{backups: [b], project: true, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{project: false, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [a], project: false, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{project: 'true', controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{project:, controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{backups: [1], controls: ['*'], owner: o, reason: r, expires: 2027-03-31}]",
    "exemptions: [{names: [a], controls: ['*'], owner: o, reason: r, expires: tomorrow}]",
    "remediation: {create_schedules: yes}",
    f"remediation: {{schedule_name: {'a' * 29}}}",
]


def test_the_schema_is_valid() -> None:
    """The schema is valid in the 2020-12 dialect."""
    assert build_policy_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(build_policy_schema())


@pytest.mark.parametrize("text", _VALID_POLICIES)
def test_the_schema_accepts_what_loads(text: str) -> None:
    """A policy that loads is valid under the schema."""
    parse_policy(text)
    jsonschema.Draft202012Validator(build_policy_schema()).validate(compose_document(text, POLICY_DOCUMENT).value)


@pytest.mark.parametrize("text", _INVALID_POLICIES)
def test_the_schema_and_the_loader_refuse_a_wrong_shape(text: str) -> None:
    """A policy of a wrong shape is refused by the schema and by the loader."""
    assert find_problems(text)
    assert not jsonschema.Draft202012Validator(build_policy_schema()).is_valid(
        compose_document(text, POLICY_DOCUMENT).value
    )


def test_every_key_is_described() -> None:
    """Every key of the schema has a description."""
    schema = build_policy_schema()
    shapes = [schema, *schema["$defs"].values()]
    keys = {name: key for shape in shapes for name, key in shape.get("properties", {}).items()}
    assert [name for name, key in keys.items() if not key.get("description")] == []


def test_the_schema_is_always_the_same_text() -> None:
    """Two builds of the schema give the same text."""
    assert json.dumps(build_policy_schema()) == json.dumps(build_policy_schema())
