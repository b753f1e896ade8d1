"""Makes a folder read-only for any user: by its mode, or for root in a mount namespace."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@cache
def _can_mount() -> bool:
    try:
        return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0  # noqa: S607  found by PATH, as in a shell
    except OSError:
        return False


def can_be_read_only() -> bool:
    """Tell whether a folder can be made read-only: modes do not bind root, who may need a namespace to mount in."""
    return os.geteuid() != 0 or _can_mount()


@contextmanager
def make_read_only(folder: Path) -> Iterator[tuple[str, ...]]:
    """Make a folder read-only; return the prefix of a command that is to find it so."""
    if os.geteuid() == 0:
        yield "unshare", "--mount", "sh", "-c", _MOUNT, str(folder)
        return
    modes = [(it, it.stat().st_mode) for it in (*folder.rglob("*"), folder)]
    try:
        for path, mode in modes:
            path.chmod(mode & ~0o222)
        yield ()
    finally:
        for path, mode in reversed(modes):
            path.chmod(mode)
