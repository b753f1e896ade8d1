"""The test message that `doctor --send-test` sends to a channel, marked as a test for people and for machines."""

import json
from collections.abc import Mapping, Sequence

from backup_auditor.rendering.slack import fit_text
from backup_auditor.rendering.sns import MACHINE_PROTOCOLS, MAX_SUBJECT_LENGTH, Publication

_EVENT = "Backup Channel Test"
_MAX_LENGTH = 1000
_MAX_NAMES = 5


def describe_test(stack: str, projects: Sequence[str]) -> str:
    """Return the text of a test message."""
    names = ", ".join(projects[:_MAX_NAMES])
    if len(projects) > _MAX_NAMES:
        names += f" and {len(projects) - _MAX_NAMES:,} more"
    return (
        f"Test message from backup-auditor (stack {stack}). Alerts about these projects arrive here: {names}."
        " Nothing has to be done."
    )


def build_test_publication(stack: str, projects: Sequence[str]) -> Publication:
    """Return the test message for a topic."""
    text = describe_test(stack, projects)
    document = json.dumps({"event": _EVENT, "stack": stack, "projects": list(projects[:_MAX_NAMES]), "text": text})
    parts = {"default": text, "email": text, **dict.fromkeys(MACHINE_PROTOCOLS, document)}
    subject = f"Test message from backup-auditor ({stack})"[:MAX_SUBJECT_LENGTH]
    return Publication(subject, json.dumps(parts), {"event": _EVENT, "severity": "none"})


def build_test_payload(stack: str, projects: Sequence[str]) -> Mapping[str, object]:
    """Return the test message for a Slack webhook."""
    text = fit_text(describe_test(stack, projects), _MAX_LENGTH)
    return {"text": text, "unfurl_links": False, "unfurl_media": False}
