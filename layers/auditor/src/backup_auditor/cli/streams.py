"""Standard streams that cannot be written. This module imports little: every start needs it."""

import os
import sys

TYPE_CHECKING = False  # typing's own costs a tenth of the start
if TYPE_CHECKING:
    from typing import TextIO


def write_stderr(text: str) -> None:
    """Write to standard error. If that fails, only the exit code and the results are left."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        redirect_to_null(sys.stderr)


def redirect_to_null(stream: "TextIO") -> None:
    """Redirect a stream that cannot be written to the null device, so that nothing fails at exit either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
