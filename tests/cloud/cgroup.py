"""A limit of memory for one process, by a control group where those can be made."""

import contextlib
import os
from itertools import count
from pathlib import Path
from typing import Self

_MEMORY = Path("/sys/fs/cgroup/memory")
_NUMBERS = count()
_MEBIBYTE = 1024 * 1024


class Limit:
    """A control group of version 1 that holds so much memory; nothing at all where there can be none."""

    def __init__(self, mebibytes: int) -> None:
        """Prepare a limit, that of a function's memory."""
        self._mebibytes = mebibytes
        self._group: Path | None = _MEMORY / f"backup-auditor-{os.getpid()}-{next(_NUMBERS)}"

    @property
    def holds(self) -> bool:
        """Whether the limit is enforced."""
        return self._group is not None

    @property
    def was_reached(self) -> bool:
        """Whether a process was killed because it wanted more."""
        if self._group is None:
            return False
        return "oom_kill 0" not in (self._group / "memory.oom_control").read_text(encoding="ascii")

    def __enter__(self) -> Self:
        """Make the group."""
        if self._group is not None:
            try:
                self._group.mkdir()
                (self._group / "memory.limit_in_bytes").write_text(str(self._mebibytes * _MEBIBYTE), encoding="ascii")
            except OSError:
                self._group = None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it; whatever ran in it has ended."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                self._group.rmdir()

    def command(self, *words: str) -> list[str]:
        """Return the command that runs another one within the limit."""
        if self._group is None:
            return list(words)
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._group / "cgroup.procs"), *words]


def peak_of(pid: int) -> int:
    """Return the most memory, in bytes, that a process had resident so far; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(it.split()[1]) * 1024 for it in lines if it.startswith("VmHWM:")), 0)
