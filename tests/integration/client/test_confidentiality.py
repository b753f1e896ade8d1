"""Test that the key is sent only to Pinecone, and that no text, log or traceback contains it."""

import io
import json
import logging
import traceback
from collections.abc import Iterator

import pytest

from backup_auditor.domain.inventory import Inventory
from backup_auditor.errors import PineconeError
from backup_auditor_simulator.web.faults import Fault
from support.simulator import (
    add_healthy_index,
    audit_server,
    build_empty_project,
    collect_inventory,
    open_simulated_reader,
    serve,
)

KEY = "canary-of-the-confidentiality-tests"


@pytest.fixture
def log_stream() -> Iterator[io.StringIO]:
    """Record everything that is logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


FAULTS = [
    pytest.param(Fault(status=401, body=f"Invalid API key {KEY}"), id="echoed-in-plain-text"),
    pytest.param(Fault(status=403, message=f"{KEY} may not"), id="echoed-in-json"),
    pytest.param(Fault(status=404, message=f"{'x' * 180} {KEY}"), id="echoed-at-the-length-limit"),
    pytest.param(Fault(status=503, body=f"<html>{KEY}</html>"), id="echoed-in-html"),
    pytest.param(Fault(status=302, headers={"location": f"http://127.0.0.1:9/{KEY}"}), id="echoed-in-a-redirect"),
    pytest.param(Fault(kind="garbage", body=f'{{"{KEY}": 1}}'), id="echoed-in-a-structured-error"),
    pytest.param(Fault(kind="reset"), id="reset"),
    pytest.param(Fault(kind="truncate"), id="truncated"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_and_no_log_contains_the_key(fault: Fault, log_stream: io.StringIO) -> None:
    """Neither an error, its attributes nor a debug log contains a key that the response repeats."""
    error = read_with_fault(fault)
    assert KEY not in str(error) + repr(error) + repr(vars(error)) + log_stream.getvalue()
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("kind", ["status", "reset", "truncate", "garbage"])
def test_no_traceback_contains_the_key(kind: str) -> None:
    """A traceback with local variables does not contain the key."""
    traceback_summary = traceback.TracebackException.from_exception(
        read_with_fault(Fault(kind=kind)), capture_locals=True
    )
    frames = [it.locals or {} for it in traceback_summary.stack if "backup_auditor/" in it.filename]
    assert len(frames) > 1
    assert KEY not in repr(frames)


def read_with_fault(fault: Fault) -> PineconeError:
    """Read the indexes of a service with a fault, and return the error."""
    with serve(build_empty_project()) as server:
        server.roles = {KEY: "viewer"}
        server.faults.append(fault)
        with open_simulated_reader(server, key=KEY) as reader, pytest.raises(PineconeError) as error_info:
            reader.read_indexes()
    return error_info.value


def test_no_read_error_contains_the_key() -> None:
    """A key in a response is replaced before the read error is stored."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    with serve(project) as server:
        server.roles = {KEY: "viewer"}
        server.faults.append(Fault(status=503, message=f"no service for {KEY}", path="/backups"))
        result = audit_server(server, key=KEY)
    assert [it.error for it in result.inventory.read_failures] == ["503: no service for [key]"]
    assert KEY not in repr(result)


def test_no_fact_contains_the_key() -> None:
    """A key in a fact is replaced, because every report contains the facts."""
    project = build_empty_project()
    add_healthy_index(project, "orders")
    row = {"backup_id": "b-1", "source_index_id": "i-1", "source_index_name": "orders", "status": f"Bad {KEY}"}
    with serve(project) as server:
        server.roles = {KEY: "viewer"}
        server.faults.append(Fault(kind="garbage", body=json.dumps({"data": [row]}), path="/backups"))
        result = audit_server(server, key=KEY)
    assert [it.status for it in result.inventory.backups.rows] == ["Bad [key]"]
    assert KEY not in repr(result)


def test_the_text_of_a_reader_has_no_key() -> None:
    """No attribute of a reader shows the key."""
    with serve(build_empty_project()) as server, open_simulated_reader(server, key=KEY) as reader:
        assert KEY not in repr((reader, vars(reader), vars(reader._client)))


def test_no_redirect_is_followed_with_the_key() -> None:
    """The target of a redirect receives no request."""
    with serve(build_empty_project()) as other_server, serve(build_empty_project()) as server:
        for status in (301, 302, 307, 308):
            server.faults.append(Fault(status=status, headers={"location": f"{other_server.url}/indexes"}, times=1))
        with open_simulated_reader(server) as reader:
            for _ in range(4):
                with pytest.raises(PineconeError, match="redirect"):
                    reader.read_indexes()
    assert other_server.requests == []
    assert len(server.requests) == 4


def test_no_proxy_is_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to loopback does not use the configured proxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    inventory: Inventory
    with serve(build_empty_project()) as server, open_simulated_reader(server) as reader:
        inventory, _ = collect_inventory(reader, server.project.now)
    assert inventory.read_failures == ()
