"""Serve a project on loopback, in a thread of its own; connections send responses as the faults require."""

import asyncio
import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Event, Thread
from typing import Self

import h11

from backup_auditor_simulator.api.admin import TOKEN_PATH
from backup_auditor_simulator.api.app import parse_request
from backup_auditor_simulator.api.messages import ParsedRequest, Response
from backup_auditor_simulator.organization import SimulatedOrganization
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import handle_control_request
from backup_auditor_simulator.web.faults import Fault, FaultKind
from backup_auditor_simulator.web.recorder import DRILL_KEY, EDITOR_KEY, VIEWER_KEY, RequestRecorder

_MAX_HEADER_BYTES = 64 * 1024
_PIECE_COUNT = 10
_RESET_LINGER = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One connection to a client."""

    def __init__(self, recorder: RequestRecorder, connections: "set[Connection]") -> None:
        """Take the recorder that requests go to, and the set of open connections."""
        self._recorder = recorder
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEADER_BYTES)
        self._request_head: h11.Request | None = None
        self._content = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register a new connection."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Discard a closed connection."""
        del exc
        self._transport = None
        self._connections.discard(self)

    def abort(self) -> None:
        """Abort the connection, so that the client sees a reset."""
        if self._transport is None:
            return
        client_socket = self._transport.get_extra_info("socket")
        if client_socket is not None:
            client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_LINGER)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Receive data."""
        self._http.receive_data(data)
        self._read_events()

    def _read_events(self) -> None:
        try:
            while self._transport is not None:
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._request_head, self._content = event, b""
                elif isinstance(event, h11.Data):
                    self._content += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self._handle_request()
                elif isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
                else:
                    return
        except h11.RemoteProtocolError:
            self.abort()

    def _handle_request(self) -> None:
        if self._request_head is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._request_head.headers}
        method, target = self._request_head.method.decode(), self._request_head.target.decode("latin-1")
        request = parse_request(method, target, headers, self._recorder.roles, self._content)
        control_response = handle_control_request(self._recorder, request)
        if control_response is not None:
            self._send_response(control_response)
            return
        self._recorder.record(request)
        fault = next((it for it in self._recorder.faults if it.applies_to(request)), None)
        delay = self._recorder.latency + (fault.seconds if fault and fault.kind is FaultKind.DELAY else 0.0)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._respond, request, fault)
        else:
            self._respond(request, fault)

    def _respond(self, request: ParsedRequest, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        if self._transport is None or kind is FaultKind.HANG:
            return
        if kind is FaultKind.RESET:
            self.abort()
            return
        response = self._recorder.build_response(request, fault)
        if kind is FaultKind.RESET_AFTER_EFFECT:
            self.abort()
            return
        request.status = response.status
        if kind is FaultKind.TRUNCATE:
            self._transport.write(self._encode_head(response) + response.content[: len(response.content) // 2])
            self._transport.close()
        elif fault and kind is FaultKind.SLOW:
            self._transport.write(self._encode_head(response))
            piece_size = max(1, len(response.content) // _PIECE_COUNT)
            self._send_slowly(response.content, fault.seconds / _PIECE_COUNT, piece_size)
        else:
            self._send_response(response)

    def _encode_head(self, response: Response) -> bytes:
        headers = [("content-type", response.content_type), *response.headers.items()]
        if "date" not in response.headers:
            now = self._recorder.project.now.astimezone(UTC)
            headers.append(("date", format_datetime(now, usegmt=True)))
        if response.status != 204:  # noqa: PLR2004  an answer without content says no length
            headers.append(("content-length", str(len(response.content))))
        return self._http.send(h11.Response(status_code=response.status, headers=headers)) or b""

    def _send_response(self, response: Response) -> None:
        if self._transport is None:
            return
        head = self._encode_head(response)
        self._http.send(h11.Data(data=response.content))
        self._transport.write(head + response.content)
        self._finish_response()

    def _send_slowly(self, content: bytes, pause_seconds: float, piece_size: int) -> None:
        if self._transport is None:
            return
        self._transport.write(self._http.send(h11.Data(data=content[:piece_size])) or b"")
        if len(content) > piece_size:
            asyncio.get_running_loop().call_later(
                pause_seconds, self._send_slowly, content[piece_size:], pause_seconds, piece_size
            )
        else:
            self._finish_response()

    def _finish_response(self) -> None:
        self._http.send(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE:
            if self._transport is not None:
                self._transport.close()
            return
        self._http.start_next_cycle()
        asyncio.get_running_loop().call_soon(self._read_events)


HOST = "127.0.0.1"
_MAX_WAITING_CONNECTIONS = 1024
_CONNECTION_START_TURNS = 5  # asyncio takes three from accepting a connection to telling of it


class Server(RequestRecorder):
    """A simulated Pinecone on loopback, which serves until its context ends."""

    viewer_key = VIEWER_KEY
    editor_key = EDITOR_KEY
    drill_key = DRILL_KEY

    def __init__(
        self,
        source: SimulatedProject | SimulatedOrganization,
        port: int = 0,
        latency: float = 0.0,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare to serve a project or an organization; port 0 is any that is free, and latency is in seconds.

        It follows the clock that is given; without one, its clock stops until it is advanced.
        """
        if isinstance(source, SimulatedProject):
            super().__init__(source, latency, clock)
        else:
            super().__init__(source.projects[0].project, latency, clock)
            self.serve_organization(source)
        self.port = port
        self._connections: set[Connection] = set()
        self._ready_event = Event()
        self._start_error: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_event: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="pinecone-simulator", daemon=True)

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://{HOST}:{self.port}"

    @property
    def oauth_url(self) -> str:
        """The URL that issues access tokens to the service accounts of an organization."""
        return f"{self.url}{TOKEN_PATH}"

    def __enter__(self) -> Self:
        """Start to serve. Raises `OSError` if the port is in use."""
        self._thread.start()
        self._ready_event.wait()
        if self._start_error is not None:
            self._thread.join()
            raise self._start_error
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and abort every connection."""
        if self._loop is not None and self._stop_event is not None:
            self._loop.call_soon_threadsafe(self._stop_event.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._start_error = error
        finally:
            self._ready_event.set()

    async def _serve(self) -> None:
        self._loop, self._stop_event = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: Connection(self, self._connections), HOST, self.port, backlog=_MAX_WAITING_CONNECTIONS
        )
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            self._ready_event.set()
            await self._stop_event.wait()
            await self._drop_connections(listener)

    async def _drop_connections(self, listener: asyncio.Server) -> None:
        """Accept no more, let what was just accepted begin, and abort all: a listener waits for its connections."""
        loop = asyncio.get_running_loop()
        for listening_socket in listener.sockets:
            loop.remove_reader(listening_socket.fileno())
        for _ in range(_CONNECTION_START_TURNS):
            await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.abort()
