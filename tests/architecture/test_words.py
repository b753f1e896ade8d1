"""Test that text uses the words of the glossary and not former, unclear ones."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "events", "functions", "layers", "scripts", "simulator/src", "tests")
SUFFIXES = {".jinja", ".json", ".md", ".py", ".txt", ".yaml"}
FORMER_WORDS = (
    "amiss",
    "anew",
    "are allowed in",
    "carried out",
    "carrying_out",
    "hangs on",
    "is no day",
    "is not as required",
    "judge, and remember",
    "judged",
    "lets none of this",
    "may be a repeat",
    "mended",
    "nobody knows",
    "not as the policy requires",
    "not told",
    "nothing can be called missing",
    "nothing tells",
    "oftener",
    "on the strength of",
    "read the letters",
    "remembered",
    "rings nowhere",
    "second walk",
    "somebody",
    "taken_up",
    "told by nothing",
    "told_of",
    "under way",
    "untold",
    "verdicts could not be given",
    "whatever happens",
    "who was woken",
    "whoever",
    "why_none_for",
    "yet no second",
)
FILES_WITH_STORED_WORDS = {
    Path(__file__),
    # the state of an action in files and tables of earlier versions
    ROOT / "layers/auditor/src/backup_auditor/adapters/records.py",
    ROOT / "layers/auditor/src/backup_auditor/adapters/sqlite/database.py",
    ROOT / "tests/contract/test_remediation_logs.py",
    ROOT / "tests/unit/adapters/test_sqlite_upgrade.py",
}


def test_no_file_uses_a_former_word() -> None:
    """No document, test or source file contains a former word, except those that read words stored earlier."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, FORMER_WORDS))})\b", re.IGNORECASE)
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    found = {
        path.relative_to(ROOT).as_posix(): match[0]
        for path in (
            *paths,
            ROOT / "README.md",
            ROOT / "CONTRIBUTING.md",
            ROOT / "CHANGELOG.md",
            ROOT / "template.yaml",
        )
        if path not in FILES_WITH_STORED_WORDS and (match := pattern.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}
