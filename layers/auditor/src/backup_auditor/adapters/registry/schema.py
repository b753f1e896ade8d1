"""The JSON Schema of the registry: for editors, and for whoever generates registries."""

from backup_auditor.adapters.registry.entries import ENTRY_KEYS, MOST_ALERTS
from backup_auditor.domain.alerting.wishes import NEVER, WEEKLY
from backup_auditor.domain.finding import Severity

type Schema = dict[str, object]

_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_SECRETS_NAME = r"^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$"
_TOPIC = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$"


def registry_schema() -> Schema:
    """Return the schema, in the 2020-12 dialect. That a name stands twice no schema can find."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Registry of backup-auditor, version 1",
        "description": "The projects that are to be audited.",
        "type": "object",
        "properties": {
            "version": {"const": 1, "description": "version of this format"},
            "projects": {"type": "array", "minItems": 1, "items": _project(), "description": "one entry each"},
        },
        "required": ["version", "projects"],
        "additionalProperties": False,
    }


def _project() -> Schema:
    told: dict[str, Schema] = {
        "name": {**_TEXT, "maxLength": 100, "pattern": r"^[^\s/\\.]([^/\\]*[^\s/\\])?$"},
        "secret": {"type": "string", "pattern": _SECRETS_NAME},
        "key_env": {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"},
        "editor_secret": {"type": "string", "pattern": _SECRETS_NAME},
        "policy": _TEXT,
        "alerts": {"type": "array", "maxItems": MOST_ALERTS, "items": _alert()},
    }
    meanings = (
        "what reports call the project",
        "the secret that holds its key, by name or ARN; on AWS it must have one",
        "the variable that holds its key, on a laptop",
        "the secret that holds a key of it that may write, for remediation on AWS",
        "its policy: ssm:NAME, s3://BUCKET/KEY, or on a laptop a file beside the registry",
        "where its alerts go; without it, to the channels of the stack",
    )
    return {
        "type": "object",
        "properties": {key: {**told[key], "description": it} for key, it in zip(ENTRY_KEYS, meanings, strict=True)},
        "required": ["name"],
        "anyOf": [{"required": ["secret"]}, {"required": ["key_env"]}],
        "additionalProperties": False,
    }


def _alert() -> Schema:
    return {
        "type": "object",
        "properties": {
            "sns": {"type": "string", "pattern": _TOPIC, "description": "the ARN of a topic"},
            "slack": {"type": "string", "pattern": _SECRETS_NAME, "description": "the secret that holds a webhook"},
            "severity": {"enum": [str(it) for it in Severity], "description": "the least that it hears of"},
            "all_is_well": {"enum": [WEEKLY, NEVER], "description": "whether it hears that nothing is open"},
        },
        "oneOf": [{"required": ["sns"]}, {"required": ["slack"]}],
        "additionalProperties": False,
    }
