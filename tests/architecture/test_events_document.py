"""What docs/reference/events.md says of events holds: its samples are whole, and its rules take what they should."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backup_auditor.domain.events import AuditRequest, EventType, read_audit_request
from backup_auditor.rendering.events import RemediationEventType
from docs import events as events_document

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
RULES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0]


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the text they hold."""


_Template.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def rule(name: str) -> Any:
    """Return a rule of the document."""
    return yaml.load(RULES, _Template)["Resources"][name]["Properties"]  # noqa: S506  safe but for its tags


def test_there_is_a_sample_of_each_event() -> None:
    """The document has a section with a sample for every type of event."""
    samples = [*events_document.sample_events(), *events_document.sample_remediation_events()]
    assert [it["detail-type"] for it in samples] == [*EventType, *RemediationEventType]
    assert all(f"\n### {it}\n" in TEXT for it in [*EventType, *RemediationEventType])


def test_the_request_of_the_document_is_one() -> None:
    """Put on the bus as it stands there, it asks for the audit of a project."""
    [entries] = re.findall(r"put-events --entries '(.*?)'\n", TEXT, re.DOTALL)
    [entry] = json.loads(entries)
    detail = json.loads(entry["Detail"])
    request = read_audit_request(
        {"source": entry["Source"], "detail-type": entry["DetailType"], "id": "given by the bus", "detail": detail}
    )
    assert request == AuditRequest("search", "after a migration", "given by the bus")


@pytest.mark.parametrize(
    "name,taken",
    [
        pytest.param("Trigger", {EventType.FINDING_REOPENED}, id="trigger"),
        pytest.param("Resolve", {EventType.FINDING_RESOLVED}, id="resolve"),
    ],
)
def test_a_rule_takes_what_it_speaks_of(name: str, taken: set[EventType]) -> None:
    """Of the samples, the critical ones that begin, or that end; and what it makes of them is JSON of known keys."""
    pattern = rule(name)["EventPattern"]
    events: list[Any] = [it for it in events_document.sample_events() if _fits(pattern, it)]
    assert {it["detail-type"] for it in events} == taken
    [target] = rule(name)["Targets"]
    transformer = target["InputTransformer"]
    for event in events:
        made = transformer["InputTemplate"]
        for variable, path in transformer["InputPathsMap"].items():
            made = made.replace(f"<{variable}>", json.dumps(_at(path, event)))
        assert json.loads(made)["dedup_key"] == event["detail"]["fingerprint"]


def test_the_rules_are_a_template(tmp_path: Path) -> None:
    """CloudFormation's linter has nothing to say of them."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _fits(pattern: Any, event: Any) -> bool:
    return all(
        _fits(wanted, event.get(name, {})) if isinstance(wanted, dict) else event.get(name) in wanted
        for name, wanted in pattern.items()
    )


def _at(path: str, event: Any) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = event[name]
    return event
