"""Fixtures for all tests: no credentials, an isolated home, and no connections except to loopback."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from backup_auditor_simulator.api.messages import ParsedRequest
from backup_auditor_simulator.web.recorder import RequestRecorder

TESTS = Path(__file__).parent
SOAK_VARIABLE = "AUDITOR_SOAK"
SHIFT_VARIABLE = "AUDITOR_TEST_SHIFT_DAYS"
"""The number of days by which the tests move the clock, forward or back: no test may depend on the date."""
SOCKET_FOLDERS = ("integration", "e2e", "browser")
_STATE_NUMBERS = count()
_WRITE_REQUESTS: list[ParsedRequest] = []
"""All requests since the last test that would have changed a simulated project in this process.

A simulator in its own process reports such requests at its end, and `run_simulator` checks them.
"""
EXTERNAL_PREFIXES = ("PINECONE_", "AWS_", "BACKUP_AUDITOR_")
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

hypothesis.settings.register_profile(
    "default", derandomize=True, deadline=None, max_examples=60, database=None, print_blob=True
)
hypothesis.settings.register_profile("quick", parent=hypothesis.settings.get_profile("default"), max_examples=15)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=3000, database=None, print_blob=True)
hypothesis.settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that updates approved files."""
    parser.addoption("--approve", action="store_true", help="update the approved files, for review")


def pytest_configure(config: pytest.Config) -> None:
    """Remove services, keys, colors and widths from the environment.

    A shell makes its background jobs ignore Ctrl-C, and `nohup` the end of the terminal. Child processes inherit that;
    the tested commands must not.
    """
    _move_clock()
    config.addinivalue_line("markers", "soak: long and seeded; `make soak` runs it")
    config.addinivalue_line("markers", "writes: may change a simulated project; no other test may")
    _record_writes()
    for name in list(os.environ):
        if name != SOAK_VARIABLE and (
            name.startswith(EXTERNAL_PREFIXES) or name.lower().endswith("_proxy") or name in CERTIFICATE_VARIABLES
        ):
            del os.environ[name]
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _move_clock() -> None:
    """Move the clock of this process and of workers; the processes that tests start keep the real one."""
    days = os.environ.get(SHIFT_VARIABLE, "0")
    try:
        shift = timedelta(days=int(days))
        moment = datetime.now(UTC) + shift
    except (ValueError, OverflowError):
        raise pytest.UsageError(
            f"invalid {SHIFT_VARIABLE} {days!r} (expected a whole number of days, such as -800)"
        ) from None
    if shift:
        import time_machine  # noqa: PLC0415  only needed if the clock is moved

        time_machine.travel(moment, tick=True).start()


def pytest_report_header() -> str:
    """Return the clock and locale of the tests, so that a failure can be reproduced."""
    clock = datetime.now(UTC)
    variables = " ".join(f"{it}={os.environ[it]}" for it in (SHIFT_VARIABLE, "TZ", "LC_ALL") if it in os.environ)
    return f"clock: {clock:%Y-%m-%d %H:%M} UTC {variables}".rstrip()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return two workers for each processor: half of the time of a test over sockets is waiting."""
    if config.getoption("numprocesses") != "auto":
        return None
    return 2 * (os.process_cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run tests with costly shared fixtures on one worker; pytest 9.2 does not know the groups of xdist 3.8.

    Another distribution than the default, such as `--dist worksteal`, keeps its own scheduler.
    """
    if config.getoption("dist") != "load":
        return None
    from support.xdist import CostScheduling  # noqa: PLC0415  the module imports xdist, which may be missing

    return CostScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from scanning, again and again, the modules and tests that stay until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _record_writes() -> None:
    """Make every simulator of this process record the requests that would change its project."""
    enter_request = RequestRecorder.record

    def enter_and_record(recorder: RequestRecorder, request: ParsedRequest) -> None:
        enter_request(recorder, request)
        if request.is_write:
            _WRITE_REQUESTS.append(request)

    setattr(RequestRecorder, "record", enter_and_record)  # noqa: B010  the simulator does not need to know


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Disable sockets outside the socket folders, and skip long tests outside `make soak`."""
    is_soak = os.environ.get(SOAK_VARIABLE) == "1"
    for item in items:
        folder, _, rest = item.nodeid.removeprefix("tests/").partition("/")
        if folder not in SOCKET_FOLDERS:
            item.add_marker(pytest.mark.disable_socket)
        if folder == "integration" and rest.startswith("simulator/"):
            item.add_marker(pytest.mark.writes)
        if not is_soak and item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="long: make soak runs it"))


@pytest.fixture(scope="session", autouse=True)
def _isolated_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Protect the home of the user who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        for name in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        yield home


@pytest.fixture(autouse=True)
def _isolate_state(_isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(_isolated_home / f"state-{next(_STATE_NUMBERS)}"))


@pytest.fixture(autouse=True)
def _forbid_writes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test without the marker `writes` if it changes a simulated project: an audit never does."""
    yield
    # includes the requests of fixtures with a wider scope, made since the last test
    write_requests = _WRITE_REQUESTS.copy()
    _WRITE_REQUESTS.clear()
    if request.node.get_closest_marker("writes") is None:
        assert write_requests == []
