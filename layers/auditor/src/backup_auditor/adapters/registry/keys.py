"""Reads the keys of a mapping of the registry. No text that may be a secret is repeated."""

import re
from collections.abc import Callable, Collection, Iterator

from backup_auditor.adapters.yaml_file.nodes import Mapped, Scalar
from backup_auditor.adapters.yaml_file.problems import Problem, RefusedError, quoted, shown

_SECRET = re.compile(r"pcsk_\w*|https?://[^\s\"]*", re.ASCII)


def unknown_keys(mapped: Mapped, known: Collection[str], place: str) -> Iterator[Problem]:
    """Tell of each key that is not known, and of the known one that is nearest."""
    from difflib import get_close_matches  # noqa: PLC0415  a correct registry needs none of it

    for key, line in mapped.key_lines.items():
        if key in known:
            continue
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {quoted(near[0])}?" if near else f"known there: {', '.join(known)}"
        yield Problem(without_secrets(f"unknown key {quoted(key)} in {place}; {hint}"), line)


def text_at(mapped: Mapped, key: str, place: str) -> str:
    """Return the text under a key. Raises `RefusedError`."""
    node = mapped.items.get(key)
    if node is None:
        raise RefusedError(f"{place} has no {key}; add it", mapped.line)
    if not isinstance(node, Scalar) or not isinstance(node.plain, str) or not node.plain.strip():
        raise RefusedError(f"{key} of {place} is {shown(node.plain)}; write a text", node.line)
    return node.plain


def read_at[Value](mapped: Mapped, key: str, parse: Callable[[str], Value], place: str) -> Value:
    """Return what the text under a key means. Raises `RefusedError`, which does not repeat the text."""
    text = text_at(mapped, key, place)
    try:
        return parse(text)
    except ValueError as error:
        raise RefusedError(f"{key} of {place} {error}", mapped.items[key].line) from None


def without_secrets(text: str) -> str:
    """Return a text without anything that has the shape of a key or a webhook."""
    return _SECRET.sub("[secret]", text)
