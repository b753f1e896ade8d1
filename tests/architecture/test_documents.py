"""Test that the documents are correct, and that their links work."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from backup_auditor import errors
from backup_auditor.adapters.aws import idempotency
from backup_auditor.adapters.dynamodb import items
from backup_auditor.adapters.policy_file.loader import load_policy
from backup_auditor.rendering.formats import FORMATS
from backup_auditor_simulator.damages import DamageKind
from backup_auditor_simulator.web.faults import FaultKind
from docs.markdown import fill_sections
from docs.transcripts import run_transcripts

ROOT = Path(__file__).parents[2]
SEARCH_FOLDERS = (
    ROOT / "layers" / "auditor" / "src" / "backup_auditor",
    ROOT / "simulator" / "src" / "backup_auditor_simulator",
    ROOT,
)
MAX_README_LINES = 150
BUILT_FOLDERS = ("build/site", "build/screenshots")
"""Folders that `make` creates."""
DOCUMENT_PATHS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_work(path: Path) -> None:
    """The target of every link to a file of the repository exists."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_headings_work(path: Path) -> None:
    """Every link to a heading matches exactly one heading."""
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        assert find_anchors(path.parent / target if target else path).count(anchor) == 1, f"{target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_list_items_continue_at_four_spaces(path: Path) -> None:
    """Blocks and lists in a list item are indented by 4 spaces, which the site and GitHub read as part of the item."""
    outside, *blocks = re.split(r"^( *)```", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = outside + "".join(blocks[3::4])
    assert [it for it in blocks[::4] if len(it) % 4] == []
    assert re.findall(r"^ {1,3}(?:[*-]|\d+\.) .*$|(?<=\n\n) {1,3}\S.*$", text, flags=re.MULTILINE) == []


def test_the_readme_is_short() -> None:
    """The README has at most 150 lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_external_links_are_well_formed(path: Path) -> None:
    """Every link to another site uses https and has a host."""
    targets = re.findall(r"\]\((http[^)]*)\)", path.read_text(encoding="utf-8"))
    assert [it for it in targets if not re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+(/[\w./#?=&%+~-]*)?", it)] == []


def test_every_page_is_in_the_navigation() -> None:
    """The navigation of the site has each page of the documents exactly once."""
    page_names = re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(page_names) == sorted(pages)


def find_anchors(path: Path) -> list[str]:
    """Return the anchors of the headings of a document, as Markdown renderers create them."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", it).strip().lower().replace(" ", "-") for it in headings]


def test_the_policy_of_the_readme_is_valid(tmp_path: Path) -> None:
    """The policy in the README is valid."""
    shown_policies = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert shown_policies
    for number, text in enumerate(shown_policies):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert load_policy(path).rules


@pytest.mark.parametrize("path", DOCUMENT_PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_named_files_exist(path: Path) -> None:
    """Every file and folder in code font exists in the repository or in one of its packages."""
    file_paths = re.findall(r"`((?:\w[\w.-]*/)+[\w.-]*)`", path.read_text(encoding="utf-8"))
    checked_paths = [it for it in file_paths if (ROOT / it.partition("/")[0]).exists() or it.endswith((".py", ".json"))]
    assert [
        it
        for it in checked_paths
        if it not in BUILT_FOLDERS and not any((folder / it).exists() for folder in SEARCH_FOLDERS)
    ] == []


def test_the_files_in_the_architecture_exist() -> None:
    """Every file and folder in the tree of the architecture page exists."""
    text = (ROOT / "docs" / "development" / "architecture.md").read_text(encoding="utf-8")
    drawn_names: list[tuple[str, ...]] = []
    for indent, name in re.findall(r"^( *)([\w./]+(?:/|\.py|\.yaml)) {2}", text, flags=re.MULTILINE):
        drawn_names.append((*(drawn_names[-1] if drawn_names else ())[: len(indent) // 2], name))
    assert len(drawn_names) > len(SEARCH_FOLDERS)
    assert [it for it in drawn_names if not ROOT.joinpath(*it).exists()] == []


def test_every_format_is_described() -> None:
    """The first table of the page about formats has one row for each format."""
    text = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \|", text.partition("\n## ")[0], flags=re.MULTILINE)
    assert sorted(rows) == sorted(FORMATS)


@pytest.mark.parametrize("heading,kinds", [("Faults", FaultKind), ("Damages", DamageKind)])
def test_every_fault_and_damage_of_the_simulator_is_described(heading: str, kinds: type[StrEnum]) -> None:
    """The table of faults has one row for each kind of fault, and that of damages one for each kind of damage."""
    text = (ROOT / "docs" / "development" / "simulator.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE)
    assert rows[1:] == list(kinds)


def test_the_architecture_lists_every_item() -> None:
    """The table of items has exactly the key prefixes that the code writes."""
    text = (ROOT / "docs" / "development" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)(?:#[\w.]+)?` \| (?:`(\w+)#?|a hash)", text, flags=re.MULTILINE)
    state, remediation, watch, drills = items.Partition
    sort_keys = {
        state: {items.HEAD_SORT_KEY, items.ROW_SORT_KEY, items.AUDIT_PREFIX, items.CHUNK_PREFIX, "sent#"},
        remediation: {items.ACTION_PREFIX, items.PLAN_PREFIX},
        drills: {items.DRILL_PREFIX},
        watch: {
            *(items.REGISTRATION_SORT_KEY, items.FAILED_AUDIT_SORT_KEY, items.NOTICE_SORT_KEY),
            *(items.DISCOVERY_SORT_KEY, items.FLEET_PAGE_SORT_KEY, items.FLEET_NIGHT_SORT_KEY),
            items.FLEET_DIGEST_PREFIX,
        },
    }
    for partition, expected_keys in sort_keys.items():
        assert {sort for name, sort in rows if name == partition} == {it.strip("#") for it in expected_keys}
    assert {name for name, _ in rows} == {
        *items.Partition,
        items.OUTBOX_PARTITION,
        items.DRILLS_IN_PROGRESS_PARTITION,
        idempotency.PARTITION,
    }


def test_the_tree_of_errors_is_complete() -> None:
    """The tree of errors shows each error below its base class."""
    drawn_edges: list[tuple[str, ...]] = []
    for indent, name in re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__ or "", flags=re.MULTILINE):
        drawn_edges.append((*(drawn_edges[-1] if drawn_edges else ())[: len(indent) // 4], name))
    error_types = [it for it in vars(errors).values() if isinstance(it, type) and issubclass(it, Exception)]
    lines = {tuple(it.__name__ for it in reversed(error.__mro__)) for error in error_types}
    assert {("object", "BaseException", "Exception", *it) for it in drawn_edges} == lines
    assert len(drawn_edges) == len(error_types)


DECISIONS = sorted((ROOT / "docs" / "development" / "decisions").glob("[0-9]*.md"))


def test_every_decision_is_listed() -> None:
    """The list of decisions has a row with the number and the title of each decision."""
    index_text = (ROOT / "docs" / "development" / "decisions" / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d{4})\]\((.+)\) \| (.+) \|$", index_text, flags=re.MULTILINE)
    titles = [path.read_text(encoding="utf-8").partition("\n")[0] for path in DECISIONS]
    assert [(f"# {number} {title}", name) for number, name, title in rows] == [
        (title, path.name) for title, path in zip(titles, DECISIONS, strict=True)
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_four_parts(path: Path) -> None:
    """A decision has a status, a context, a decision and consequences."""
    text = path.read_text(encoding="utf-8")
    parts = ("\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n")
    assert [part for part in parts if part not in text] == []


def test_a_generated_section_is_replaced() -> None:
    """The text between the markers of a section is replaced, and an unknown section is an error."""
    text = "before\n<!-- generated: fresh -->\nold\n<!-- /generated -->\nafter\n"
    expected = "before\n<!-- generated: fresh -->\n\nnew\n\n<!-- /generated -->\nafter\n"
    assert fill_sections(text, {"fresh": lambda: "new\n"}) == expected
    assert fill_sections(expected, {"fresh": lambda: "new\n"}) == expected
    with pytest.raises(KeyError, match="fresh"):
        fill_sections(text, {})


def test_a_transcript_shows_the_output() -> None:
    """A transcript has commands with their output and errors, shortened to the requested number of lines."""
    commands = "$ printf '%s\\n' 1 2 3 4 5 6 7 8 9\nstale\n$ (exit 3)\n$ echo $?\n"
    text = f"before\n<!-- transcript head=2 tail=1 -->\n```console\n{commands}```\nafter\n"
    new_text = run_transcripts(text, lambda _: {})
    assert "$ printf '%s\\n' 1 2 3 4 5 6 7 8 9\n1\n2\n… 6 more lines …\n9\n$ (exit" in new_text
    assert re.search(r"\$ echo \$\?\n3\n```\nafter\n$", new_text)
    assert "stale" not in new_text
    assert run_transcripts(new_text, lambda _: {}) == new_text


def test_a_transcript_of_drills_shows_samples() -> None:
    """Times, ids, random names and folders of drills are those of a sample, so that each run writes the same text."""
    output = (
        "drill fedcba9876543210, plan 0123456789abcdef of 2026-11-29 16:03 UTC: drill-orders-0a1b2c3d"
        " (deadline 2026-11-29 22:03 UTC), document /tmp/x/default-drills/0123456789abcdef-7.json"
    )
    text = f"<!-- transcript scenario=drill -->\n```console\n$ echo '{output}'\n```\n"
    new_text = run_transcripts(text, lambda name: {"SCENARIO": name or ""})
    assert new_text.splitlines()[3] == (
        "drill 9c1d7e40b3f2a586, plan 5f0e3a9c81d24b76 of 2026-11-02 06:04 UTC: drill-orders-1a2b3c4d"
        " (deadline 2026-11-02 12:04 UTC), document …/default-drills/9c1d7e40b3f2a586-7.json"
    )
