"""Makes what others wrote fit to be shown: one short line, without control characters and without a key."""

import re

from backup_auditor.domain.text import cut, escape_controls, join_lines

LONGEST = 200
_KEY = re.compile(r"pcsk_\w+")
_MARK = "[key]"


def one_line(text: str, key: str = "", longest: int = LONGEST) -> str:
    """Return a text as one line of at most `longest` characters, in which no key stands."""
    text = _KEY.sub(_MARK, text.replace(key, _MARK) if key else text)
    shown = "".join(sign if _is_shown(sign) else " " for sign in text[: 16 * longest])
    return cut(join_lines(shown), longest)


def _is_shown(sign: str) -> bool:
    return sign.isprintable() or escape_controls(sign) == sign
