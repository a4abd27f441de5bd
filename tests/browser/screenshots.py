"""Pictures of the real pages: ``python -m tests.browser.screenshots [DIR] [--cache DIR]``.

Without a directory it renews the pictures that the README shows. With one it writes every page there, wide and
narrow, light and dark, each as it opens and in full length. What is on the pages are the results that ship, or those
in ``--cache`` on top of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.chromium import HOW_TO_GET_IT, chromium, launched
from tests.browser.served import served
from tests.browser.tour import SIZES, THEMES, TOUR, arrive, height

README = Path(__file__).parents[2] / "dashboard" / "screenshots"
SHOWN = ("start", "explore", "compare")
"""Pages that the README shows."""

COLOURS = 256
LONGEST = 12_000  # pixels of a page in full length


def main() -> int:
    """Look and write."""
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
            for name, theme in product(TOUR if options.directory else SHOWN, THEMES):
                if options.directory is None:
                    _take(browser, server.address, name, theme, "wide", directory / f"{name}-{theme}.png")
                    continue
                for size in SIZES:
                    file = directory / f"{name}-{size}-{theme}.png"
                    _take(browser, server.address, name, theme, size, file, full=True)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="where all pictures are written")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="a cache to use, instead of a new one")
    return parser.parse_args()


def _take(browser: Browser, origin: str, name: str, theme: str, size: str, file: Path, *, full: bool = False) -> None:
    """One picture of a page as it opens and, in full, one of all that it scrolls through."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    arrive(page, origin, name)
    page.mouse.move(0, 0)
    _write(page, file)
    if full:
        page.set_viewport_size({"width": SIZES[size]["width"], "height": min(LONGEST, height(page))})
        _write(page, file.with_stem(f"{file.stem}-full"))
    context.close()


def _write(page: Page, file: Path) -> None:
    """A picture with a palette: a third of the bytes."""
    page.wait_for_timeout(1500)  # Streamlit fades new pieces in, and figures take their new width
    page.screenshot(path=file, animations="disabled")
    with Image.open(file) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
