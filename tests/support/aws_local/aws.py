"""AWS on loopback: moto behind a server that identifies the caller, applies IAM, and injects faults."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from typing import Any, Self

import pytest
from moto.cloudformation.models import Stack
from moto.dynamodb.models.table import Table
from moto.moto_api._internal.models import moto_api_backend
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from support.aws.moto import MotoServices, QuietHandler, count_topic_subscriptions, read_content
from support.aws_local.callers import FunctionRequest, Principal
from support.aws_local.iam import Statement, is_allowed
from support.aws_local.invocation import Invocation
from support.aws_local.moto_tables import copy_table
from support.aws_local.outages import Outage
from support.aws_local.requests import AwsCall, Permission, parse_call
from support.faults.aws_requests import AwsFault, AwsFaultKind, build_error_response

_INVOCATION_PATH = re.compile(r"/2015-03-31/functions/([\w-]+)/invocations")
type _StartResponse = Callable[..., Any]


class LocalAws:
    """An AWS endpoint backed by moto on its own port, while its context lasts."""

    def __init__(self) -> None:
        """Create an endpoint without callers and faults."""
        self.principals: dict[str, Principal] = {}
        """The callers by access key; a caller that is not in it is a test and has all permissions."""
        self.denials: tuple[Statement, ...] = ()
        """The statements with which resource policies deny access to all callers."""
        self.requests: list[FunctionRequest] = []
        self.denied_permissions: list[tuple[str, Permission]] = []
        self.faults: list[AwsFault] = []
        self.invoke_function: Callable[[str, bytes], Invocation] | None = None
        """What invokes a function by its name, for callers of Lambda."""
        self.outage: Outage | None = None
        """The outage of one service of AWS."""
        self._moto = MotoServices()
        self._patches = pytest.MonkeyPatch()
        self._lock = Lock()
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    @property
    def endpoint(self) -> str:
        """The URL of the endpoint."""
        if self._server is None:
            raise RuntimeError("the endpoint is not started")
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start the server, without state that other tests left in moto."""
        moto_api_backend.reset()
        self._patches.setattr(Table, "__deepcopy__", copy_table, raising=False)
        self._patches.setattr(Stack, "parse_template", staticmethod(partial(_parse_body, Stack.parse_template)))
        count_topic_subscriptions(self._patches)
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=QuietHandler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._patches.undo()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        content = read_content(environ)
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self._moto(environ, start_response)
        headers = {name[5:].replace("_", "-").lower(): it for name, it in environ.items() if name.startswith("HTTP_")}
        call = parse_call(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, content)
        principal = self.principals.get(call.key)
        invocation_match = _INVOCATION_PATH.fullmatch(environ["PATH_INFO"])
        if principal is None and invocation_match and self.invoke_function is not None:
            invocation = self.invoke_function(invocation_match[1], content)
            function_headers = {} if invocation.succeeded else {"X-Amz-Function-Error": "Unhandled"}
            return Response(invocation.content, headers=function_headers)(environ, start_response)
        if principal is None:
            return self._moto(environ, start_response)
        response = self._respond(environ, call, principal)
        with self._lock:
            self.requests.append(FunctionRequest(principal.function, call, response.status_code if response else 0))
        if response is None:
            with suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            response = Response(status=500)
        return response(environ, start_response)

    def _respond(self, environ: dict[str, Any], call: AwsCall, principal: Principal) -> Response | None:
        """Return the response to a function; `None` if it must not get one."""
        missing_permissions = [
            it for it in call.permissions if not is_allowed(it, (*principal.statements, *self.denials))
        ]
        if missing_permissions or not call.permissions:
            self.denied_permissions += [
                (principal.function, it) for it in missing_permissions or [Permission(call.name, "?")]
            ]
            return _make_error_response(
                AwsFaultKind.REFUSED, call, f"{principal.function} is not authorized to perform {call.name}"
            )
        if self.outage is not None and self.outage.service == call.service and self.outage.refuses_call():
            return _make_error_response(AwsFaultKind.UNAVAILABLE, call)
        with self._lock:
            fault = next((it for it in self.faults if it.trigger(call, principal.function)), None)
        if fault is not None and fault.kind in {AwsFaultKind.UNAVAILABLE, AwsFaultKind.THROTTLED, AwsFaultKind.REFUSED}:
            return _make_error_response(fault.kind, call)
        response = self._moto.respond(environ)
        if fault is not None and fault.kind is AwsFaultKind.LATE:
            time.sleep(fault.delay_seconds)
        elif fault is not None:
            if fault.kind is AwsFaultKind.KILLED:
                principal.kill()
            return None
        return self._hide_missing_object(response, call, principal)

    def _hide_missing_object(self, response: Response, call: AwsCall, principal: Principal) -> Response:
        """Return 403 for a missing object if the caller may not list its bucket, as S3 does."""
        if call.service != "s3" or response.status_code != 404:
            return response
        bucket = call.permissions[0].resource.partition("/")[0]
        if is_allowed(Permission("s3:ListBucket", bucket), principal.statements):
            return response
        return _make_error_response(AwsFaultKind.REFUSED, call, "Access Denied")


def _parse_body(parse_yaml: Callable[[str], Any], text: str) -> Any:
    """Parse the body of a stack; moto reads JSON as YAML, which takes 20 times as long."""
    return json.loads(text) if text.startswith("{") else parse_yaml(text)


def _make_error_response(kind: AwsFaultKind, call: AwsCall, *text: str) -> Response:
    error_response = build_error_response(kind, call, *text)
    return Response(error_response.content, error_response.status, content_type=error_response.content_type)
