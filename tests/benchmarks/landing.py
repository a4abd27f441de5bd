"""What a visitor waits for, in Chromium: ``python -m tests.benchmarks.landing [--json]``.

The installed command with an empty cache, so that all results are those that ship. Medians of five:

- seconds from the page's load event until Start is complete: its sentence, its picture and its five presets are
  painted. Each time in a browser that has seen nothing yet, first on one server, then each time on a server of its
  own, as soon as that is healthy and while its workers start;
- the same from the beginning of the navigation, and seconds until plotly.js has taken the picture over;
- bytes that come over the wire when the landing page is opened in a new browser and again in the same one, headers
  and the messages of its socket included;
- milliseconds from a key that turns a dial of Explore to the first frame with the answer of the server;
- milliseconds of a frame while a dial is dragged over measured stops: median, 95th percentile and worst;
- milliseconds of a run of the page on the server after a turn of a dial, for a visitor without a browser.

Start should be complete within a second of the load event, on the one server and on new ones, a turn answered within
250 ms, nineteen in twenty frames of a drag drawn within 50 ms, and a run of the page done within 60 ms. Each is told
as reached or MISSED; the exit status is 1 when one is missed, also with --json.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.benchmarks.targets import Target, lines, status
from tests.browser.chromium import HOW_TO_GET_IT, chromium, launched
from tests.browser.reading import curve, dial, expect_measured, expect_rest
from tests.browser.relay import counted
from tests.browser.served import Served, left_after, served
from tests.protocol import opened

REPEATS = 5
WIDE: ViewportSize = {"width": 1440, "height": 900}
DIAL = "Regularization strength"
LONGEST = 60_000  # milliseconds

_WATCH = """
addEventListener("load", () => { window.loaded = performance.now(); });
(function look() {
  const all = (selector) => document.querySelectorAll(`.st-key-panel-story ${selector}`).length;
  const picture = all(".pd-sketched") > 20 || all(".scatterlayer path.point") > 20;
  const there = document.querySelector("h1") && document.querySelectorAll(".pd-preset").length === 5 && picture;
  requestAnimationFrame(() => {
    if (there) window.complete ??= performance.now(); // in the frame after the one in which it was there
    if (all(".scatterlayer path.point") > 20) window.taken ??= performance.now();
    look();
  });
})();
"""
_TURNED = """
(() => {
  const figure = document.querySelector(".st-key-panel-tradeoff .pd-figure");
  const [drawn, state] = [figure.dataset.drawn, () => document.querySelector("[data-testid=stApp]").dataset];
  window.painted = undefined;
  addEventListener("keydown", () => {
    const begin = performance.now();
    (function look() {
      const waits = figure.dataset.drawn === drawn || state().testScriptState !== "notRunning";
      requestAnimationFrame(waits ? look : () => { window.painted = performance.now() - begin; });
    })();
  }, { once: true, capture: true });
})()
"""
_FRAMES = """
(() => {
  const times = window.frames_ = [];
  (function look(now) { times.push(now); requestAnimationFrame(look); })(performance.now());
})()
"""


_COMPLETE = "{}, s after the load event"
_WARM, _NEW = "Start complete", "new server, Start complete"
TURNED = "Explore, ms from a turn to the frame with the answer"
DRAGGED = "Explore, ms of a frame while dragging, 95th percentile"
RERUN = "Explore, ms of a run on the server"
TARGETS = (
    *(Target(figure=_COMPLETE.format(name), limit=1) for name in (_WARM, _NEW)),
    Target(figure=TURNED, limit=250),
    Target(figure=DRAGGED, limit=50),
    Target(figure=RERUN, limit=60),
)


def main() -> int:
    """Measure, print and judge; 1 when a target is missed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    as_json = parser.parse_args().json
    figures = measured(chromium() or parser.error(HOW_TO_GET_IT))
    if as_json:
        print(json.dumps(figures))
    else:
        print("\n".join(lines(TARGETS, figures, width=60, digits=3)))
    return status(TARGETS, figures)


def measured(executable: str) -> dict[str, float]:
    """All figures by name."""
    with serving() as server:
        visit(server, executable)  # nothing is compared with a server that nobody has visited
        warm = [visit(server, executable) for _ in range(REPEATS)]
        with launched(executable) as browser:
            figures = {**weighed(server, browser), **turned(server, browser), **dragged(server, browser)}
        figures |= asyncio.run(rerun(server))
    new = []
    for _ in range(REPEATS):
        with serving() as server:
            new.append(visit(server, executable))
    return {**medians(_WARM, warm), **medians(_NEW, new), **figures}


@contextmanager
def serving() -> Iterator[Served]:
    """A dashboard with nothing in its cache."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "cache", Path(folder) / "log.txt") as server:
        yield server
        left_after(server, signal.SIGTERM)


def medians(name: str, visits: list[tuple[float, float, float]]) -> dict[str, float]:
    """The medians of visits, in seconds."""
    after_load, from_start, taken = ([one[place] for one in visits] for place in range(3))
    return {
        _COMPLETE.format(name): round(statistics.median(after_load), 3),
        f"{name}, s after the load event, worst": round(max(after_load), 3),
        f"{name}, s from the beginning": round(statistics.median(from_start), 3),
        f"{name} and drawn by Plotly, s after the load event": round(statistics.median(taken), 3),
    }


def visit(server: Served, executable: str) -> tuple[float, float, float]:
    """Seconds until Start is complete, after load and from the beginning, and until Plotly has drawn, as if new."""
    with launched(executable) as browser:
        page = browser.new_page(viewport=WIDE)
        page.add_init_script(_WATCH)
        page.goto(server.address)
        told = [awaited(page, name) for name in ("taken", "complete", "loaded")]
    taken, complete, loaded = (value / 1000 for value in told)
    return complete - loaded, complete, taken - loaded


def awaited(page: Page, name: str) -> float:
    """A number of the page as soon as it is there; Playwright's own way needs "eval", which the page forbids."""
    for _ in range(LONGEST // 20):
        value = page.evaluate(f"window.{name}")
        if value is not None:
            return value
        page.wait_for_timeout(20)
    raise TimeoutError(f"{name} did not come within {LONGEST / 1000:g} s")


def weighed(server: Served, browser: Browser) -> dict[str, float]:
    """Bytes on the wire of the landing page, cold and warm."""
    page, figures = browser.new_page(viewport=WIDE), {}
    with counted(server) as wire:
        for name in ("landing page, bytes in a new browser", "landing page, bytes again"):
            before = wire.down
            page.goto(wire.address)
            expect(page.locator(".js-plotly-plot .legendtext").first).to_be_visible(timeout=LONGEST)
            expect(page.locator(".pd-preset")).to_have_count(5)
            expect_rest(page)
            page.wait_for_load_state("networkidle")
            figures[name] = wire.down - before
    return figures


def explore(server: Served, browser: Browser) -> Page:
    """Explore as it opens first, at rest."""
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{server.address}/explore")
    expect_measured(page)
    expect(curve(page).locator("path.point").first).to_be_visible(timeout=LONGEST)
    return page


def turned(server: Served, browser: Browser) -> dict[str, float]:
    """Milliseconds from a key to the frame with the answer, there and back over measured stops."""
    page, waits = explore(server, browser), []
    for key in ["ArrowRight", "ArrowLeft"] * (REPEATS + 1):
        page.evaluate(_TURNED)
        dial(page, DIAL).get_by_role("slider").press(key)
        waits.append(awaited(page, "painted"))
        expect_rest(page)
    counted = waits[2:]  # the first turn each way loads what is loaded once
    return {
        TURNED: round(statistics.median(counted), 1),
        f"{TURNED}, worst": round(max(counted), 1),
    }


def dragged(server: Served, browser: Browser) -> dict[str, float]:
    """Milliseconds of a frame while the dial goes over all its stops and back, five times."""
    page = explore(server, browser)
    group = dial(page, DIAL)
    slider = group.get_by_role("slider")
    track, thumb = group.bounding_box(), group.get_by_test_id("stSliderThumbValue").locator("..").bounding_box()
    if track is None or thumb is None:
        raise RuntimeError(f"the dial {DIAL} is not on the page")
    y = thumb["y"] + thumb["height"] / 2
    places = [track["x"] + 5 + (track["width"] - 11) * share / 40 for share in range(41)]
    page.mouse.move(places[0], y)
    page.mouse.down()
    page.evaluate(_FRAMES)
    reached = set()
    for way in (places, places[::-1]) * REPEATS:
        for x in way:
            page.mouse.move(x, y)
        reached.add(slider.input_value())
    times = page.evaluate("window.frames_")
    page.mouse.up()
    if len(reached) < 2:
        raise RuntimeError(f"the dial {DIAL} did not follow the mouse")
    return framed([after - before for before, after in itertools.pairwise(times)])


def framed(gaps: Sequence[float]) -> dict[str, float]:
    """The milliseconds between frames of a drag: a median hides the frames at which it sticks."""
    return {
        "Explore, ms of a frame while dragging": round(statistics.median(gaps), 1),
        DRAGGED: round(statistics.quantiles(gaps, n=20, method="inclusive")[-1], 1),
        "Explore, ms of a frame while dragging, worst": round(max(gaps), 1),
    }


async def rerun(server: Served) -> dict[str, float]:
    """Milliseconds from a turn of the dial to the end of the run that it causes, with nobody else there."""
    async with opened(server.address) as (page, _):
        stops = page.dials[DIAL].stops[:2]
        for stop in stops:  # what is only made once is made before
            await page.turn(DIAL, stop)
        runs = [1e3 * (await page.turn(DIAL, stop)).seconds for stop in stops * REPEATS]
    return {RERUN: round(statistics.median(runs), 1), f"{RERUN}, worst": round(max(runs), 1)}


if __name__ == "__main__":
    sys.exit(main())
