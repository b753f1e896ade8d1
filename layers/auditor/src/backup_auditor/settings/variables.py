"""The environment variables of the functions."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Variable(NamedTuple):
    """One environment variable, with the description for the documents."""

    name: str
    meaning: str
    default: str = ""


def read_text(environ: Mapping[str, str], variable: Variable) -> str:
    """Return the value of a variable, else its default. An empty variable counts as absent."""
    return environ.get(variable.name, "").strip() or variable.default


STACK_NAME = Variable("STACK_NAME", "The name of the stack, a dimension of every metric.")
STATE_TABLE = Variable("STATE_TABLE", "The table for states of projects and messages that are not sent yet.")
EVIDENCE_BUCKET = Variable("EVIDENCE_BUCKET", "The bucket for reports.")
EVENT_BUS = Variable("EVENT_BUS", "The event bus of the stack.")
REGISTRY = Variable(
    "REGISTRY",
    "The registry of projects: `ssm:NAME` or `s3://BUCKET/KEY`. Without it there is one project: `PROJECT_NAME`.",
)
NAME_PREFIX = Variable(
    "NAME_PREFIX",
    "The prefix of the secrets that a registry can name: keys have it with `keys/`, webhooks with `webhooks/`, ping"
    " URLs with `pings/`.",
)
EDITOR_NAME_PREFIX = Variable("EDITOR_NAME_PREFIX", "The prefix of the secrets with write-access keys.")
DRILL_NAME_PREFIX = Variable("DRILL_NAME_PREFIX", "The prefix of the secrets with keys for restore drills.")
TOPIC_PREFIX = Variable("TOPIC_PREFIX", "How the ARNs of the topics begin that a registry can name.")
PROJECT_NAME = Variable("PROJECT_NAME", "The name of the single project in reports.")
API_KEY_SECRET = Variable(
    "API_KEY_SECRET", "The secret with the key of the single project: plain text, or JSON with `PINECONE_API_KEY`."
)
EDITOR_KEY_SECRET = Variable(
    "EDITOR_KEY_SECRET",
    "The secret with a write-access key of the single project: plain text, or JSON with `PINECONE_API_KEY`.",
)
DRILL_KEY_SECRET = Variable(
    "DRILL_KEY_SECRET",
    "The secret with a key of the single project for restore drills: plain text, or JSON with `PINECONE_API_KEY`.",
)
POLICY = Variable(
    "POLICY",
    "The policy of projects without a policy of their own: `ssm:NAME` or `s3://BUCKET/KEY`. Without it, the built-in"
    " policy.",
)
ALERT_TOPIC = Variable("ALERT_TOPIC", "The topic for projects that have no `alerts` of their own.")
ALERT_SEVERITY = Variable("ALERT_SEVERITY", "The lowest severity that the topic receives.", "low")
SLACK_SECRET = Variable(
    "SLACK_SECRET",
    "The secret with the Slack webhook for these projects: plain text, or JSON with `SLACK_WEBHOOK_URL`.",
)
SLACK_SEVERITY = Variable("SLACK_SEVERITY", "The lowest severity that Slack receives.", "low")
WEEKLY_SUMMARY = Variable(
    "WEEKLY_SUMMARY",
    "Whether channels receive a weekly summary while nothing is open: `true` or `false`. A registry can override it.",
    "false",
)
REPORT_BASE_URL = Variable(
    "REPORT_BASE_URL",
    "The URL under which people open the objects of the bucket. Without it, links lead to the S3 console.",
)
PING_URL_SECRET = Variable(
    "PING_URL_SECRET",
    "The secret with a URL to call every hour while no project fails: plain text, or JSON with `PING_URL`.",
)
ORGANIZATION_SECRET = Variable(
    "ORGANIZATION_SECRET",
    "The secret with a service account of the organization: JSON with `client_id` and `client_secret`.",
)
AUDIT_RETENTION_DAYS = Variable(
    "AUDIT_RETENTION_DAYS",
    "The number of days to store records of audits and pages of the fleet; without it, or with 0, there is no limit.",
)

_COMMON_VARIABLES = (STACK_NAME, REGISTRY, NAME_PREFIX, PROJECT_NAME)
_CHANNEL_VARIABLES = (TOPIC_PREFIX, ALERT_TOPIC, ALERT_SEVERITY, SLACK_SECRET, SLACK_SEVERITY, WEEKLY_SUMMARY)

VARIABLES_BY_FUNCTION: Mapping[str, tuple[Variable, ...]] = MappingProxyType(
    {
        "dispatch": (EVENT_BUS, *_COMMON_VARIABLES),
        "audit": (
            *(STATE_TABLE, EVIDENCE_BUCKET, EVENT_BUS, *_COMMON_VARIABLES, API_KEY_SECRET, POLICY),
            *(*_CHANNEL_VARIABLES, AUDIT_RETENTION_DAYS),
        ),
        "notify": (
            *(STATE_TABLE, EVIDENCE_BUCKET, EVENT_BUS, *_COMMON_VARIABLES),
            *(*_CHANNEL_VARIABLES, REPORT_BASE_URL),
        ),
        "watch": (
            *(STATE_TABLE, EVIDENCE_BUCKET, *_COMMON_VARIABLES),
            *(*_CHANNEL_VARIABLES, REPORT_BASE_URL, PING_URL_SECRET, ORGANIZATION_SECRET, POLICY, AUDIT_RETENTION_DAYS),
        ),
        "remediate": (STATE_TABLE, EVENT_BUS, *_COMMON_VARIABLES, EDITOR_NAME_PREFIX, EDITOR_KEY_SECRET, POLICY),
        "drill": (
            *(STATE_TABLE, EVIDENCE_BUCKET, EVENT_BUS, *_COMMON_VARIABLES),
            *(DRILL_NAME_PREFIX, DRILL_KEY_SECRET, POLICY),
        ),
    }
)
"""Variables by function. Those that call Pinecone also read those of the connection, without the key."""

FUNCTION_VARIABLES = tuple(dict.fromkeys(it for some in VARIABLES_BY_FUNCTION.values() for it in some))
"""All variables of the functions."""
