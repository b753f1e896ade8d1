"""AWS by moto on loopback, for tests in one process: where it is, and an environment that leads boto3 there."""

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
    """moto's services, answering one at a time: its conditions and transactions are none where two threads meet."""

    def __init__(self) -> None:
        """Prepare to answer."""
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
    """Reads requests as moto's own server does."""

    def log_request(self, *_: object) -> None:
        """Say nothing of single requests."""


@contextmanager
def serve_moto() -> Iterator[Mapping[str, str]]:
    """Serve AWS, with nothing in it, and return the variables by which boto3 finds it and is let in."""
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
