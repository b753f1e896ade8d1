"""Serve a project on loopback, in a thread of its own; connections send responses as the faults require."""

import asyncio
import socket
import struct
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import Self

import h11

from backup_auditor_simulator.api.app import ParsedRequest, parse_request
from backup_auditor_simulator.api.responses import Answer
from backup_auditor_simulator.project import SimulatedProject
from backup_auditor_simulator.web.control import control
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.web.recorder import (
    EDITOR_KEY,
    VIEWER_KEY,
    ConnectionEnd,
    Outcome,
    Request,
    RequestRecorder,
    outcome_of,
)

_LARGEST_HEADER = 64 * 1024
_PIECES = 10
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A connection to one client."""

    def __init__(self, desk: RequestRecorder, open_connections: "set[Connection]") -> None:
        """Begin with the desk that requests are brought to."""
        self._desk = desk
        self._open = open_connections
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEADER)
        self._head: h11.Request | None = None
        self._content = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        del exc
        self._transport = None
        self._open.discard(self)

    def abort(self) -> None:
        """End at once, so that the client sees a reset."""
        if self._transport is None:
            return
        held = self._transport.get_extra_info("socket")
        if held is not None:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        self._wire.receive_data(data)
        self._read()

    def _read(self) -> None:
        try:
            while self._transport is not None:
                event = self._wire.next_event()
                if isinstance(event, h11.Request):
                    self._head, self._content = event, b""
                elif isinstance(event, h11.Data):
                    self._content += event.data
                elif isinstance(event, h11.EndOfMessage):
                    self._arrived()
                elif isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                    return
                else:
                    return
        except h11.RemoteProtocolError:
            self.abort()

    def _arrived(self) -> None:
        if self._head is None:
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        method, target = self._head.method.decode(), self._head.target.decode("latin-1")
        request = parse_request(method, target, headers, self._desk.roles, self._content)
        steered = control(self._desk, request)
        if steered is not None:
            self._send(steered)
            return
        outcome = outcome_of(self._desk, request)
        if outcome.delay > 0:
            asyncio.get_running_loop().call_later(outcome.delay, self._answer, request, outcome)
        else:
            self._answer(request, outcome)

    def _answer(self, request: ParsedRequest, outcome: Outcome) -> None:
        if self._transport is None or outcome.ending is ConnectionEnd.HANG:
            return
        if outcome.ending is ConnectionEnd.RESET:
            self.abort()
            return
        answer = outcome.settle(self._desk, request)
        match outcome.ending:
            case ConnectionEnd.RESET_AFTER_EFFECT:
                self.abort()
            case ConnectionEnd.TRUNCATE:
                self._transport.write(self._start(answer) + answer.content[: len(answer.content) // 2])
                self._transport.close()
            case ConnectionEnd.SLOW:
                self._transport.write(self._start(answer))
                self._dribble(answer.content, outcome.seconds / _PIECES, max(1, len(answer.content) // _PIECES))
            case _:
                self._send(answer)

    def _start(self, answer: Answer) -> bytes:
        headers = [("content-type", answer.content_type), *answer.headers.items()]
        if answer.status != 204:  # noqa: PLR2004  an answer without content says no length
            headers.append(("content-length", str(len(answer.content))))
        return self._wire.send(h11.Response(status_code=answer.status, headers=headers)) or b""

    def _send(self, answer: Answer) -> None:
        if self._transport is None:
            return
        start = self._start(answer)
        self._wire.send(h11.Data(data=answer.content))
        self._transport.write(start + answer.content)
        self._ended()

    def _dribble(self, content: bytes, pause: float, piece: int) -> None:
        if self._transport is None:
            return
        self._transport.write(self._wire.send(h11.Data(data=content[:piece])) or b"")
        if len(content) > piece:
            asyncio.get_running_loop().call_later(pause, self._dribble, content[piece:], pause, piece)
        else:
            self._ended()

    def _ended(self) -> None:
        self._wire.send(h11.EndOfMessage())
        if self._wire.our_state is h11.MUST_CLOSE:
            if self._transport is not None:
                self._transport.close()
            return
        self._wire.start_next_cycle()
        asyncio.get_running_loop().call_soon(self._read)


HOST = "127.0.0.1"
_WAITING_CONNECTIONS = 1024
_TURNS_TO_BEGIN = 5  # asyncio takes three from accepting a connection to telling of it


class Server:
    """A Pinecone control plane on loopback, while its context lasts."""

    viewer_key = VIEWER_KEY
    editor_key = EDITOR_KEY

    def __init__(
        self,
        world: SimulatedProject,
        port: int = 0,
        latency: float = 0.0,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare to serve a world; port 0 is any that is free, and latency is in seconds.

        Where a clock is given the world follows it, else it stands until it is advanced.
        """
        self._desk = RequestRecorder(world, latency, clock)
        self.port = port
        self._open: set[Connection] = set()
        self._has_begun = Event()
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="pinecone-simulator", daemon=True)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://{HOST}:{self.port}"

    @property
    def world(self) -> SimulatedProject:
        """The world that is served."""
        return self._desk.world

    @world.setter
    def world(self, world: SimulatedProject) -> None:
        self._desk.world = world

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of arrival; those under `/_simulator/` are not among them."""
        return self._desk.requests

    @property
    def faults(self) -> list[Fault]:
        """What goes wrong from now on."""
        return self._desk.faults

    @property
    def latency(self) -> float:
        """Seconds before every answer."""
        return self._desk.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._desk.latency = seconds

    def __enter__(self) -> Self:
        """Begin to serve. Raises `OSError` if the port is taken."""
        self._thread.start()
        self._has_begun.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        """End, and drop every connection."""
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._has_begun.set()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        listener = await self._loop.create_server(
            lambda: Connection(self._desk, self._open), HOST, self.port, backlog=_WAITING_CONNECTIONS
        )
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            self._has_begun.set()
            await self._end.wait()
            await self._drop_connections(listener)

    async def _drop_connections(self, listener: asyncio.Server) -> None:
        """Accept no more, let what was just accepted begin, and abort all: a listener waits for its connections."""
        loop = asyncio.get_running_loop()
        for held in listener.sockets:
            loop.remove_reader(held.fileno())
        for _ in range(_TURNS_TO_BEGIN):
            await asyncio.sleep(0)
        for connection in list(self._open):
            connection.abort()
