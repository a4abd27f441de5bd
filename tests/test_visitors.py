"""What a visitor costs the server: gated on CPU time, which other work on the machine hardly changes."""

import asyncio
import signal
import sys

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.benchmarks.visitors import measured
from tests.browser.served import left_after, served
from tests.protocol import PATIENCE, opened

CPU = 150.0  # milliseconds for a run, three times what it takes on a busy machine of two cores


def closed(address: str, sent: bytes) -> int | None:
    """The code with which the server closes the websocket of somebody who sends this."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None, proxy=None) as socket:
        socket.send(sent)
        try:
            while True:
                socket.recv(timeout=PATIENCE)
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else None


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_a_run_of_explore_costs_little_and_messages_too_long_or_without_sense_end_a_visit(tmp_path):
    with served(tmp_path / "cache", tmp_path / "log.txt") as server:
        found = asyncio.run(measured(server, 3, seconds=4.0, think=1.0))
        if found.cpu > CPU:  # once more: a collection of garbage or a late import may have fallen into it
            found = asyncio.run(measured(server, 3, seconds=4.0, think=1.0))
        assert [closed(server.address, sent) for sent in (b"#" * 1_100_000, b"no message")] == [1009, 1002]
        assert left_after(server, signal.SIGTERM) == []
    assert found.cpu <= CPU
    assert found.turns >= 6
    assert 0 < found.p50 <= found.p95


def test_visitors_without_a_browser_stay_on_this_machine():
    async def leave():
        async with opened("http://192.0.2.1:8501"):
            pass

    with pytest.raises(AssertionError, match="stay on this machine"):
        asyncio.run(leave())
