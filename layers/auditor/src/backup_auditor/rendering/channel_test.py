"""The test message that `doctor --send-test` sends to a channel, marked as a test for people and for machines."""

import json
from collections.abc import Mapping, Sequence

from backup_auditor.domain.finding import Compliance
from backup_auditor.domain.outbox import FLEET
from backup_auditor.domain.reporting.report import SCHEMA_VERSION
from backup_auditor.rendering.slack import build_notice_payload
from backup_auditor.rendering.sns import MACHINE_PROTOCOLS, MAX_ATTRIBUTE_LENGTH, MAX_SUBJECT_LENGTH, Publication
from backup_auditor.rendering.text import escape_truncated

_EVENT = "Backup Channel Test"
_TITLE = "Test message from backup-auditor"
_ADVICE = "Alerts about these projects arrive here. Nothing has to be done."
_MAX_NAMES = 5
_MAX_NAME_LENGTH = 200


def build_test_publication(stack: str, projects: Sequence[str]) -> Publication:
    """Return the test message for a topic, with the attributes and the common keys of every message."""
    text = f"{_TITLE} (stack {stack}). {_ADVICE} Projects: {', '.join(_list_names(projects))}."
    document = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "event": _EVENT,
            "headline": text,
            "stack": stack,
            "project": projects[0],
            "projects": list(projects[:_MAX_NAMES]),
            "compliance": Compliance.INSUFFICIENT_DATA,
            "severity": "none",
        }
    )
    parts = {"default": text, "email": text, **dict.fromkeys(MACHINE_PROTOCOLS, document)}
    attributes = {
        "project": escape_truncated(projects[0], MAX_ATTRIBUTE_LENGTH),
        "severity": "none",
        "compliance": Compliance.INSUFFICIENT_DATA,
        "event": _EVENT,
    }
    return Publication(f"{_TITLE} ({stack})"[:MAX_SUBJECT_LENGTH], json.dumps(parts), attributes)


def build_test_payload(stack: str, projects: Sequence[str]) -> Mapping[str, object]:
    """Return the test message for a Slack webhook, with the kinds of blocks of every message."""
    return build_notice_payload(
        _TITLE,
        _ADVICE,
        (f"Stack {stack}",),
        items=_list_names(projects),
        commands=(f"backup-auditor doctor --stack {stack}",),
    )


def _list_names(projects: Sequence[str]) -> list[str]:
    """Return the first names, and how many others there are."""
    labels = ("the fleet" if it == FLEET else it for it in projects[:_MAX_NAMES])
    names = [escape_truncated(it, _MAX_NAME_LENGTH) for it in labels]
    return names if len(projects) <= _MAX_NAMES else [*names, f"{len(projects) - _MAX_NAMES:,} more"]
