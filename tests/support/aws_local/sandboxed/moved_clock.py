"""The start of a function with a moved clock in its sandbox: `python -m moved_clock HANDLER`.

The product's clock is ahead of the real one by the number of seconds in the file `MOVED_CLOCK`.
"""

import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_CLOCK_MODULE = "backup_auditor.bootstrap.runtime"


class _ClockFinder(MetaPathFinder):
    """A finder for the module that reads the clock, which adds the offset."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the module, with its clock moved."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == _CLOCK_MODULE else None
        if spec is None or spec.loader is None:
            return None
        execute_module = spec.loader.exec_module

        def execute_and_move_clock(module: ModuleType) -> None:
            execute_module(module)
            read_real_clock = module.now
            module.__dict__["now"] = lambda: read_real_clock() + _read_offset()

        spec.loader.exec_module = execute_and_move_clock  # type: ignore[method-assign]
        return spec


def _read_offset() -> timedelta:
    return timedelta(seconds=float(Path(os.environ["MOVED_CLOCK"]).read_text(encoding="ascii")))


if __name__ == "__main__":
    from awslambdaric.__main__ import main  # type: ignore[import-untyped]

    sys.meta_path.insert(0, _ClockFinder())
    main(sys.argv)
