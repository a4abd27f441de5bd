"""Pictures of the real pages: ``python -m tests.browser.screenshots [DIR] [--cache DIR]``.

With a directory every page is taken, wide and narrow, light and dark; without one the three pictures that the README
shows. The results are those that come with the package and those of the cache; what a page lacks is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.chromium import HOW_TO_GET_IT, chromium, launched
from tests.browser.places import NAMES, arrived, place
from tests.browser.served import served

README = Path(__file__).parents[2] / "dashboard" / "screenshots"
SHOWN = ("start", "compare", "risk")
"""The pages in the README."""

THEMES = ("light", "dark")
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
PATIENCE = 60_000  # milliseconds
COLOURS = 256


def main() -> int:
    """Look and write."""
    options = _options()
    executable = chromium()
    if executable is None:
        sys.stderr.write(f"{HOW_TO_GET_IT}\n")
        return 2
    expect.set_options(timeout=PATIENCE)
    directory = options.directory or README
    directory.mkdir(parents=True, exist_ok=True)
    names, sizes, themes = (NAMES, SIZES, THEMES) if options.directory else (SHOWN, ("wide",), ("light",))
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder)
        with served(cache, Path(folder) / "log.txt") as server, launched(executable) as browser:
            for name, size, theme in product(names, sizes, themes):
                end = "" if size == "wide" else f"-{size}"
                picture(browser, server.address, directory / f"{name}-{theme}{end}.png", name, size, theme)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="where all pictures are written")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="a cache to use and to fill, instead of a new one")
    return parser.parse_args()


def picture(browser: Browser, origin: str, file: Path, name: str, size: str, theme: str) -> None:
    """Take one picture of what a visitor sees who opens a page."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    arrived(page, origin, place(name))
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # Streamlit fades new pieces in
    page.screenshot(path=file, animations="disabled")
    context.close()
    _smaller(file)


def _smaller(file: Path) -> None:
    """The same picture with a palette: a third of the bytes."""
    with Image.open(file) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(file, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
