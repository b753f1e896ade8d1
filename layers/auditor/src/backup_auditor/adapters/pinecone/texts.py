"""Makes what others wrote fit to be shown: one short line, without control characters and without a key."""

import re

LONGEST = 200
_KEY = re.compile(r"pcsk_\w+")
_MARK = "[key]"


def one_line(text: str, key: str = "", longest: int = LONGEST) -> str:
    """Return a text as one line of at most `longest` characters, in which no key stands."""
    text = _KEY.sub(_MARK, text.replace(key, _MARK) if key else text)
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 16 * longest])
    line = " ".join(shown.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
