"""Resource limits of a process, with control groups of version 1 if the machine supports them."""

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
"""The period of a CPU quota in microseconds: short, so that the quota also applies during a start."""


class ControlGroup:
    """A control group, while its context lasts; without effect if the machine does not support it."""

    def __init__(self, controller: str, settings: Mapping[str, int]) -> None:
        """Define a group of a controller with its settings."""
        self._settings = settings
        self._folder: Path | None = _GROUP_FOLDER / controller / f"backup-auditor-{os.getpid()}-{next(_GROUP_NUMBERS)}"

    @property
    def is_enforced(self) -> bool:
        """Whether the limit is enforced."""
        return self._folder is not None

    def __enter__(self) -> Self:
        """Create the group."""
        if self._folder is not None:
            try:
                self._folder.mkdir()
                for name, value in self._settings.items():
                    (self._folder / name).write_text(str(value), encoding="ascii")
            except OSError:
                self._folder = None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the group; its processes have ended."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def add_process(self, pid: int) -> None:
        """Add a process to the group."""
        if self._folder is not None:
            (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def wrap_command(self, *arguments: str) -> list[str]:
        """Return the command that runs another command in the group."""
        if self._folder is None:
            return list(arguments)
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"), *arguments]


class MemoryLimit(ControlGroup):
    """A limit of memory."""

    def __init__(self, mebibytes: int) -> None:
        """Define a limit of the memory of a function."""
        super().__init__("memory", {"memory.limit_in_bytes": mebibytes * _MEBIBYTE})

    @property
    def was_reached(self) -> bool:
        """Whether a process was killed because it exceeded the limit."""
        if self._folder is None:
            return False
        return "oom_kill 0" not in (self._folder / "memory.oom_control").read_text(encoding="ascii")


class CpuShare(ControlGroup):
    """A share of the processor time: 1 is one processor."""

    def __init__(self, share: float) -> None:
        """Define a share, such as Lambda derives from the memory of a function."""
        super().__init__(
            "cpu", {"cpu.cfs_period_us": _PERIOD_MICROSECONDS, "cpu.cfs_quota_us": int(_PERIOD_MICROSECONDS * share)}
        )


def read_peak_memory(pid: int) -> int:
    """Return the peak resident memory of a process in bytes; 0 if the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(it.split()[1]) * 1024 for it in lines if it.startswith("VmHWM:")), 0)
