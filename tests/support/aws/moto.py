"""moto on loopback for tests in one process: a server, and the environment with which boto3 finds it."""

import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from hashlib import sha256
from io import BytesIO
from threading import Lock, Thread
from typing import Any

import boto3
import botocore.session
import pytest
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sns.models import Topic
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from support.aws.moto_responses import shorten_responses

REGION = "eu-central-1"
_WRONG_CHECKSUM = "<Error><Code>BadDigest</Code><Message>The SHA256 you specified did not match.</Message></Error>"

shorten_responses()

# Every session would parse the definitions of its services again, which is most of the time that a client takes.
setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))  # noqa: B010  it has no type


def open_client(service: str) -> Any:
    """Return the client with which tests call the AWS of their environment; each is created once."""
    return _open_client(service, os.environ["AWS_ENDPOINT_URL"])


@cache
def _open_client(service: str, endpoint: str) -> Any:
    return boto3.Session("testing", "testing", region_name=REGION).client(service, endpoint_url=endpoint)  # type: ignore[call-overload]


def read_content(environ: dict[str, Any]) -> bytes:
    """Read the content of a request, and restore the stream."""
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    content: bytes = stream.read() if environ.get("wsgi.input_terminated") else stream.read(int(length or 0))
    environ["wsgi.input"] = BytesIO(content)
    environ["CONTENT_LENGTH"] = str(len(content))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return content


def count_topic_subscriptions(patches: pytest.MonkeyPatch) -> None:
    """Let topics count their subscriptions, as SNS does and moto does not. An e-mail address never confirms here."""

    def count(topic: Topic, *, is_pending: bool) -> int:
        subscriptions = topic.sns_backend.subscriptions.values()
        return sum(it.topic is topic and (it.protocol == "email") == is_pending for it in subscriptions)

    # moto writes zeros when it creates a topic
    counts = {"subscriptions_confimed": False, "subscriptions_pending": True}
    for name, is_pending in counts.items():
        patches.setattr(Topic, name, property(partial(count, is_pending=is_pending), lambda *_: None), raising=False)


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
        """Return the answer to one request. A file with a wrong checksum is refused, as by S3; moto would store it."""
        checksum = environ.get("HTTP_X_AMZ_CHECKSUM_SHA256")
        is_wrong = checksum is not None and b64encode(sha256(read_content(environ)).digest()).decode() != checksum
        if is_wrong and self._has_bucket(environ):
            return Response(_WRONG_CHECKSUM, 400, content_type="application/xml")
        with self._lock:
            return Response.from_app(self._services, environ, buffered=True)

    def _has_bucket(self, environ: dict[str, Any]) -> bool:
        """Return whether the bucket of a request exists."""
        path = f"/{environ['PATH_INFO'].split('/')[1]}"
        return (
            self.respond(
                {**environ, "REQUEST_METHOD": "HEAD", "PATH_INFO": path, "HTTP_X_AMZ_CHECKSUM_SHA256": None}
            ).status_code
            < 300
        )


class QuietHandler(MotoRequestHandler):
    """A request handler like that of moto's server, without a log."""

    def log_request(self, *_: object) -> None:
        """Log no requests."""


@contextmanager
def serve_moto() -> Iterator[Mapping[str, str]]:
    """Serve an empty AWS, and yield the variables with which boto3 finds it and signs requests."""
    moto_api_backend.reset()
    patches = pytest.MonkeyPatch()
    count_topic_subscriptions(patches)
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
        patches.undo()
