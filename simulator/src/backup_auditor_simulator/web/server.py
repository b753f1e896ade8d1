"""Serves a world on loopback, in a thread of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from typing import Self

from backup_auditor_simulator.web.connection import Connection
from backup_auditor_simulator.web.desk import EDITOR_KEY, VIEWER_KEY, Desk, Request
from backup_auditor_simulator.web.faults import Fault
from backup_auditor_simulator.world import World

HOST = "127.0.0.1"
_WAITING_CONNECTIONS = 1024
_TURNS_TO_BEGIN = 5  # asyncio takes three from accepting a connection to telling of it


class Server:
    """A Pinecone control plane on loopback, while its context lasts."""

    viewer_key = VIEWER_KEY
    editor_key = EDITOR_KEY

    def __init__(
        self,
        world: World,
        port: int = 0,
        latency: float = 0.0,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Prepare to serve a world; port 0 is any that is free, and latency is in seconds.

        Where a clock is given the world follows it, else it stands until it is advanced.
        """
        self._desk = Desk(world, latency, clock)
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
    def world(self) -> World:
        """The world that is served."""
        return self._desk.world

    @world.setter
    def world(self, world: World) -> None:
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
