"""Throttled calls to Parameter Store are retried, and end in an error."""

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
    """Throttles some calls."""

    def __init__(self, throttles: int) -> None:
        """Take how often."""
        self.throttle_count = throttles
        self.calls = 0

    def respond(self) -> tuple[int, dict[str, Any]]:
        """Return status and content."""
        self.calls += 1
        return (400, THROTTLED_RESPONSE) if self.calls <= self.throttle_count else (200, PARAMETER_RESPONSE)


@contextmanager
def serve_store(store: ThrottlingStore) -> Iterator[str]:
    """Serve it on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer."""
            self.rfile.read(int(self.headers["Content-Length"]))
            status, content = store.respond()
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing of single requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Write down what the client would wait, and do not wait."""
    wait_list: list[float] = []
    monkeypatch.setattr(time, "sleep", wait_list.append)
    return wait_list


@contextmanager
def open_session(store: ThrottlingStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSession]:
    """Lead boto3 to the store."""
    with serve_store(store) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield AwsSession()


def test_a_thousand_audits_at_once_are_waited_for(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """Eleven refusals are retried, with waits of up to 20 seconds, about 75 seconds on average."""
    store = ThrottlingStore(MAX_ATTEMPTS - 1)
    with open_session(store, monkeypatch) as aws:
        assert fetch_document(aws, ADDRESS) == b"version: 1\n"
    assert store.calls == MAX_ATTEMPTS
    assert all(it <= max_wait for it, max_wait in zip(waits, (1, 2, 4, 8, 16, *[20] * 6), strict=True))


def test_a_store_that_refuses_to_the_end_is_named(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """The audit fails, is retried by Lambda, and reaches the dead-letter queue."""
    store = ThrottlingStore(99)
    with (
        open_session(store, monkeypatch) as aws,
        pytest.raises(DocumentError, match=r"requests are throttled; .* \(ThrottlingException\)$"),
    ):
        fetch_document(aws, ADDRESS)
    assert store.calls == MAX_ATTEMPTS
    assert len(waits) == MAX_ATTEMPTS - 1
