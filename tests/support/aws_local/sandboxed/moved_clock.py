"""The start of a function with a moved clock in its sandbox: `python -m moved_clock HANDLER`.

The clock of the product and of its idempotency is ahead of the real one by the number of seconds in the file
`MOVED_CLOCK`. Waits between attempts are short, because many outages are tested.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Self

_MAX_SLEEP_SECONDS = 0.01
_real_sleep, _real_time = time.sleep, time.time


class _MovedDatetime(datetime):
    """A `datetime` whose present time is moved."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the moved time."""
        return cls.fromtimestamp(_read_moved_time(), tz)


def _sleep_briefly(seconds: float) -> None:
    _real_sleep(min(seconds, _MAX_SLEEP_SECONDS))


def _read_moved_time() -> float:
    return _real_time() + float(Path(os.environ["MOVED_CLOCK"]).read_text(encoding="ascii"))


_IDEMPOTENCY = "aws_lambda_powertools.utilities.idempotency"
_MOVED_DT = SimpleNamespace(datetime=_MovedDatetime, timedelta=timedelta)
_MOVED_NAMES: Mapping[str, tuple[str, object]] = {
    "backup_auditor.bootstrap.runtime": (
        "now",
        lambda: datetime.fromtimestamp(_read_moved_time(), UTC).replace(microsecond=0),
    ),
    "backup_auditor.adapters.aws.config_sources": ("time", _read_moved_time),
    f"{_IDEMPOTENCY}.base": ("dt", _MOVED_DT),
    f"{_IDEMPOTENCY}.persistence.base": ("dt", _MOVED_DT),
    f"{_IDEMPOTENCY}.persistence.datarecord": ("dt", _MOVED_DT),
}
"""The name that reads the clock in each module, and what replaces it."""


class _ClockFinder(MetaPathFinder):
    """A finder for the modules that read the clock, which moves it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module, with its clock moved."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _MOVED_NAMES else None
        if spec is None or spec.loader is None:
            return None
        execute_module = spec.loader.exec_module
        name, replacement = _MOVED_NAMES[fullname]

        def execute_and_move_clock(module: ModuleType) -> None:
            execute_module(module)
            if name not in module.__dict__:
                raise AttributeError(f"{fullname} no longer reads the clock as {name}; correct tests/support/aws_local")
            module.__dict__[name] = replacement

        spec.loader.exec_module = execute_and_move_clock  # type: ignore[method-assign]
        return spec


def move_clock() -> None:
    """Shorten waits, and move the clock of the modules that are imported from now on."""
    setattr(time, "sleep", _sleep_briefly)  # noqa: B010  its type has more than the tests need
    sys.meta_path.insert(0, _ClockFinder())


if __name__ == "__main__":
    from awslambdaric.__main__ import main  # type: ignore[import-untyped]

    move_clock()
    main(sys.argv)
