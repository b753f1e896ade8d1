"""What a process may have of the machine, by control groups of version 1 where those can be made."""

import contextlib
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Self

_GROUP_FOLDER = Path("/sys/fs/cgroup")
_GROUP_NUMBERS = count()
_MEBIBYTE = 1024 * 1024
_PERIOD_MICROSECONDS = 20_000
"""Microseconds in which a share is kept: short, so that it is kept within a start too."""


class ControlGroup:
    """A control group, while its context lasts; nothing at all where there can be none."""

    def __init__(self, controller: str, settings: Mapping[str, int]) -> None:
        """Prepare a group of a controller, with its settings."""
        self._settings = settings
        self._folder: Path | None = _GROUP_FOLDER / controller / f"backup-auditor-{os.getpid()}-{next(_GROUP_NUMBERS)}"

    @property
    def is_enforced(self) -> bool:
        """Whether it is enforced."""
        return self._folder is not None

    def __enter__(self) -> Self:
        """Make the group."""
        if self._folder is not None:
            try:
                self._folder.mkdir()
                for name, value in self._settings.items():
                    (self._folder / name).write_text(str(value), encoding="ascii")
            except OSError:
                self._folder = None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it; whatever ran in it has ended."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def add_process(self, pid: int) -> None:
        """Hold a process to it from now on."""
        if self._folder is not None:
            (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def wrap_command(self, *arguments: str) -> list[str]:
        """Return the command that runs another one within it."""
        if self._folder is None:
            return list(arguments)
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"), *arguments]


class MemoryLimit(ControlGroup):
    """So much memory."""

    def __init__(self, mebibytes: int) -> None:
        """Prepare a limit, that of a function's memory."""
        super().__init__("memory", {"memory.limit_in_bytes": mebibytes * _MEBIBYTE})

    @property
    def was_reached(self) -> bool:
        """Whether a process was killed because it wanted more."""
        if self._folder is None:
            return False
        return "oom_kill 0" not in (self._folder / "memory.oom_control").read_text(encoding="ascii")


class CpuShare(ControlGroup):
    """So much of a processor: 1 is one."""

    def __init__(self, share: float) -> None:
        """Prepare a share, such as a function's memory brings with it."""
        super().__init__(
            "cpu", {"cpu.cfs_period_us": _PERIOD_MICROSECONDS, "cpu.cfs_quota_us": int(_PERIOD_MICROSECONDS * share)}
        )


def read_peak_memory(pid: int) -> int:
    """Return the most memory, in bytes, that a process had resident so far; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(it.split()[1]) * 1024 for it in lines if it.startswith("VmHWM:")), 0)
