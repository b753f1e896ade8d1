"""Test that public names have one meaning in the product."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "layers" / "auditor" / "src" / "backup_auditor"
REPEATED_NAMES = {
    "LOG": "each function of AWS Lambda has its own log",
    "TYPE_CHECKING": "typing's own costs a tenth of the start, so modules of the start define it",
    "handle": "the entry point of each function, read through its `app.py`",
    "render_document": "the entry point of each format, read through `FORMATS`",
    "run": "the entry point of each command, called by its module's name",
}
"""The names that several modules may define, each with the reason."""


def iter_public_names(module: ast.Module) -> Iterator[str]:
    """Yield the public names that a module defines."""
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.TypeAlias(name=ast.Name(id=name)):
                names = [name]
            case ast.Assign(targets=targets):
                names = [it.id for it in targets if isinstance(it, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (it for it in names if not it.startswith("_"))


def test_public_names_have_one_meaning() -> None:
    """A public name is defined in one module, unless there is a reason why several define it."""
    modules: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in iter_public_names(ast.parse(path.read_text(encoding="utf-8"))):
            modules[name].add(path.relative_to(PACKAGE).as_posix())
    repeated_names = {name: found for name, found in modules.items() if len(found) > 1}
    assert {name: found for name, found in repeated_names.items() if name not in REPEATED_NAMES} == {}
    assert sorted(set(REPEATED_NAMES) - set(repeated_names)) == []
