"""How flags are read, and what is said of a wrong one. It imports argparse alone, for the sake of `--help`."""

import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter

from backup_auditor.domain.text import escape_controls, join_lines, quote_text

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from typing import NoReturn

    from _typeshed import SupportsWrite

FORMATS = ("table", "json", "markdown", "csv", "junit", "sarif", "ocsf", "html")
FORMATS_OF_CONTROLS = FORMATS[:3]
_LONGEST_WAIT = 60
_LONGEST_COUNT = 6


class Parser(ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def __init__(self, **options: object) -> None:
        """Take no abbreviated flags: they would change their meaning with the next flag that is added."""
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **options)  # type: ignore[arg-type]  # passed on
        self.add_argument("--debug", action="store_true", default=SUPPRESS, help="show the traceback of an error")

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Print, and let what keeps standard output from being written end the command: argparse hides it."""
        if file is not None and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)

    def error(self, message: str) -> "NoReturn":
        """Exit with 2 and one line."""
        line = escape_controls(join_lines(message))
        self.exit(2, f"{self.prog}: {line}; see {self.prog} --help\n")


def report_format(text: str) -> str:
    """Read the name of a form of the report."""
    if text in FORMATS:
        return text
    known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    raise ArgumentTypeError(f"there is no format {quote_text(text)}; use {known}")


def count(text: str) -> int:
    """Read how many of something there are, at least one."""
    if text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) <= _LONGEST_COUNT:
        return int(text)
    raise ArgumentTypeError(
        f"{quote_text(text)} is no number of indexes; use a whole number from 1 to {10**_LONGEST_COUNT - 1}"
    )


def port(text: str) -> int:
    """Read the number of a port; 0 is any that is free."""
    if text.isascii() and text.isdigit() and int(text[:6]) < 1 << 16:
        return int(text)
    raise ArgumentTypeError(f"{quote_text(text)} is no port; use a number from 0 to 65535")


def seconds(text: str) -> float:
    """Read a length of time in seconds."""
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if 0 <= length <= _LONGEST_WAIT:
        return length
    raise ArgumentTypeError(f"{quote_text(text)} is no latency; use a number of seconds from 0 to {_LONGEST_WAIT}")
