"""Test that only the drill of a restore can delete anything in Pinecone, and that no audit reaches it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

SOURCES = Path(__file__).parents[2] / "layers" / "auditor" / "src"
FUNCTIONS = Path(__file__).parents[2] / "functions"
PINECONE = "backup_auditor.adapters.pinecone"
DELETION = f"{PINECONE}.temporary_indexes"
RESTORES = f"{PINECONE}.restores"
SHOWN_DELETIONS = "backup_auditor.domain.remediation.plan"
"""The module whose `DELETE` calls are only shown and recorded, as the calls that reverse an action."""
DATABASE = "backup_auditor.adapters.dynamodb"
"""The package in which the word names an operation of DynamoDB. It sends nothing to Pinecone."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Return the imports of the product, those within functions included."""
    return grimp.build_graph("backup_auditor", cache_dir=None)


def iter_modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the name and the syntax tree of each module that ships."""
    for path in sorted(SOURCES.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(FUNCTIONS.glob("*/app.py")):
        yield f"functions.{path.parent.name}", ast.parse(path.read_text(encoding="utf-8"))


def find_modules_with_deletions() -> set[str]:
    """Return the modules that name the method of a deletion."""
    return {
        name
        for name, tree in iter_modules()
        if not name.startswith(DATABASE)
        if any(map(is_constant_deletion, ast.walk(tree)))
    }


def is_deletion(value: str | bytes) -> bool:
    """Return whether a text is the method of a deletion, in any case."""
    return value.upper() in {"DELETE", b"DELETE"}


def find_callers(*methods: str) -> set[str]:
    """Return the modules of the adapter of Pinecone that call a method with one of these names."""
    return {
        name
        for name, tree in iter_modules()
        if name.startswith(PINECONE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods
    }


def test_one_module_sends_deletions() -> None:
    """Only the deletion of a temporary index names the method, and what remediation shows as the reverse call."""
    assert find_modules_with_deletions() == {DELETION, SHOWN_DELETIONS}


def test_the_deletions_that_remediation_shows_are_not_sent() -> None:
    """Only the functions that build reverse calls name the method, and the writer sends the call of an action."""
    trees = dict(iter_modules())
    functions = {
        function.name
        for function in ast.walk(trees[SHOWN_DELETIONS])
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_deletion(node.value)
    }
    assert functions == {"build_undo_call"}
    writer_names = {node.attr for node in ast.walk(trees[f"{PINECONE}.writer"]) if isinstance(node, ast.Attribute)}
    assert "call" in writer_names
    assert functions & writer_names == set()


def test_three_modules_send_what_changes_a_project() -> None:
    """Remediation, restores and the deletion of a temporary index; everything else only reads."""
    assert find_callers("write") == {f"{PINECONE}.writer", RESTORES}
    assert find_callers("write_once") == {DELETION}


def test_only_restores_reach_the_deletion(graph: grimp.ImportGraph) -> None:
    """No other module imports the module that deletes."""
    assert graph.find_modules_that_directly_import(DELETION) == {RESTORES}


@pytest.mark.parametrize("place", ["audit", "remediate"])
def test_neither_an_audit_nor_a_remediation_reaches_a_restore(graph: grimp.ImportGraph, place: str) -> None:
    """No chain of imports leads from either of them to the calls of a drill."""
    origins = {it for it in graph.modules if it.rpartition(".")[2] == place}
    assert {f"backup_auditor.bootstrap.{place}", f"backup_auditor.cli.{place}"} <= origins
    assert {origin for origin in origins if graph.chain_exists(origin, RESTORES)} == set()


def test_the_deletion_takes_a_record() -> None:
    """The only public function that leads to a deletion takes the record of a drill, so that no name can be passed."""
    (tree,) = [tree for name, tree in iter_modules() if name == DELETION]
    functions = {it.name: it for it in tree.body if isinstance(it, ast.FunctionDef)}
    deleting_names = {name for name, it in functions.items() if any(map(is_constant_deletion, ast.walk(it)))}
    while callers := {name for name, it in functions.items() if find_names(it) & deleting_names} - deleting_names:
        deleting_names |= callers
    public_functions = [functions[it] for it in sorted(deleting_names) if not it.startswith("_")]
    assert [(it.name, [ast.unparse(argument) for argument in it.args.args]) for it in public_functions] == [
        ("delete_temporary_index", ["client: PineconeClient", "record: DrillRecord"])
    ]


def find_names(function: ast.FunctionDef) -> set[str]:
    """Return every name that a function uses."""
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def is_constant_deletion(node: ast.AST) -> bool:
    """Return whether a node is the method of a deletion."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and is_deletion(node.value)


def test_the_check_finds_a_deletion() -> None:
    """The method is found as text and as bytes, in any case; a statement of SQL is another text."""
    assert [is_deletion(it) for it in ("DELETE", b"delete", "Delete", "DELETE FROM outbox")] == [
        True,
        True,
        True,
        False,
    ]
