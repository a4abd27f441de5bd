"""Names that somebody else gave do no harm on any page: markup, emoji, right-to-left text, 300 characters."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cache.starter import Starter
from cache.store import Store
from dashboard.pages import compare, explore, methods, risk, start, sweep
from dashboard.results.chapters import chapters
from dashboard.serving.running import Running, set_running
from engine.populations.catalogue import POPULATIONS

NASTY = (
    '<script>alert(1)</script><img src=x onerror="alert(1)">',
    "![picture](http://elsewhere.example/x.png) [link](http://elsewhere.example) **bold** $x$ :material/home:",
    "🦊 \u202eשלום עולם\u202c",
    "n" * 300,
)
PAGES = {"start": start, "explore": explore, "compare": compare, "risk": risk, "sweep": sweep, "methods": methods}
HARMLESS = {
    "a",
    "article",
    "b",
    "br",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
} | {
    *("caption", "circle", "details", "g", "i", "label", "li", "line", "nav", "ol", "p", "path", "polyline", "rect"),
    *("section", "small", "span", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "text"),
    *("th", "thead", "time", "title", "tr", "ul"),
}


class Tags(HTMLParser):
    """The tags of a page with what they would do."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


@pytest.fixture(params=range(len(NASTY)))
def name(request, monkeypatch):
    """A name that all populations have, in all that is said of them."""
    nasty = NASTY[request.param]
    chapters.cache_clear()
    for key, info in POPULATIONS.items():
        monkeypatch.setitem(POPULATIONS, key, replace(info, title=nasty, about=nasty, shape=nasty))
    yield nasty
    chapters.cache_clear()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path, below=Starter())
    set_running(Running(store=store))
    yield store
    store.close()


def script(page: str) -> None:
    from tests.test_names import PAGES

    if page == "start":
        PAGES[page].page({})
    else:
        PAGES[page].page()


def texts(app: AppTest) -> list[str]:
    """All that Streamlit reads as Markdown: bodies, labels and tooltips."""
    shown = [*app.main, *app.sidebar]
    protos: list[Any] = [element.proto for element in shown if element.type != "html"]
    fields = ("body", "label", "help")
    return [
        getattr(proto, field) for proto in protos for field in fields if isinstance(getattr(proto, field, None), str)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_foreign_name_is_text_and_nothing_else(store, name, page):
    app = AppTest.from_function(script, args=(page,), default_timeout=60).run()
    assert not app.exception
    tags = Tags()
    for element in app.get("html"):
        tags.feed(element.proto.body)
    assert tags.found <= HARMLESS
    assert not tags.handlers
    assert not [link for link in tags.links if "elsewhere" in link or link.startswith("javascript")]
    for text in texts(app):
        assert not re.search(r"(?<!\\)!?\[(picture|link)(?<!\\)\]\(", text), text
