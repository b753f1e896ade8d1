"""Messages as their channels get them, compared with approved files.

After a deliberate change of a sentence, write the files again with `pytest tests/unit/rendering --approve`, and read
what changed.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from backup_auditor.rendering.sns import Publication

FOLDER = Path(__file__).parents[1] / "unit" / "rendering" / "digests"


def render_sections(publication: Publication, payload: Mapping[str, object]) -> str:
    """Return every text of a publication to a topic, and of a payload to Slack."""
    parts = json.loads(publication.message)
    sections = {
        "subject": publication.subject,
        "attributes": json.dumps(dict(publication.attributes), indent=1),
        "email": parts["email"],
        "default": parts["default"],
        "sqs": json.dumps(json.loads(parts["sqs"]), indent=1),
        "slack": json.dumps(payload, indent=1, ensure_ascii=False),
    }
    return "\n".join(f"=== {name}\n{text.rstrip()}\n" for name, text in sections.items())


def check_approved(case: str, text: str, config: pytest.Config) -> None:
    """Compare a text with the approved file of a case, or update the file with `--approve`."""
    path = FOLDER / f"{case}.txt"
    if config.getoption("--approve"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
