"""A listener for tests that says the same to everybody, whatever it hears."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


@contextmanager
def answering(answer: bytes, *, drip: float | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback; yield the port, and what was heard so far.

    With `drip` the answer comes a byte at a time, so many seconds apart.
    """
    heard: list[bytes] = []
    is_over = Event()

    def answer_one(client: socket.socket) -> None:
        with client, suppress(OSError):
            heard.append(client.recv(65536))
            if drip is None:
                client.sendall(answer)
                return
            for byte in answer:
                client.sendall(bytes([byte]))
                if is_over.wait(drip):
                    return

    def serve() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                Thread(target=answer_one, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            is_over.set()
            thread.join()
