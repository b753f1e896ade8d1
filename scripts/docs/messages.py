"""Quote the current messages of the product in documents."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parents[2] / "layers" / "auditor" / "src" / "backup_auditor"
_MARK = re.compile(r"(?P<mark><!-- message: (?P<name>\w+)(?: (?P<words>[^>]+?))? -->)(?:`` .*? ``|`[^`\n]*`)?")
_GAP = "…"
"""The placeholder for a value that is inserted into a message."""
_MIN_WORDS = 3


def fill_messages(text: str) -> str:
    """Return a document in which every mark is followed by its current message.

    A mark names the function, class or constant that has the message, and words of it when it has several, as
    `<!-- message: main WSL/Linux -->`; a slash separates alternatives. A mark that fits no single message keeps the
    quotation that it has; `check_messages` reports it.
    """
    return _MARK.sub(_replace_quotation, text)


def check_messages(text: str) -> list[str]:
    """Return the marks of a document that do not fit exactly one message."""
    return [it["mark"] for it in _MARK.finditer(text) if len(find_messages(it["name"], it["words"])) != 1]


def find_messages(name: str, words: str | None) -> set[str]:
    """Return the messages of a function, class or constant that have these words."""
    pattern = re.compile("|".join(map(re.escape, (words or "").split("/"))))
    return {it for it in _list_messages().get(name, ()) if pattern.search(it)}


def _replace_quotation(mark: re.Match[str]) -> str:
    messages = find_messages(mark["name"], mark["words"])
    return f"{mark['mark']}{_quote(messages.pop())}" if len(messages) == 1 else mark[0]


@cache
def _list_messages() -> Mapping[str, Sequence[str]]:
    """Return the messages of the product by the name of the function, class or constant that has them."""
    messages: dict[str, list[str]] = {}
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if name := _name_of(node):
                messages.setdefault(name, []).extend(_find_texts(node))
    return messages


def _name_of(node: ast.AST) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _find_texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts in a node that are long enough for a message, without docstrings and parts of texts."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    text = _read_text(node)
    if text is not None:
        if len(text.split()) >= _MIN_WORDS:
            yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _find_texts(child)


def _read_text(node: ast.AST) -> str | None:
    """Return the text of a node with a gap for each inserted value, or `None` if the node is not a text."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_read_text(it) or _GAP for it in values)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_read_text(left), _read_text(right)]
            return "".join(it or _GAP for it in parts) if any(parts) else None
    return None


def _quote(message: str) -> str:
    text = re.sub(rf"^{_GAP}[:;] |; {_GAP}$", "", re.sub(f"{_GAP}+", _GAP, " ".join(message.split())))
    text = text.replace("|", r"\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"
