"""Test that text uses the words of the glossary and not former, unclear ones."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "functions", "layers", "scripts", "simulator/src", "tests")
SUFFIXES = {".jinja", ".json", ".md", ".py", ".txt", ".yaml"}
FORMER_WORDS = (
    "carrying_out",
    "cause is mended",
    "hangs on",
    "indexes made anew",
    "is no day",
    "is not as required",
    "nothing can be called missing",
    "on the strength of",
    "second walk",
    "taken_up",
    "told_of",
    "untold",
    "verdicts could not be given",
    "who was woken",
    "why_none_for",
)


def test_no_file_uses_a_former_word() -> None:
    """No document, test or source file contains a former word."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, FORMER_WORDS))})\b", re.IGNORECASE)
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    found = {
        path.relative_to(ROOT).as_posix(): match[0]
        for path in (*paths, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "template.yaml")
        if path != Path(__file__) and (match := pattern.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}
