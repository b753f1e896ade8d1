"""Makes what others wrote fit to be shown: one short line, without control characters and without a key."""

import re

LONGEST = 200
_KEY = re.compile(r"pcsk_\w+")
_MARK = "[key]"


def one_line(text: str, key: str = "") -> str:
    """Return a text as one line of at most `LONGEST` characters, in which no key stands."""
    text = _KEY.sub(_MARK, text.replace(key, _MARK) if key else text)
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: 16 * LONGEST])
    line = " ".join(shown.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
