"""Browsers at which one visitor after another sits down: each finds the dashboard's files there, and nothing else."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

PATIENCE = 20_000  # milliseconds
_WIDE: ViewportSize = {"width": 1280, "height": 900}
_LEFT = "cookies,local_storage,indexeddb"  # what a session stored goes with its page
_LOOKS = ("color_scheme", "reduced_motion")


class Desks:
    """Contexts of a browser, by what cannot be changed in them; no two visitors sit at one at a time."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self._browser, self._origin = browser, origin
        self._free: defaultdict[str, list[BrowserContext]] = defaultdict(list)
        self._taken: list[tuple[str, BrowserContext]] = []

    def page(self, **options: Any) -> Page:
        """A blank page for somebody new, with Playwright's options of a context."""
        looks = {name: options.pop(name) for name in _LOOKS if options.get(name)}
        size = None if options.get("is_mobile") else options.pop("viewport", _WIDE)
        kind = json.dumps(options, sort_keys=True)
        context = self._free[kind].pop() if self._free[kind] else self._browser.new_context(**options)
        self._taken.append((kind, context))
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        if size:
            page.set_viewport_size(size)
        page.emulate_media(**looks)
        return page

    def leave(self) -> None:
        """All visitors go; what their pages stored goes with them, and what the browser keeps of files stays."""
        for kind, context in self._taken:
            blank = context.new_page()
            for page in context.pages:
                if page is not blank:
                    page.close()
            session = context.new_cdp_session(blank)
            session.send("Storage.clearDataForOrigin", {"origin": self._origin, "storageTypes": _LEFT})
            blank.close()
            self._free[kind].append(context)
        self._taken.clear()

    def close(self) -> None:
        """Close all that nobody sits at."""
        for contexts in self._free.values():
            for context in contexts:
                context.close()
