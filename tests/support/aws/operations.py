"""The AWS operations that a function can send, derived from the code that its handler reaches.

The code is reached by name: a name that reached code mentions reaches every function, class and method of that name in
the modules imported so far, a method only where its class is reached too. This finds more than the handler calls and
never less, as long as no operation is named by a computed text.
"""

import ast
import importlib.util
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import get_session

_FUNCTIONS = Path(__file__).parents[3] / "functions"
SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sns", "ssm")
"""The services that `AwsSession` has a client for."""
_SOURCES = ("backup_auditor", "aws_lambda_powertools.utilities.idempotency")
"""The packages whose code is followed: the product, and the one library that calls AWS with the product's client."""
_CLIENT_NAMES = frozenset({"client", "_client", "dynamodb", "events", "s3", "secrets", "sns", "ssm"})
"""The names of clients in the adapters: attributes, and the properties of `AwsSession`."""
_ITEM_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The permission that each kind of item in a transaction needs. The transaction itself needs none."""
_OTHER_ACTIONS = {"s3:HeadObject": "s3:GetObject"}
"""The permissions that are not named as their operation."""

type _Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class _Module:
    """The code of one module."""

    name: str
    tree: ast.Module
    outside_names: frozenset[str]
    """The names that it imports from packages whose code is not followed."""


@dataclass
class _Reach:
    """What a handler reaches: modules, definitions and mentioned names."""

    modules: dict[str, _Module] = field(default_factory=dict)
    definitions: dict[_Definition, _Module] = field(default_factory=dict)
    mentioned_names: set[str] = field(default_factory=set)
    mentioned_attributes: set[str] = field(default_factory=set)

    def add_module(self, name: str) -> None:
        """Add a module, its packages, and the modules that it imports at its start."""
        module = None if name in self.modules else _load_module(name)
        if module is None:
            return
        self.modules[name] = module
        self.add_module(name.rpartition(".")[0])
        for statement in module.tree.body:
            if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                self.add_code(statement, module)

    def add_code(self, code: ast.AST, module: _Module) -> None:
        """Add what a piece of code mentions and imports."""
        for node in _walk_code(code):
            match node:
                case ast.ImportFrom():
                    name = _find_imported_module(node, module)
                    for it in (name, *(f"{name}.{alias.name}" for alias in node.names)):
                        self.add_module(it)
                case ast.Import():
                    for alias in node.names:
                        self.add_module(alias.name)
                case ast.Name(id=name):
                    self.mentioned_names.add(name)
                case ast.Attribute(attr=name) if _find_root(node) not in module.outside_names:
                    self.mentioned_attributes.add(name)

    def grow(self) -> bool:
        """Add the definitions that are mentioned. Return whether there was a new one."""
        names = self.mentioned_names | self.mentioned_attributes
        new_definitions = {
            definition: module
            for module in self.modules.values()
            for definition in self._find_mentioned(module, names)
            if definition not in self.definitions
        }
        self.definitions |= new_definitions
        for definition, module in new_definitions.items():
            parts = definition.body if isinstance(definition, ast.FunctionDef) else _list_class_code(definition)
            for part in (*definition.decorator_list, *parts):
                self.add_code(part, module)
        return bool(new_definitions)

    def _find_mentioned(self, module: _Module, names: Collection[str]) -> Iterator[_Definition]:
        for statement in module.tree.body:
            if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                continue
            if statement.name in names:
                yield statement
            if isinstance(statement, ast.ClassDef) and statement in self.definitions:
                methods = (it for it in statement.body if isinstance(it, ast.FunctionDef))
                yield from (it for it in methods if it.name in self.mentioned_attributes or it.name.startswith("__"))


@cache
def derive_actions(verb: str) -> frozenset[str]:
    """Return the IAM actions that a function needs for the operations which its handler reaches."""
    reach = _Reach()
    handler = ast.parse((_FUNCTIONS / verb / "app.py").read_text(encoding="utf-8"))
    reach.add_code(handler, _Module(verb, handler, frozenset(_list_outside_names(handler))))
    while reach.grow():
        pass
    operations = {it for definition in reach.definitions for it in _find_operations(definition)}
    return frozenset(_OTHER_ACTIONS.get(it, it) for it in operations) - {"dynamodb:TransactWriteItems"}


def _find_operations(definition: _Definition) -> Iterator[str]:
    """Yield the operations that the code of a function names, and the permissions of items in a transaction."""
    if isinstance(definition, ast.ClassDef):
        return
    for node in ast.walk(definition):
        match node:
            case ast.Call(func=ast.Attribute(attr=name, value=receiver)) if _find_last_name(receiver) in _CLIENT_NAMES:
                yield from _list_operations().get(name, ())
            case ast.Call(args=[ast.Constant(value=str(name)), *_]):
                yield from _list_operations().get(name, ())
            case ast.Dict(keys=[ast.Constant(value=str(kind))]) if kind in _ITEM_ACTIONS:
                yield f"dynamodb:{_ITEM_ACTIONS[kind]}"


@cache
def _list_operations() -> dict[str, list[str]]:
    """Return the operations of the services by the names of their methods."""
    operations: dict[str, list[str]] = {}
    for service in SERVICES:
        for name in get_session().get_service_model(service).operation_names:
            operations.setdefault(xform_name(name), []).append(f"{service}:{name}")
    return operations


@cache
def _load_module(name: str) -> _Module | None:
    """Return a module whose code is followed; `None` for any other name."""
    if not any(name == it or name.startswith(f"{it}.") for it in _SOURCES):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the name of a function in a module
        return None
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return _Module(name, tree, frozenset(_list_outside_names(tree)))


def _find_imported_module(node: ast.ImportFrom, module: _Module) -> str:
    """Return the module that a statement imports from; only packages import relatively."""
    return f"{module.name}.{node.module}" if node.level else node.module or ""


def _list_outside_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (it.asname or it.name.partition(".")[0] for it in node.names)
            case ast.ImportFrom(module=str(name), level=0) if not name.startswith(_SOURCES):
                yield from (it.asname or it.name for it in node.names)


def _walk_code(code: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of code, without annotations and without what is imported for types only."""
    if isinstance(code, ast.If) and isinstance(code.test, ast.Name) and code.test.id == "TYPE_CHECKING":
        return
    yield code
    for name, value in ast.iter_fields(code):
        if name in {"annotation", "returns"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk_code(child)


def _list_class_code(definition: ast.ClassDef) -> list[ast.AST]:
    """Return the code that runs when a class is defined."""
    return [*definition.bases, *(it for it in definition.body if not isinstance(it, ast.FunctionDef))]


def _find_root(node: ast.expr) -> str:
    """Return the name that a chain of attributes, calls and items begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _find_last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
