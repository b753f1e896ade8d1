"""Reads YAML 1.2 into nodes, strictly: one document, keys that are text and said once, aliases that cannot explode.

PyYAML cuts the text into events; what they mean is decided here, as its own reading is that of YAML 1.1.
"""

import re
from collections.abc import Iterator

import yaml
from yaml import AliasEvent, MappingEndEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceEndEvent

from backup_auditor.adapters.yaml_file.core_schema import resolve
from backup_auditor.adapters.yaml_file.nodes import Listed, Mapped, Node, Scalar
from backup_auditor.adapters.yaml_file.problems import Kind, RefusedError, quoted, visible

DEEPEST = 32
MOST_NODES = 50_000
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
# An escape in quotes can make any of these.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def compose(text: str, kind: Kind) -> Mapped:
    """Return the one document of a text, which must be a mapping."""
    try:
        return _Composer(yaml.parse(text, Loader=yaml.SafeLoader), kind).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = visible(error.problem or error.context or "it cannot be read")
        raise RefusedError(f"is not YAML: {what}; correct it", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets impossible escapes fall through
        raise RefusedError(f"is not YAML: {visible(str(error))[:200]}; correct it") from None


class _Composer:
    def __init__(self, events: Iterator[yaml.Event], kind: Kind) -> None:
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
            raise RefusedError(f"a second document begins; a {self._kind.name} is one document", _line(rest))
        if isinstance(root, Scalar) and root.plain is None:
            raise self._empty()
        if not isinstance(root, Mapped):
            raise RefusedError('is not a mapping; begin with "version: 1"', root.line)
        return root

    def _empty(self) -> RefusedError:
        return RefusedError(f"is empty, and an empty file is no {self._kind.name}; {self._kind.start}")

    def _node(self, event: yaml.Event, level: int) -> Node:
        line = _line(event)
        if level > DEEPEST:
            raise RefusedError(
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
            raise RefusedError(f"has more than {MOST_NODES:,} values, aliases included; make it smaller", line)
        if isinstance(event, NodeEvent) and event.anchor and not isinstance(event, AliasEvent):
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent, level: int) -> Node:
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            raise RefusedError(f"the alias *{visible(name)} has no finished anchor before it", _line(event))
        self._nodes += node.size
        if level + node.depth > DEEPEST:
            raise RefusedError(f"is nested more than {DEEPEST} levels deep by its aliases", _line(event))
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
                raise RefusedError("a key is not text; put it in quotes", line)
            if key.plain in items:
                first = lines[key.plain]
                raise RefusedError(f"the key {quoted(key.plain)} stands here again, first on line {first}", line)
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
        raise RefusedError(f"{what} has half of a surrogate pair{where}; {remedy}", line)
    if _UNSEEN.search(text):
        raise RefusedError(f"{what} has a control character{where}; remove it", line)


def _refuse_tag(event: yaml.Event) -> None:
    tag = getattr(event, "tag", None)
    if tag is not None:
        raise RefusedError(f"the tag {quoted(tag)} means nothing here; remove it", _line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
