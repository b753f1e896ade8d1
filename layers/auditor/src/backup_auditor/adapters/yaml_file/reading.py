"""Reads the bytes of a file and makes text of them, whatever the path turns out to be."""

import os
import re
import stat
from pathlib import Path

from backup_auditor.adapters.yaml_file.limits import LARGEST
from backup_auditor.adapters.yaml_file.problems import Kind, RefusedError

_BOM = "\ufeff"
# What YAML calls printable, less the three characters that only YAML 1.1 takes for the end of a line.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def read_bytes(path: Path, kind: Kind) -> bytes:
    """Return the bytes of a regular file of at most `LARGEST`; a larger one is not read at all."""
    try:
        # A named pipe without a writer would hold the opening up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RefusedError(f"there is no such file; {kind.start}") from None
    except OSError as error:
        raise _unreadable(error) from None
    except ValueError:
        raise RefusedError("is no path of a file; give one without NUL characters") from None
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISDIR(facts.st_mode):
            raise RefusedError(f"is a directory; name the {kind.name} file in it")
        if not stat.S_ISREG(facts.st_mode):
            raise RefusedError(f"is not a regular file; save the {kind.name} to one")
        if facts.st_size > LARGEST:
            raise _too_large(f"{facts.st_size:,}", kind)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(error) from None
    finally:
        os.close(descriptor)
    if len(content) > LARGEST:  # it grew, or its size is not told
        raise _too_large(f"more than {LARGEST:,}", kind)
    return content


def decode(content: bytes) -> str:
    """Return the text of a file, which is UTF-8 and has no characters that cannot be seen."""
    try:
        text = content.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RefusedError("is not UTF-8 text; save it as UTF-8", line) from None
    strange = _UNPRINTABLE.search(text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        raise RefusedError(f"has the control character U+{ord(strange[0]):04X}; remove it", line)
    return text


def _unreadable(error: OSError) -> RefusedError:
    return RefusedError(f"cannot be read: {error.strerror or error}; check the path and its permissions")


def _too_large(size: str, kind: Kind) -> RefusedError:
    return RefusedError(f"has {size} bytes, and a {kind.name} has at most {LARGEST:,}; is it the right file?")
