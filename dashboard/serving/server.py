"""The server: Streamlit's ASGI app with our lifespan, compression and the route of plotly.js."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import dashboard.pages.start  # noqa: F401  as below; `start` is a name of ours here
from cache.admission import Limits
from cache.jobs import Jobs
from cache.location import CacheError
from cache.store import Store
from cache.supervision import AnyCluster, Supervisor
from cache.sweeps.current import Sweeps
from dashboard.pages import compare, explore, methods, risk, sweep  # noqa: F401  loaded before the first visit, and before memory is frozen
from dashboard.panels import kept, scripts
from dashboard.panels.plot import PLOTLY_ROUTE
from dashboard.results.chapters import anchors
from dashboard.serving.dressed import Dressed
from dashboard.serving.running import Running, set_running
from dashboard.state.story import story

_LOG = logging.getLogger(__name__)
_SCRIPT = Path(__file__).parents[1] / "pages" / "app.py"  # beside a folder "pages" Streamlit would run its files
# What Streamlit imports with a server's first icon and component.
_LATE = ("PIL.Image", "pandas", "pyarrow.compute")
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_OWN = "private, max-age=31536000, immutable"  # results, which a room code may guard


def server(store: Store, start: Callable[[], AnyCluster], limits: Limits | None = None) -> st.App:
    """The ASGI app over a cache; its workers start with it, in the background, and stop with it.

    Args:
        store: the cache.
        start: makes the cluster, and another when that is lost.
        limits: what visitors may ask of it.
    """

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any]]:
        may = limits or Limits()
        now = Running(store=store, training=may.training, memory=may.memory)
        set_running(now)
        starting = asyncio.create_task(_started(now, start, may))
        # What has been imported by now is never garbage: keep collections from walking through it again.
        gc.collect()
        gc.freeze()
        try:
            yield {}
        finally:
            stop = await starting
            set_running(None)
            if stop is not None:
                await asyncio.to_thread(stop)

    return st.App(
        _SCRIPT,
        lifespan=lifespan,
        routes=[
            Route(PLOTLY_ROUTE, _plotly),
            Route(f"{scripts.FOLDER}/{{file}}", _script),
            Route(f"{kept.FOLDER}/{{file}}", _kept),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5), Middleware(Dressed)],
        on_script_error=_say,
    )


async def _started(now: Running, start: Callable[[], AnyCluster], limits: Limits) -> Callable[[], None] | None:
    """Hand the workers to the pages once they are there; a failure becomes a sentence on the pages.

    Returns:
        What stops all that was started, None where nothing was.
    """
    await asyncio.to_thread(_warm, now.store)  # before the workers, which take all cores when they start
    try:
        cluster = await asyncio.to_thread(start)
    except Exception as error:  # noqa: BLE001  whatever it is, the pages must open and say so
        _LOG.error("The workers could not be started", exc_info=error)
        problem = "The workers that train models could not be started; the log says why."
        set_running(replace(now, problem=problem))
        return None
    jobs = Jobs(cluster.client, now.store, limits=limits)
    sweeps = Sweeps(jobs, now.store)
    set_running(replace(now, jobs=jobs, sweeps=sweeps))
    supervisor = Supervisor(
        start, cluster, jobs, on_problem=lambda problem: set_running(replace(now, problem=problem))
    )

    def stop() -> None:
        sweeps.close()
        supervisor.close()

    return stop


def _warm(store: Store) -> None:
    """Do what the first visitor would wait for.

    That is to load what Streamlit loads late, to pack plotly.js, to read the story, and to read from the engine what
    numbers link to.
    """
    for library in _LATE:
        import_module(library)
    _plotly_gzipped()
    with suppress(CacheError):  # the page says so
        story(store)
    anchors()


def _say(error: Exception) -> bool:
    """Show one sentence in place of a page that failed; the log has the rest."""
    _LOG.error("A page failed", exc_info=error)
    st.error(error.told if isinstance(error, CacheError) else "Something went wrong on this page; the log says what.")
    return True


@lru_cache(maxsize=1)
def _plotly_gzipped() -> bytes:
    """plotly.js as the package plotly carries it, compressed once."""
    script = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return gzip.compress(script, compresslevel=6, mtime=0)


async def _plotly(request: Request) -> Response:
    """plotly.js, to be kept by browsers for ever: its address changes with its version."""
    body = await asyncio.to_thread(_plotly_gzipped)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(body), media_type="text/javascript", headers=_FOR_EVER)
    return Response(body, media_type="text/javascript", headers={**_FOR_EVER, "Content-Encoding": "gzip"})


async def _script(request: Request) -> Response:
    """A component's script, to be kept by browsers for ever: its address changes with its content."""
    script = scripts.served(request.path_params["file"])
    if script is None:
        return Response("There is no such script.", 404, media_type="text/plain")
    return Response(script, media_type="text/javascript", headers=_FOR_EVER)


async def _kept(request: Request) -> Response:
    """A style sheet or a component's data, to be kept by the visitor's own browser and by nobody on the way to it."""
    found = kept.served(request.path_params["file"])
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    content, media_type = found
    return Response(content, media_type=media_type, headers={**_FOR_EVER, "Cache-Control": _OWN})
