"""A share of one processor for a process, by a control group where those can be made."""

import contextlib
import os
from itertools import count
from pathlib import Path
from typing import Self

_GROUPS = Path("/sys/fs/cgroup/cpu")
_NUMBERS = count()
_PERIOD = 20_000
"""Microseconds in which the share is kept: short, so that it is kept within a start too."""


class CpuShare:
    """A control group of version 1 that has so much of a processor; nothing at all where there can be none."""

    def __init__(self, share: float) -> None:
        """Prepare a share: 1 is one processor."""
        self._share = share
        self._group: Path | None = _GROUPS / f"backup-auditor-{os.getpid()}-{next(_NUMBERS)}"

    @property
    def holds(self) -> bool:
        """Whether the share is enforced."""
        return self._group is not None

    def take(self, pid: int) -> None:
        """Hold a process to it from now on."""
        if self._group is not None:
            (self._group / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def __enter__(self) -> Self:
        """Make the group."""
        if self._group is not None:
            try:
                self._group.mkdir()
                (self._group / "cpu.cfs_period_us").write_text(str(_PERIOD), encoding="ascii")
                (self._group / "cpu.cfs_quota_us").write_text(str(int(_PERIOD * self._share)), encoding="ascii")
            except OSError:
                self._group = None
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it; whatever ran in it has ended."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                self._group.rmdir()
