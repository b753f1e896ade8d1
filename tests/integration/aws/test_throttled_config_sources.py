"""Test that throttled calls to Parameter Store are retried a limited number of times."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from backup_auditor.adapters.aws.config_sources import fetch_document
from backup_auditor.adapters.aws.session import AwsSession
from backup_auditor.errors import DocumentError

THROTTLED_RESPONSE = {"__type": "ThrottlingException", "message": "Rate exceeded"}
PARAMETER_RESPONSE = {"Parameter": {"Name": "/backup-auditor/policy", "Value": "version: 1\n"}}
ADDRESS = "ssm:/backup-auditor/policy"
MAX_ATTEMPTS = 12


class ThrottlingStore:
    """A Parameter Store that throttles its first calls."""

    def __init__(self, throttles: int) -> None:
        """Store the number of throttled calls."""
        self.throttle_count = throttles
        self.calls = 0

    def respond(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of the next response."""
        self.calls += 1
        return (400, THROTTLED_RESPONSE) if self.calls <= self.throttle_count else (200, PARAMETER_RESPONSE)


@contextmanager
def serve_store(store: ThrottlingStore) -> Iterator[str]:
    """Serve a store on loopback, and yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Send the response of the store."""
            self.rfile.read(int(self.headers["Content-Length"]))
            status, content = store.respond()
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the waits of the client without waiting."""
    wait_list: list[float] = []
    monkeypatch.setattr(time, "sleep", wait_list.append)
    return wait_list


@contextmanager
def open_session(store: ThrottlingStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSession]:
    """Open a session that uses the store."""
    with serve_store(store) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield AwsSession()


def test_throttled_calls_are_retried(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """Eleven throttled calls are retried with growing waits of at most 20 seconds each."""
    store = ThrottlingStore(MAX_ATTEMPTS - 1)
    with open_session(store, monkeypatch) as aws:
        assert fetch_document(aws, ADDRESS) == b"version: 1\n"
    assert store.calls == MAX_ATTEMPTS
    assert all(it <= max_wait for it, max_wait in zip(waits, (1, 2, 4, 8, 16, *[20] * 6), strict=True))


def test_a_store_that_always_throttles_is_an_error(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """After twelve throttled calls the error states that requests are throttled."""
    store = ThrottlingStore(99)
    with (
        open_session(store, monkeypatch) as aws,
        pytest.raises(DocumentError, match=r"requests are throttled; .* \(ThrottlingException\)$"),
    ):
        fetch_document(aws, ADDRESS)
    assert store.calls == MAX_ATTEMPTS
    assert len(waits) == MAX_ATTEMPTS - 1
