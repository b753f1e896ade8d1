"""One connection: reads requests, and sends answers as the faults will have them."""

import asyncio
import socket
import struct

import h11

from backup_auditor_simulator.api.calls import Answer
from backup_auditor_simulator.api.service import Asked, asked
from backup_auditor_simulator.web.control import steer
from backup_auditor_simulator.web.desk import Desk
from backup_auditor_simulator.web.outcome import Ending, Outcome, outcome_of

_LARGEST_HEADER = 64 * 1024
_PIECES = 10
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A connection to one client."""

    def __init__(self, desk: Desk, open_connections: "set[Connection]") -> None:
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
        request = asked(method, target, headers, self._desk.roles, self._content)
        steered = steer(self._desk, request)
        if steered is not None:
            self._send(steered)
            return
        outcome = outcome_of(self._desk, request)
        if outcome.delay > 0:
            asyncio.get_running_loop().call_later(outcome.delay, self._answer, request, outcome)
        else:
            self._answer(request, outcome)

    def _answer(self, request: Asked, outcome: Outcome) -> None:
        if self._transport is None or outcome.ending is Ending.HANG:
            return
        if outcome.ending is Ending.RESET:
            self.abort()
            return
        answer = outcome.settle(self._desk, request)
        match outcome.ending:
            case Ending.RESET_AFTER_EFFECT:
                self.abort()
            case Ending.TRUNCATE:
                self._transport.write(self._start(answer) + answer.content[: len(answer.content) // 2])
                self._transport.close()
            case Ending.SLOW:
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
