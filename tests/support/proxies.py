"""Relays on loopback: one that adds TLS before a plain server, and a proxy for CONNECT with manners of its own."""

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from threading import Event, Thread


@contextmanager
def listen(serve_connection: Callable[[socket.socket], None]) -> Iterator[int]:
    """Listen on loopback, serve each connection on a thread of its own, and yield the port."""
    is_over = Event()

    def accept_connections() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                client.settimeout(20)
                Thread(target=_serve_quietly, args=(serve_connection, client), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = Thread(target=accept_connections, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            thread.join()


@contextmanager
def serve_tls(target: int, context: SSLContext) -> Iterator[int]:
    """Speak TLS, and pass on what is said to a plain port of this machine."""

    def serve_connection(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as tls_client:
            _relay(tls_client, target)

    with listen(serve_connection) as port:
        yield port


@dataclass
class ConnectProxy:
    """A proxy that leads every CONNECT to one port of this machine, or answers otherwise."""

    target: int
    credentials: str = ""
    """The `USER:PASSWORD` that it requires."""
    scripted_answers: list[bytes] = field(default_factory=list)
    """What it answers to the next requests instead; nothing at all is the end of the connection."""
    dies_after_connecting: bool = False
    request_lines: list[str] = field(default_factory=list)
    """The first line of each request."""

    def serve(self, client: socket.socket) -> None:
        """Serve one connection."""
        with client:
            head = _read_head(client)
            self.request_lines.append(head.partition(b"\r\n")[0].decode())
            if self.scripted_answers:
                client.sendall(self.scripted_answers.pop(0))
                return
            expected_header = b"proxy-authorization: basic " + b64encode(self.credentials.encode()).lower()
            if self.credentials and expected_header not in head.lower():
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if not self.dies_after_connecting:
                _relay(client, self.target)


@contextmanager
def run_proxy(proxy: ConnectProxy) -> Iterator[int]:
    """Run a proxy, and yield its port."""
    with listen(proxy.serve) as port:
        yield port


def _read_head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(65536)
        if not part:
            break
        head += part
    return head


def _relay(client: socket.socket, target: int) -> None:
    with socket.create_connection(("127.0.0.1", target), timeout=20) as server:
        upload_thread = Thread(target=_copy, args=(server, client), daemon=True)
        upload_thread.start()
        _copy(client, server)
        upload_thread.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _serve_quietly(serve_connection: Callable[[socket.socket], None], client: socket.socket) -> None:
    with suppress(OSError):
        serve_connection(client)
    with suppress(OSError):
        client.close()
