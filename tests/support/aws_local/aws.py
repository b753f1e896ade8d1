"""AWS on loopback: moto's services behind a door that knows who calls, lets in by IAM, and lets things go wrong."""

import io
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Self

import pytest
from moto.dynamodb.models.table import Table
from moto.moto_api._internal.models import moto_api_backend
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from support.aws.moto import Moto, Quiet
from support.aws_local.callers import Principal, Seen
from support.aws_local.iam import Statement, allowed
from support.aws_local.moto_tables import copied
from support.aws_local.requests import Call, Need, call_of
from support.faults.aws_requests import Fault, Kind, refusal_of

type _Start = Callable[..., Any]


class Aws:
    """moto on a port of its own, while its context lasts."""

    def __init__(self) -> None:
        """Prepare to serve."""
        self.principals: dict[str, Principal] = {}
        """By access key; whoever is not among them is a test, and may do anything."""
        self.denials: tuple[Statement, ...] = ()
        """What the policies of resources deny to everybody."""
        self.seen: list[Seen] = []
        self.denied: list[tuple[str, Need]] = []
        self.faults: list[Fault] = []
        self._moto = Moto()
        self._patches = pytest.MonkeyPatch()
        self._lock = Lock()
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    @property
    def endpoint(self) -> str:
        """Where it is served."""
        if self._server is None:
            raise RuntimeError("it is not served")
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to serve, without anything that other tests left in moto."""
        moto_api_backend.reset()
        self._patches.setattr(Table, "__deepcopy__", copied, raising=False)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._patches.undo()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __call__(self, environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        """Answer one request."""
        content = _whole(environ)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._moto(environ, start)
        headers = {name[5:].replace("_", "-").lower(): it for name, it in environ.items() if name.startswith("HTTP_")}
        call = call_of(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, content)
        who = self.principals.get(call.key)
        if who is None:
            return self._moto(environ, start)
        response = self._answer(environ, call, who)
        with self._lock:
            self.seen.append(Seen(who.function, call, response.status_code if response else 0))
        if response is None:
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            response = Response(status=500)
        return response(environ, start)

    def _answer(self, environ: dict[str, Any], call: Call, who: Principal) -> Response | None:
        """Return the answer to a function; `None` where it is to hear none."""
        missing = [it for it in call.needs if not allowed(it, (*who.statements, *self.denials))]
        if missing or not call.needs:
            self.denied += [(who.function, it) for it in missing or [Need(call.name, "?")]]
            return _refused(Kind.REFUSED, call, f"{who.function} is not authorized to perform {call.name}")
        with self._lock:
            fault = next((it for it in self.faults if it.strikes(call, who.function)), None)
        if fault is not None and fault.kind in {Kind.UNAVAILABLE, Kind.THROTTLED, Kind.REFUSED}:
            return _refused(fault.kind, call)
        response = self._moto.answer(environ)
        if fault is not None and fault.kind is Kind.LATE:
            time.sleep(fault.seconds)
        elif fault is not None:
            if fault.kind is Kind.KILLED:
                who.kill()
            return None
        return self._as_seen(response, call, who)

    def _as_seen(self, response: Response, call: Call, who: Principal) -> Response:
        """Hide that an object is missing from whoever may not list its bucket, as S3 does."""
        if call.service != "s3" or response.status_code != 404:
            return response
        bucket = call.needs[0].resource.partition("/")[0]
        if allowed(Need("s3:ListBucket", bucket), who.statements):
            return response
        return _refused(Kind.REFUSED, call, "Access Denied")


def _refused(kind: Kind, call: Call, *text: str) -> Response:
    refusal = refusal_of(kind, call, *text)
    return Response(refusal.content, refusal.status, content_type=refusal.content_type)


def _whole(environ: dict[str, Any]) -> bytes:
    """Read the content of a request, and put it back."""
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    content: bytes = stream.read() if environ.get("wsgi.input_terminated") else stream.read(int(length or 0))
    environ["wsgi.input"] = io.BytesIO(content)
    environ["CONTENT_LENGTH"] = str(len(content))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return content
