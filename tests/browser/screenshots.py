"""Pictures of the real page: ``python -m tests.browser.screenshots [DIR] [--cache DIR]``.

Measures a handful of settings, so that the page has something to tell, and writes it in light and dark. Without a
directory it writes the pictures of Start and Explore that the README shows; with one also narrow and full pages.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import HOW_TO_GET_IT, chromium, launched
from tests.browser.reading import curve, expect_measured, expect_query, expect_rest, expect_stop, press
from tests.browser.served import served

README = Path(__file__).parents[2] / "dashboard" / "screenshots"
MEASURED = (*(f"regularization={strength}" for strength in ("0", "1", "3", "10", "20", "50")), "dp=1", "noise=0.05")
"""URL queries of the settings that are measured."""

NOISE = ("0.005", "0.01", "0.02", "0.03", "0.05")
STRENGTHS = ("0.1", "0.3", "1", "2", "3")
"""Stops on the way to those that are looked at."""

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
COLOURS = 256


def main() -> int:
    """Measure, look, write."""
    options = _options()
    executable = chromium()
    if executable is None:
        sys.stderr.write(f"{HOW_TO_GET_IT}\n")
        return 2
    directory = options.directory or README
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder)
        with served(cache, Path(folder) / "log.txt") as server, launched(executable) as browser:
            _measure(browser, server.address)
            for theme in ("light", "dark"):
                _start(browser, server.address, directory / f"start-{theme}.png", theme, WIDE)
                if options.directory:
                    _start(browser, server.address, directory / f"start-{theme}-narrow.png", theme, NARROW)
                _picture(browser, server.address, directory / f"explore-{theme}.png", theme)
                if options.directory:
                    _picture(browser, server.address, directory / f"explore-{theme}-full.png", theme, full=True)
                    _picture(browser, server.address, directory / f"narrow-{theme}.png", theme, size=NARROW)
                    _picture(
                        browser, server.address, directory / f"narrow-{theme}-full.png", theme, size=NARROW, full=True
                    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="where all pictures are written")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="a cache to use and to fill, instead of a new one")
    return parser.parse_args()


def _measure(browser: Browser, address: str) -> None:
    """Fill the cache with the settings of the story."""
    page = browser.new_page()
    for query in MEASURED:
        page.goto(f"{address}/explore?{query}")
        expect_measured(page)
    page.close()


def _start(browser: Browser, address: str, file: Path, theme: str, size: dict[str, int]) -> None:
    """Take one picture of the page that opens."""
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("link", name="Sweet spot")).to_be_visible()
    expect(page.locator(".st-key-panel-story path.point").first).to_be_visible()
    page.wait_for_timeout(1500)  # Streamlit fades new pieces in
    page.screenshot(path=file, animations="disabled")
    context.close()
    _smaller(file)


def _picture(
    browser: Browser, address: str, file: Path, theme: str, *, size: dict[str, int] = WIDE, full: bool = False
) -> None:
    """Take one picture of what a new visitor sees who has turned some dials."""
    context = browser.new_context(viewport=WIDE, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{address}/explore?dp=1")
    _turn_dials(page)
    if size != WIDE:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    page.mouse.move(0, 0)
    if full:
        page.set_viewport_size({"width": size["width"], "height": _height(page)})
    page.wait_for_timeout(1500)  # Streamlit fades new pieces in, and the figure takes its new width
    page.screenshot(path=file, animations="disabled")
    context.close()
    _smaller(file)


def _turn_dials(page: Page) -> None:
    """From DP noise to noise after training to a strength of 3: the first two stay in the figure as ghosts."""
    expect_measured(page)
    press(page, "DP noise", "Home")
    expect_stop(page, "DP noise", "off")
    _turn(page, "Noise after training", "noise", NOISE)
    press(page, "Noise after training", "Home")
    expect_stop(page, "Noise after training", "0")
    expect_rest(page)
    _turn(page, "Regularization strength", "regularization", STRENGTHS)
    expect(curve(page).locator("path.point").first).to_be_visible()


def _turn(page: Page, title: str, name: str, stops: tuple[str, ...]) -> None:
    """Turn a dial stop by stop, and wait at the last one until it has been measured."""
    for stop in stops:
        press(page, title, "ArrowRight")
        expect_query(page, f"{name}={stop}")
        expect_rest(page)
    expect_measured(page)


def _height(page: Page) -> int:
    """Of all that the page scrolls through: it does so inside an element of its own."""
    return page.get_by_test_id("stMain").evaluate("node => node.scrollHeight")


def _smaller(file: Path) -> None:
    """The same picture with a palette: a third of the bytes."""
    with Image.open(file) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
