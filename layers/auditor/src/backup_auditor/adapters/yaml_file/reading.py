"""Makes text of the bytes of a file."""

import re

from backup_auditor.adapters.input_file import without_byte_order_mark
from backup_auditor.adapters.yaml_file.problems import RefusedError

# What YAML calls printable, less the three characters that only YAML 1.1 takes for the end of a line.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def decode(content: bytes) -> str:
    """Return the text of a file, which is UTF-8 and has no characters that cannot be seen."""
    try:
        text = without_byte_order_mark(content).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RefusedError("is not UTF-8 text; save it as UTF-8", line) from None
    strange = _UNPRINTABLE.search(text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        raise RefusedError(f"has the control character U+{ord(strange[0]):04X}; remove it", line)
    return text
