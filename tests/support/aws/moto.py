"""moto on loopback for tests in one process: a server, and the environment with which boto3 finds it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

REGION = "eu-central-1"


class MotoServices:
    """moto's services, which answer one request at a time: moto's conditions and transactions are not thread-safe."""

    def __init__(self) -> None:
        """Create the services."""
        self._services = DomainDispatcherApplication(create_backend_app)
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        return self.respond(environ)(environ, start_response)

    def respond(self, environ: dict[str, Any]) -> Response:
        """Return the answer to one request."""
        with self._lock:
            return Response.from_app(self._services, environ, buffered=True)


class QuietHandler(MotoRequestHandler):
    """A request handler like that of moto's server, without a log."""

    def log_request(self, *_: object) -> None:
        """Log no requests."""


@contextmanager
def serve_moto() -> Iterator[Mapping[str, str]]:
    """Serve an empty AWS, and yield the variables with which boto3 finds it and signs requests."""
    moto_api_backend.reset()
    server = make_server("127.0.0.1", 0, MotoServices(), threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
