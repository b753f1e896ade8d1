"""A server for tests that sends the same answer to every request."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


@contextmanager
def serve_answer(answer: bytes, *, byte_interval: float | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback; yield the port, and the requests so far.

    With `drip` the answer comes a byte at a time, so many seconds apart.
    """
    requests: list[bytes] = []
    is_over = Event()

    def answer_client(client: socket.socket) -> None:
        with client, suppress(OSError):
            requests.append(client.recv(65536))
            if byte_interval is None:
                client.sendall(answer)
                return
            for byte in answer:
                client.sendall(bytes([byte]))
                if is_over.wait(byte_interval):
                    return

    def accept_connections() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                Thread(target=answer_client, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = Thread(target=accept_connections, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], requests
        finally:
            is_over.set()
            thread.join()
