"""Serve one page for each request over HTTP/1.1 or unencrypted HTTP/2, in a separate process."""

import asyncio
import json
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, WindowUpdated
from h2.exceptions import StreamClosedError

PREFACE = b"PRI * HTTP/2.0"
ROW = {
    "backup_id": "670e8400-e29b-41d4-a716-446655440000",
    "source_index_id": "670e8400-e29b-41d4-a716-446655440001",
    "source_index_name": "orders",
    "name": "nightly-20261120T060000Z",
    "status": "Ready",
    "cloud": "aws",
    "region": "us-east-1",
    "record_count": 120000,
    "namespace_count": 3,
    "size_bytes": 10000000,
    "created_at": "2026-11-19T06:00:00.244Z",
    "schema": {"fields": {"_values": {"dimension": 1536, "metric": "cosine", "type": "dense_vector"}}},
    "tags": {"environment": "production", "owner": "search-team", "purpose": "nightly copies"},
}


def build_page(row_count: int) -> bytes:
    """Return a page with this number of backups."""
    return json.dumps({"data": [ROW] * row_count, "pagination": None}).encode()


class PageServer(asyncio.Protocol):
    """A protocol that responds to every request with the same page after the same latency."""

    def __init__(self, content: bytes, latency: float) -> None:
        """Start without a known version of HTTP."""
        self._content = content
        self._latency = latency
        self._transport: asyncio.Transport | None = None
        self._received_bytes = b""
        self._http2: H2Connection | None = None
        self._remaining_content: dict[int, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport of a new connection."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the transport of a closed connection."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Process received data with the version of HTTP that it uses."""
        if self._http2 is not None:
            self._handle_data(data)
            return
        self._received_bytes += data
        if self._received_bytes.startswith(PREFACE):
            self._http2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
            self._http2.initiate_connection()
            self._handle_data(self._received_bytes)
        elif self._received_bytes.endswith(b"\r\n\r\n"):
            self._received_bytes = b""
            asyncio.get_running_loop().call_later(self._latency, self._respond)

    def _respond(self) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(self._content)
        self._write(head + self._content)

    def _handle_data(self, data: bytes) -> None:
        if self._http2 is None:
            return
        for event in self._http2.receive_data(data):
            if isinstance(event, RequestReceived) and event.stream_id is not None:
                asyncio.get_running_loop().call_later(self._latency, self._respond_on_stream, event.stream_id)
            elif isinstance(event, WindowUpdated):
                for stream_id in list(self._remaining_content):
                    self._send_more(stream_id)
        self._write(self._http2.data_to_send())

    def _respond_on_stream(self, stream_id: int) -> None:
        if self._http2 is None:
            return
        length = str(len(self._content)).encode()
        self._http2.send_headers(
            stream_id, [(b":status", b"200"), (b"content-type", b"application/json"), (b"content-length", length)]
        )
        self._remaining_content[stream_id] = self._content
        self._send_more(stream_id)
        self._write(self._http2.data_to_send())

    def _send_more(self, stream_id: int) -> None:
        if self._http2 is None:
            return
        try:
            while remaining := self._remaining_content[stream_id]:
                size = min(
                    self._http2.local_flow_control_window(stream_id),
                    self._http2.max_outbound_frame_size,
                    len(remaining),
                )
                if size <= 0:
                    return
                self._remaining_content[stream_id] = remaining[size:]
                self._http2.send_data(stream_id, remaining[:size], end_stream=size == len(remaining))
        except StreamClosedError:
            pass
        del self._remaining_content[stream_id]

    def _write(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)


async def serve(row_count: int, latency: float) -> None:
    """Serve on a free port of loopback, and print the port, until the process ends."""
    content = build_page(row_count)
    listener = await asyncio.get_running_loop().create_server(lambda: PageServer(content, latency), "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
