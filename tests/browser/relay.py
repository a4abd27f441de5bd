"""A wire between a browser and a dashboard on which every byte is counted, websockets and headers included."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from urllib.parse import urlsplit

from tests.browser.served import Served


class Wire:
    """What has gone over the wire.

    Attributes:
        address: the dashboard's origin at this end of the wire.
        down: bytes that have come from the dashboard.
        up: bytes that have gone to it.
    """

    def __init__(self, port: int) -> None:
        self.address, self.down, self.up = "", 0, 0
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> asyncio.Server:
        """Listen at a free port."""
        listening = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        return listening

    async def cut(self, listening: asyncio.Server) -> None:
        """Listen no more, and end what is connected."""
        listening.close()
        for writer in self._writers:
            writer.transport.abort()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*rest, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers += [writer, to_server]
            await asyncio.gather(self._pump(from_server, writer, "down"), self._pump(reader, to_server, "up"))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                setattr(self, way, getattr(self, way) + len(data))
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def counted(server: Served) -> Iterator[Wire]:
    """A wire to a dashboard; it runs in a thread of its own, because Playwright has a loop in this one."""
    wire = Wire(urlsplit(server.address).port or 80)
    ready, stop = Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        listening = await wire.open()
        ready.set()
        await stop.wait()
        await wire.cut(listening)

    thread = Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait()
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
