"""What a plain word means in YAML 1.2: its core schema, in which `no`, `on` and dates are text."""

import re

from backup_auditor.adapters.yaml_file.problems import RefusedError, quoted

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
        raise RefusedError(f"{text} is not a finite number{where}; {remedy}", line)
    is_whole = bool(_WHOLE.fullmatch(text))
    if not is_whole and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _LONGEST_NUMBER:
        raise RefusedError(f"the number {quoted(text)}{where} is too long; put it in quotes if it is text", line)
    if is_whole:
        base = _BASES.get(text[:2], 10)
        return int(text if base == 10 else text[2:], base)  # noqa: PLR2004  ten is how people count
    return float(text)
