"""Parts of Markdown documents: tables, and sections whose content is generated."""

import re
from collections.abc import Callable, Iterable, Mapping

_SECTION = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- /generated -->\n)", re.DOTALL)


def fill_sections(text: str, sections: Mapping[str, Callable[[], str]]) -> str:
    """Return a document whose generated sections have their current content.

    A section begins with `<!-- generated: NAME -->` and ends with `<!-- /generated -->`, each on a line of its own.
    Raises `KeyError` for an unknown name.
    """
    return _SECTION.sub(lambda it: f"{it[1]}\n{sections[it['name']]().strip()}\n\n{it[3]}", text)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table. A vertical line in a cell is escaped."""
    names = [*columns]
    lines = [names, ["---"] * len(names), *([it.replace("|", r"\|") for it in row] for row in rows)]
    return "".join(f"| {' | '.join(it)} |\n" for it in lines).replace("| --- ", "|---").replace("--- |", "---|")
