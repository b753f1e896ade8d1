"""The environment variables of the functions, and how a variable is read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from backup_auditor.domain.text import quote_text
from backup_auditor.errors import SettingsError


class Variable(NamedTuple):
    """One variable of the environment, as the documents show it."""

    name: str
    default: str
    meaning: str


def read_text(environ: Mapping[str, str], variable: Variable) -> str:
    """Return what a variable says, else its default. One that is empty counts as absent."""
    return environ.get(variable.name, "").strip() or variable.default


def read_variable[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value:
    """Read a variable. Raises `SettingsError`, which repeats what it says."""
    text = read_text(environ, variable)
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable.name} is {quote_text(text, 80)}: {error}") from None


def read_optional[Value](environ: Mapping[str, str], variable: Variable, parse: Callable[[str], Value]) -> Value | None:
    """Read a variable that may be absent. Raises `SettingsError`, which does not repeat what it says."""
    text = read_text(environ, variable)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise SettingsError(f"{variable.name} {error}") from None


STATE_TABLE = Variable("STATE_TABLE", "", "The table that remembers projects, and holds messages until they are sent.")
EVIDENCE_BUCKET = Variable("EVIDENCE_BUCKET", "", "The bucket where reports are kept.")
EVENT_BUS = Variable("EVENT_BUS", "", "The bus of the application's events.")
REGISTRY = Variable(
    "REGISTRY",
    "",
    "Where the list of projects is: `ssm:NAME` or `s3://BUCKET/KEY`. Without it there is one project: `PROJECT_NAME`.",
)
PROJECT_NAME = Variable("PROJECT_NAME", "", "What reports call the one project.")
API_KEY_SECRET = Variable(
    "API_KEY_SECRET",
    "",
    "The secret that holds the key of the one project: as it is, or as JSON with `PINECONE_API_KEY`.",
)
EDITOR_KEY_SECRET = Variable(
    "EDITOR_KEY_SECRET",
    "",
    "The secret with a key of the one project that may write: as it is, or as JSON with `PINECONE_API_KEY`.",
)
POLICY = Variable(
    "POLICY", "", "The policy of projects that name none of their own: `ssm:NAME` or `s3://BUCKET/KEY`; else built-in."
)
ALERT_TOPIC = Variable("ALERT_TOPIC", "", "The topic for alerts of projects that have no `alerts` of their own.")
ALERT_SEVERITY = Variable("ALERT_SEVERITY", "low", "The least severity that the topic hears of.")
SLACK_SECRET = Variable(
    "SLACK_SECRET",
    "",
    "The secret that holds Slack's webhook for these projects: as it is, or as JSON with `SLACK_WEBHOOK_URL`.",
)
SLACK_SEVERITY = Variable("SLACK_SEVERITY", "low", "The least severity that Slack hears of.")
WEEKLY_SUMMARY = Variable(
    "WEEKLY_SUMMARY",
    "false",
    "Whether channels receive a weekly summary while nothing is open: `true` or `false`. A registry can override it.",
)
PING_URL_SECRET = Variable(
    "PING_URL_SECRET",
    "",
    "The secret that holds an address to call after each complete audit: as it is, or as JSON with `PING_URL`.",
)
AUDIT_RETENTION_DAYS = Variable(
    "AUDIT_RETENTION_DAYS", "", "How long it is remembered which nights were audited; without it, or with 0, for ever."
)

_CHANNEL_VARIABLES = (ALERT_TOPIC, ALERT_SEVERITY, SLACK_SECRET, SLACK_SEVERITY, WEEKLY_SUMMARY)

VARIABLES_BY_FUNCTION: Mapping[str, tuple[Variable, ...]] = MappingProxyType(
    {
        "dispatch": (EVENT_BUS, REGISTRY, PROJECT_NAME),
        "audit": (
            *(STATE_TABLE, EVIDENCE_BUCKET, EVENT_BUS, REGISTRY, PROJECT_NAME, API_KEY_SECRET, POLICY),
            *(*_CHANNEL_VARIABLES, PING_URL_SECRET, AUDIT_RETENTION_DAYS),
        ),
        "notify": (STATE_TABLE, EVIDENCE_BUCKET, EVENT_BUS, REGISTRY, PROJECT_NAME, *_CHANNEL_VARIABLES),
        "watch": (STATE_TABLE, REGISTRY, PROJECT_NAME),
        "remediate": (STATE_TABLE, EVENT_BUS, REGISTRY, PROJECT_NAME, EDITOR_KEY_SECRET, POLICY),
    }
)
"""By the name of the function. `audit` and `remediate` read Pinecone's too, but for key and deadline."""

FUNCTION_VARIABLES = tuple(dict.fromkeys(it for some in VARIABLES_BY_FUNCTION.values() for it in some))
"""Every one of them, once."""
