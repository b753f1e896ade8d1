"""Read YAML 1.2 into nodes with line numbers. Strict: one document, unique keys, limited size."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import yaml
from yaml import AliasEvent, MappingEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceEndEvent

from backup_auditor.adapters.documents import DocumentKind, DocumentProblemError, quote_excerpt, strip_byte_order_mark
from backup_auditor.domain.text import escape_control_characters

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN")
_BASES = {"0o": 8, "0x": 16}
_MAX_NUMBER_LENGTH = 32


def resolve_scalar(text: str, line: int, key_path: str) -> str | float | bool | None:
    """Return the value of a plain scalar. `key_path` names it in an error."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    location = f" ({key_path})" if key_path else ""
    if _NOT_FINITE.fullmatch(text):
        remedy = "write a finite number, or put the text in quotes"
        raise DocumentProblemError(f"{text} is not a finite number{location}; {remedy}", line)
    is_integer = bool(_INTEGER.fullmatch(text))
    if not is_integer and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _MAX_NUMBER_LENGTH:
        raise DocumentProblemError(
            f"the number {quote_excerpt(text)}{location} is too long; put it in quotes if it is text", line
        )
    if is_integer:
        base = _BASES.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)  # noqa: PLR2004  decimal
    return float(text)


type KeyPath = tuple[str | int, ...]
type Node = ScalarNode | ListNode | MappingNode


@dataclass(frozen=True)
class ScalarNode:
    """A text, a number, true, false or null."""

    line: int
    value: str | float | bool | None

    size = 1
    depth = 1


@dataclass(frozen=True)
class ListNode:
    """A list."""

    line: int
    items: Sequence[Node]
    size: int
    """The number of nodes. A node that aliases repeat counts each time."""
    depth: int
    """The number of levels."""

    @cached_property
    def value(self) -> object:
        """The list without line numbers. A node that aliases repeat is the same object each time."""
        return [it.value for it in self.items]


@dataclass(frozen=True)
class MappingNode:
    """A mapping, in the order of the file."""

    line: int
    items: Mapping[str, Node]
    key_lines: Mapping[str, int]
    size: int
    """The number of nodes, keys included. A node that aliases repeat counts each time."""
    depth: int
    """The number of levels."""

    @cached_property
    def value(self) -> object:
        """The mapping without line numbers. A node that aliases repeat is the same object each time."""
        return {key: it.value for key, it in self.items.items()}


def find_node(root: Node, path: KeyPath) -> tuple[Node | None, int]:
    """Return the node at a path and its line; `None` and the line of the last existing node if there is none."""
    node, line = root, root.line
    for step in path:
        if isinstance(node, MappingNode) and step in node.items:
            line = node.key_lines[str(step)]
            node = node.items[str(step)]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            return None, line
    return node, line


# What YAML calls printable, except the three characters that end a line in YAML 1.1 only.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def decode_text(content: bytes) -> str:
    """Return the UTF-8 text of a file. Raises `DocumentProblemError`, also for control characters."""
    try:
        text = strip_byte_order_mark(content).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DocumentProblemError("is not UTF-8 text; save it as UTF-8", line) from None
    match = _UNPRINTABLE.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        raise DocumentProblemError(f"has the control character U+{ord(match[0]):04X}; remove it", line)
    return text


MAX_DEPTH = 32
MAX_NODES = 50_000
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
# Escapes in quoted text can produce any of these.
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# JSON writes a character above U+FFFF as two escapes, a surrogate pair.
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def compose_document(text: str, kind: DocumentKind) -> MappingNode:
    """Return the document of a text, which must be one mapping. Raises `DocumentProblemError`."""
    try:
        return _Composer(yaml.parse(text, Loader=yaml.SafeLoader), kind).compose_root()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        description = escape_control_characters(error.problem or error.context or "it cannot be read")
        raise DocumentProblemError(f"is not YAML: {description}; correct it", mark.line + 1 if mark else None) from None
    # PyYAML does not translate the errors of impossible escapes
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise DocumentProblemError(f"is not YAML: {escape_control_characters(str(error))[:200]}; correct it") from None


class _Composer:
    def __init__(self, events: Iterator[yaml.Event], kind: DocumentKind) -> None:
        self._events = events
        self._kind = kind
        self._anchors: dict[str, Node] = {}
        self._node_count = 0
        self._key_path: list[str] = []

    def compose_root(self) -> MappingNode:
        next(self._events)  # start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._build_empty_error()
        root = self._compose_node(next(self._events), 1)
        next(self._events)  # end of the document
        next_event = next(self._events)
        if not isinstance(next_event, yaml.StreamEndEvent):
            raise DocumentProblemError(
                f"a second document begins; a {self._kind.name} is one document", _get_line(next_event)
            )
        if isinstance(root, ScalarNode) and root.value is None:
            raise self._build_empty_error()
        if not isinstance(root, MappingNode):
            raise DocumentProblemError('is not a mapping; begin with "version: 1"', root.line)
        return root

    def _build_empty_error(self) -> DocumentProblemError:
        return DocumentProblemError(f"is empty, and an empty file is not a {self._kind.name}; {self._kind.start_hint}")

    def _compose_node(self, event: yaml.Event, level: int) -> Node:
        line = _get_line(event)
        if level > MAX_DEPTH:
            raise DocumentProblemError(
                f"is nested more than {MAX_DEPTH} levels deep; a {self._kind.name} needs fewer levels", line
            )
        self._node_count += 1
        if isinstance(event, AliasEvent):
            node = self._compose_alias(event, level)
        elif isinstance(event, ScalarEvent):
            node = self._compose_scalar(event)
        elif isinstance(event, MappingStartEvent):
            node = self._compose_mapping(event, level)
        else:
            node = self._compose_sequence(event, level)
        if self._node_count > MAX_NODES:
            raise DocumentProblemError(f"has more than {MAX_NODES:,} values, aliases included; make it smaller", line)
        if isinstance(event, NodeEvent) and event.anchor and not isinstance(event, AliasEvent):
            self._anchors[event.anchor] = node
        return node

    def _compose_alias(self, event: AliasEvent, level: int) -> Node:
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            raise DocumentProblemError(
                f"the alias *{escape_control_characters(name)} has no finished anchor before it", _get_line(event)
            )
        self._node_count += node.size
        if level + node.depth > MAX_DEPTH:
            raise DocumentProblemError(f"is nested more than {MAX_DEPTH} levels deep by its aliases", _get_line(event))
        return node

    def _compose_sequence(self, event: yaml.Event, level: int) -> Node:
        _refuse_tag(event)
        items: list[Node] = []
        while not isinstance(next_event := next(self._events), SequenceEndEvent):
            self._key_path.append(f"[{len(items)}]")
            items.append(self._compose_node(next_event, level + 1))
            self._key_path.pop()
        return ListNode(_get_line(event), items, *_measure(items))

    def _compose_mapping(self, event: yaml.Event, level: int) -> Node:
        _refuse_tag(event)
        items: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(next_event := next(self._events), MappingEndEvent):
            line = _get_line(next_event)
            key = self._compose_node(next_event, level + 1)
            if not isinstance(key, ScalarNode) or not isinstance(key.value, str):
                raise DocumentProblemError("a key is not text; put it in quotes", line)
            if key.value in items:
                first_line = lines[key.value]
                raise DocumentProblemError(
                    f"the key {quote_excerpt(key.value)} is a duplicate, first on line {first_line}; remove one", line
                )
            self._key_path.append(f".{escape_control_characters(key.value)}")
            items[key.value] = self._compose_node(next(self._events), level + 1)
            self._key_path.pop()
            lines[key.value] = line
        size, depth = _measure(items.values())
        return MappingNode(_get_line(event), items, lines, size + len(items), depth)

    def _compose_scalar(self, event: ScalarEvent) -> ScalarNode:
        line = _get_line(event)
        if event.tag not in _TEXT_TAGS:
            _refuse_tag(event)
        text = _SURROGATE_PAIR.sub(
            lambda it: it[0].encode("utf-16-be", "surrogatepass").decode("utf-16-be"), event.value
        )
        key_path = "".join(self._key_path).removeprefix(".")
        _refuse_control_characters(text, line, key_path)
        is_plain = event.tag is None and event.implicit[0]
        return ScalarNode(line, resolve_scalar(text, line, key_path) if is_plain else text)


def _refuse_control_characters(text: str, line: int, key_path: str) -> None:
    description, location = f"the text {quote_excerpt(text)}", f" ({key_path})" if key_path else ""
    if _SURROGATE.search(text):
        remedy = "write both halves, or the character itself"
        raise DocumentProblemError(f"{description} has half of a surrogate pair{location}; {remedy}", line)
    if _CONTROL_CHARACTER.search(text):
        raise DocumentProblemError(f"{description} has a control character{location}; remove it", line)


def _refuse_tag(event: yaml.Event) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        remedy = "write the content in this file" if "include" in tag else "remove it"
        raise DocumentProblemError(f"the tag {quote_excerpt(tag)} is not supported; {remedy}", _get_line(event))


def _measure(nodes: Collection[Node]) -> tuple[int, int]:
    """Return the size and the depth of a node that holds others."""
    return 1 + sum(it.size for it in nodes), 1 + max((it.depth for it in nodes), default=0)


def _get_line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
