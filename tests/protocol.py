"""A visitor without a browser: speaks Streamlit's protocol over a websocket, as its page would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 60.0
"""Seconds that one run of a page may take."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_ENDINGS = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}


@dataclass(frozen=True, kw_only=True)
class Dial:
    """A slider on the page: its widget, and the names of its stops."""

    widget: str
    stops: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the page.

    Attributes:
        seconds: from the message that asked for it to the one that ends it.
        size: bytes that came.
    """

    seconds: float
    size: int


class Page:
    """An open page: what the server has drawn, as far as a visitor needs it."""

    def __init__(self, socket: ClientConnection, path: str, query: str) -> None:
        self._socket, self._path, self._query = socket, path, query
        self._dials: dict[str, Dial] = {}
        self._known: set[str] = set()
        self._polls: dict[str, float] = {}
        self._errors: list[str] = []

    @property
    def dials(self) -> dict[str, Dial]:
        """The sliders by title."""
        return dict(self._dials)

    @property
    def polls(self) -> dict[str, float]:
        """The fragments that want to be run again, each with its interval in seconds."""
        return dict(self._polls)

    async def turn(self, title: str, stop: str) -> Run:
        """Turn a dial to a stop, and wait until the page has run."""
        return await self.run(
            [WidgetState(id=self._dials[title].widget, string_array_value=StringArray(data=[stop]))]
        )

    async def run(self, changed: Sequence[WidgetState] = (), *, fragment: str = "") -> Run:
        """Run the page, or one fragment of it.

        Raises:
            AssertionError: when the page shows an error.
            TimeoutError: when it takes longer than ``PATIENCE``.
        """
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_name = self._query, self._path
        state.widget_states.widgets.extend(changed)
        state.cached_message_hashes.extend(self._known)
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        else:
            self._known.clear()
            self._polls.clear()
        start = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            size = await self._until_finished()
        assert not self._errors, self._errors
        return Run(seconds=time.perf_counter() - start, size=size)

    async def _until_finished(self) -> int:
        """Take in what comes until a run has ended; the bytes of it."""
        size = 0
        while True:
            data = await self._socket.recv()
            assert isinstance(data, bytes)
            size += len(data)
            message = ForwardMsg.FromString(data)
            self._take_in(message)
            if message.WhichOneof("type") == "script_finished" and message.script_finished in _ENDINGS:
                return size

    def _take_in(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if message.metadata.cacheable or kind == "ref_hash":
            self._known.add(message.hash if kind != "ref_hash" else message.ref_hash)
        if kind == "auto_rerun":
            self._polls[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._take_in_element(message.delta.new_element)

    def _take_in_element(self, element) -> None:
        match element.WhichOneof("type"):
            case "slider":
                drawn = element.slider
                self._dials[drawn.label] = Dial(widget=drawn.id, stops=tuple(drawn.options))
            case "exception":
                self._errors.append(element.exception.message)


@asynccontextmanager
async def opened(address: str, query: str = "", *, path: str = "explore") -> AsyncIterator[tuple[Page, Run]]:
    """Open a page of a dashboard on this machine: the page and its first run.

    Args:
        address: the dashboard's origin.
        query: what stands behind the question mark.
        path: the page's name in the URL.
    """
    parts = urlsplit(address)
    assert parts.hostname in _LOOPBACK, "visitors without a browser stay on this machine"
    socket = connect(
        f"ws://{parts.netloc}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]
        origin=address,  # type: ignore[arg-type]
        max_size=None,
        compression=None,
        proxy=None,
    )
    async with socket as connection:
        page = Page(connection, path, query)
        yield page, await page.run()
