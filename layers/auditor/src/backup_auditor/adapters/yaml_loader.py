"""Read YAML 1.2 strictly into nodes that know their lines: one document, unique keys, bounded size."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import yaml
from yaml import AliasEvent, MappingEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceEndEvent

from backup_auditor.adapters.document_problems import DocumentKind, DocumentProblemError, quoted, visible
from backup_auditor.adapters.input_file import without_byte_order_mark

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN")
_BASES = {"0o": 8, "0x": 16}
_LONGEST_NUMBER = 32


def resolve(text: str, line: int, place: str) -> str | float | bool | None:
    """Return what a plain scalar means; `place` is its key, for what is said of one that is refused."""
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    where = f" ({place})" if place else ""
    if _NOT_FINITE.fullmatch(text):
        remedy = "write a finite one, or put it in quotes"
        raise DocumentProblemError(f"{text} is not a finite number{where}; {remedy}", line)
    is_whole = bool(_WHOLE.fullmatch(text))
    if not is_whole and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _LONGEST_NUMBER:
        raise DocumentProblemError(
            f"the number {quoted(text)}{where} is too long; put it in quotes if it is text", line
        )
    if is_whole:
        base = _BASES.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)  # noqa: PLR2004  ten is how people count
    return float(text)


type KeyPath = tuple[str | int, ...]
type Node = Scalar | Listed | Mapped


@dataclass(frozen=True)
class Scalar:
    """Text, a number, true, false or null."""

    line: int
    plain: str | float | bool | None

    size = 1
    depth = 1


@dataclass(frozen=True)
class Listed:
    """A list."""

    line: int
    items: Sequence[Node]

    @cached_property
    def size(self) -> int:
        """How many nodes it has; what aliases repeat counts each time."""
        return 1 + sum(it.size for it in self.items)

    @cached_property
    def depth(self) -> int:
        """How many levels it has."""
        return 1 + max((it.depth for it in self.items), default=0)

    @cached_property
    def plain(self) -> object:
        """The list without its lines; what aliases repeat is one and the same object."""
        return [it.plain for it in self.items]


@dataclass(frozen=True)
class Mapped:
    """A mapping, in the order of the file."""

    line: int
    items: Mapping[str, Node]
    key_lines: Mapping[str, int]

    @cached_property
    def size(self) -> int:
        """How many nodes it has; what aliases repeat counts each time."""
        return 1 + sum(1 + it.size for it in self.items.values())

    @cached_property
    def depth(self) -> int:
        """How many levels it has."""
        return 1 + max((it.depth for it in self.items.values()), default=0)

    @cached_property
    def plain(self) -> object:
        """The mapping without its lines; what aliases repeat is one and the same object."""
        return {key: it.plain for key, it in self.items.items()}


def find(root: Node, path: KeyPath) -> tuple[Node | None, int]:
    """Return what a path leads to, `None` where there is nothing, and its line or that of the last thing on the way."""
    node, line = root, root.line
    for step in path:
        if isinstance(node, Mapped) and step in node.items:
            line = node.key_lines[str(step)]
            node = node.items[str(step)]
        elif isinstance(node, Listed) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            return None, line
    return node, line


# What YAML calls printable, less the three characters that only YAML 1.1 takes for the end of a line.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def decode(content: bytes) -> str:
    """Return the text of a file, which is UTF-8 and has no characters that cannot be seen."""
    try:
        text = without_byte_order_mark(content).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DocumentProblemError("is not UTF-8 text; save it as UTF-8", line) from None
    strange = _UNPRINTABLE.search(text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        raise DocumentProblemError(f"has the control character U+{ord(strange[0]):04X}; remove it", line)
    return text


DEEPEST = 32
MOST_NODES = 50_000
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
# An escape in quotes can make any of these.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def compose(text: str, kind: DocumentKind) -> Mapped:
    """Return the one document of a text, which must be a mapping."""
    try:
        return _Composer(yaml.parse(text, Loader=yaml.SafeLoader), kind).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = visible(error.problem or error.context or "it cannot be read")
        raise DocumentProblemError(f"is not YAML: {what}; correct it", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets impossible escapes fall through
        raise DocumentProblemError(f"is not YAML: {visible(str(error))[:200]}; correct it") from None


class _Composer:
    def __init__(self, events: Iterator[yaml.Event], kind: DocumentKind) -> None:
        self._events = events
        self._kind = kind
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._place: list[str] = []

    def document(self) -> Mapped:
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._empty()
        root = self._node(next(self._events), 1)
        next(self._events)  # the document ends
        rest = next(self._events)
        if not isinstance(rest, yaml.StreamEndEvent):
            raise DocumentProblemError(f"a second document begins; a {self._kind.name} is one document", _line(rest))
        if isinstance(root, Scalar) and root.plain is None:
            raise self._empty()
        if not isinstance(root, Mapped):
            raise DocumentProblemError('is not a mapping; begin with "version: 1"', root.line)
        return root

    def _empty(self) -> DocumentProblemError:
        return DocumentProblemError(f"is empty, and an empty file is no {self._kind.name}; {self._kind.start}")

    def _node(self, event: yaml.Event, level: int) -> Node:
        line = _line(event)
        if level > DEEPEST:
            raise DocumentProblemError(
                f"is nested more than {DEEPEST} levels deep; no key of a {self._kind.name} stands there", line
            )
        self._nodes += 1
        if isinstance(event, AliasEvent):
            node = self._alias(event, level)
        elif isinstance(event, ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            node = self._mapping(event, level)
        else:
            node = self._sequence(event, level)
        if self._nodes > MOST_NODES:
            raise DocumentProblemError(f"has more than {MOST_NODES:,} values, aliases included; make it smaller", line)
        if isinstance(event, NodeEvent) and event.anchor and not isinstance(event, AliasEvent):
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent, level: int) -> Node:
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            raise DocumentProblemError(f"the alias *{visible(name)} has no finished anchor before it", _line(event))
        self._nodes += node.size
        if level + node.depth > DEEPEST:
            raise DocumentProblemError(f"is nested more than {DEEPEST} levels deep by its aliases", _line(event))
        return node

    def _sequence(self, event: yaml.Event, level: int) -> Node:
        _refuse_tag(event)
        items: list[Node] = []
        while not isinstance(following := next(self._events), SequenceEndEvent):
            self._place.append(f"[{len(items)}]")
            items.append(self._node(following, level + 1))
            self._place.pop()
        return Listed(_line(event), items)

    def _mapping(self, event: yaml.Event, level: int) -> Node:
        _refuse_tag(event)
        items: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(following := next(self._events), MappingEndEvent):
            line = _line(following)
            key = self._node(following, level + 1)
            if not isinstance(key, Scalar) or not isinstance(key.plain, str):
                raise DocumentProblemError("a key is not text; put it in quotes", line)
            if key.plain in items:
                first = lines[key.plain]
                raise DocumentProblemError(
                    f"the key {quoted(key.plain)} stands here again, first on line {first}", line
                )
            self._place.append(f".{visible(key.plain)}")
            items[key.plain] = self._node(next(self._events), level + 1)
            self._place.pop()
            lines[key.plain] = line
        return Mapped(_line(event), items, lines)

    def _scalar(self, event: ScalarEvent) -> Scalar:
        line = _line(event)
        if event.tag not in _TEXT_TAGS:
            _refuse_tag(event)
        text = _SURROGATE_PAIR.sub(_combined, event.value)
        place = "".join(self._place).removeprefix(".")
        _refuse_unseen(text, line, place)
        is_plain = event.tag is None and event.implicit[0]
        return Scalar(line, resolve(text, line, place) if is_plain else text)


def _combined(pair: re.Match[str]) -> str:
    """Return the character that two escapes stand for, as JSON writes those beyond U+FFFF."""
    return pair[0].encode("utf-16-be", "surrogatepass").decode("utf-16-be")


def _refuse_unseen(text: str, line: int, place: str) -> None:
    what, where = f"the text {quoted(text)}", f" ({place})" if place else ""
    if _SURROGATE.search(text):
        remedy = "write both halves, or the character itself"
        raise DocumentProblemError(f"{what} has half of a surrogate pair{where}; {remedy}", line)
    if _UNSEEN.search(text):
        raise DocumentProblemError(f"{what} has a control character{where}; remove it", line)


def _refuse_tag(event: yaml.Event) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        raise DocumentProblemError(f"the tag {quoted(tag)} means nothing here; remove it", _line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
