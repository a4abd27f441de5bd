"""What a visitor costs the server: CPU time, in units of a piece of Python on this machine, and memory."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from cache.external import External
from dashboard.state.view import View, point
from dashboard.state.visit import REST
from tests.at_work import trainings, until
from tests.benchmarks.visitors import SESSION, measured, session_memory
from tests.browser.served import Served, left_after, served
from tests.dask_processes import answers, dask_scheduler, dask_worker
from tests.protocol import PATIENCE, opened

MOST = 3.0  # references that a run may take; it took 1.3 to 1.4 of them on two cores, idle and under a load of 12

LANDING = 10_000  # bytes of the messages that make Start, before the server packs them to half; they were 7,230
TOGETHER = 30


def reference() -> float:
    """Milliseconds of CPU time for a fixed piece of work like a page's: dictionaries and JSON; the least of five."""

    def once() -> float:
        start = time.process_time()
        rows = [{"key": f"setting-{i}", "value": i / 7, "tags": [str(i % 5)] * 3} for i in range(10_000)]
        text = json.dumps(sorted(rows, key=lambda row: row["key"]))
        assert len(json.loads(text)) == len(rows)
        return 1e3 * (time.process_time() - start)

    return min(once() for _ in range(5))


async def landed(server: Served) -> int:
    """Bytes of the messages with which Start opens."""
    async with opened(server.address, path="") as (_, first):
        return first.size


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
def test_start_says_little_a_run_of_explore_costs_little_and_messages_without_sense_end_a_visit(tmp_path):
    with served(tmp_path / "cache", tmp_path / "log.txt") as server:
        assert 0 < asyncio.run(landed(server)) <= LANDING
        limit = MOST * reference()
        found = asyncio.run(measured(server, 3, seconds=4.0, think=1.0))
        if found.cpu > limit:  # once more: a collection of garbage or a late import may have fallen into it
            limit, found = MOST * reference(), asyncio.run(measured(server, 3, seconds=4.0, think=1.0))
        assert [closed(server.address, sent) for sent in (b"#" * 1_100_000, b"no message")] == [1009, 1002]
        assert left_after(server, signal.SIGTERM) == []
    assert found.cpu <= limit
    assert found.turns >= 6
    assert 0 < found.p50 <= found.p95


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_a_session_takes_little_memory(tmp_path):
    assert 0 < session_memory(tmp_path) <= SESSION.limit


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_thirty_visitors_who_ask_for_the_same_new_setting_at_once_have_it_trained_once(tmp_path):
    view = View(population="digits", contested=100, architecture="logistic", models=16)

    async def visit(address: str, asked: asyncio.Barrier) -> bool:
        """Rest, ask, and look again until there is nothing to wait for; whether there was."""
        async with opened(address, urlencode(view.to_query())) as (page, _):
            await asyncio.sleep(REST)
            await page.run()
            waits = bool(page.polls)
            await asked.wait()
            while page.polls:
                await asyncio.sleep(0.5)
                await page.run()
            return waits

    async def class_of(address: str, worker: Callable[[], object]) -> list[bool]:
        """Whether each of the visitors had to wait; nobody works for them before all have asked."""
        asked = asyncio.Barrier(TOGETHER + 1)
        async with asyncio.timeout(300), asyncio.TaskGroup() as group:
            visits = [group.create_task(visit(address, asked)) for _ in range(TOGETHER)]
            await asked.wait()
            worker()
        return [visit.result() for visit in visits]

    with dask_scheduler() as scheduler, ExitStack() as workers:
        until(lambda: answers(scheduler))
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        with served(tmp_path / "cache", tmp_path / "log.txt", *options) as server:
            begin = partial(workers.enter_context, dask_worker(scheduler))
            assert asyncio.run(class_of(server.address, begin)) == [True] * TOGETHER
            assert left_after(server, signal.SIGTERM) == []
        with External(scheduler) as cluster:
            assert [trainings(cluster, point(view).recipe, wave) for wave in range(2)] == [1, 1]


def test_visitors_without_a_browser_stay_on_this_machine():
    async def leave():
        async with opened("http://192.0.2.1:8501"):
            pass

    with pytest.raises(AssertionError, match="stay on this machine"):
        asyncio.run(leave())
