"""The Runtime API of one sandbox: a built function's process fetches its events there, and returns their results."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread
from typing import Self

from support.aws_local.invocation import InvocationOutcome, InvocationRequest, InvocationResponse

_RUNTIME_PATH = "/2018-06-01/runtime/"
_INVOCATION_PATH = f"{_RUNTIME_PATH}invocation/"


class RuntimeApi:
    """Serves one process, on a port of its own, while its context lasts."""

    def __init__(self) -> None:
        """Prepare to serve."""
        self.requests: SimpleQueue[InvocationRequest | None] = SimpleQueue()
        self.responses: SimpleQueue[InvocationResponse] = SimpleQueue()
        self.is_ready = Event()
        self.ready_at = 0.0
        """When the process fetched its first event, by the clock `time.perf_counter`."""
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; who still waits for an event is given none."""
        self.requests.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for_request(self) -> InvocationRequest | None:
        """Wait for the next event, for a process that is ready for it; `None` where there will be none."""
        if not self.is_ready.is_set():
            self.ready_at = time.perf_counter()
            self.is_ready.set()
        return self.requests.get()

    def accept_response(self, path: str, content: bytes) -> bool:
        """Take what a process says; `False` where it said it in a wrong place."""
        if path == f"{_RUNTIME_PATH}init/error":
            self.responses.put(InvocationResponse(InvocationOutcome.INIT_ERROR, content))
            return True
        request_id, _, kind = path.removeprefix(_INVOCATION_PATH).partition("/")
        if not path.startswith(_INVOCATION_PATH) or kind not in {"response", "error"}:
            return False
        self.responses.put(InvocationResponse(InvocationOutcome(kind), content, request_id))
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a process that was killed while it was spoken to."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Hand out the next event."""
        request = self.server.api.wait_for_request() if self.path == f"{_INVOCATION_PATH}next" else None
        if request is None:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", request.request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(request.deadline_ms))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", request.arn)
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
        self._send_body(request.event)

    def do_POST(self) -> None:
        """Take an answer."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            content = self._read_chunks()
        self.send_response(202 if self.server.api.accept_response(self.path, content) else 404)
        self._send_body(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing of single requests."""

    def _read_chunks(self) -> bytes:
        content = b""
        while length := int(self.rfile.readline(), 16):
            content += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send_body(self, content: bytes) -> None:
        """Send head and body in one write."""
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
