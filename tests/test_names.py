"""Names that somebody else gave do no harm on any page: markup, emoji, right-to-left text, 300 characters.

They are those of populations, and those in an assessment, which may have been imported: of groups of records, which
become columns of tables and places on axes, of their properties, and of attacks.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cache.starter import Starter
from cache.store import Store
from dashboard.pages import compare, explore, methods, risk, start, sweep
from dashboard.panels.kept import FOLDER, served
from dashboard.results.chapters import chapters
from dashboard.serving.running import Running, set_running
from dashboard.state.view import View, point
from engine.populations.catalogue import POPULATIONS
from tests.handmade import whole

NASTY = (
    '<script>alert(1)</script><img src=x onerror="alert(1)"><a href="http://elsewhere.example">x</a>',
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


def protos(app: AppTest, *but: str) -> list[Any]:
    return [element.proto for element in (*app.main, *app.sidebar) if element.type not in but]


def texts(app: AppTest) -> list[str]:
    """All that Streamlit reads as Markdown: bodies, labels, tooltips, and the options that stand as buttons."""
    shown = protos(app, "html", "code")
    fields = ("body", "label", "help", "caption")
    of_fields = [getattr(proto, field, None) for proto in shown for field in fields]
    of_buttons = [option.content for group in app.get("button_group") for option in group.proto.options]
    return [text for text in (*of_fields, *of_buttons) if isinstance(text, str)]


def options(app: AppTest) -> list[str]:
    """What lists offer, which Streamlit shows as it is."""
    kinds = ("selectbox", "multiselect", "select_slider")
    return [option for kind in kinds for one in app.get(kind) for option in one.proto.options]


def sent(app: AppTest) -> list[Any]:
    """What the components of the dashboard are told, whatever browsers keep of it included."""
    return [whole_of(json.loads(one.proto.json)) for one in app.get("bidi_component") if one.proto.json]


def whole_of(told: Any) -> Any:
    """What a component is told; where it is told an address, what stands there."""
    if "kept" not in told:
        return told
    found = served(told["kept"].removeprefix(f"{FOLDER}/"))
    assert found is not None, told
    return json.loads(found[0])


def strings(value: object) -> Iterator[str]:
    """All texts in what a component is told."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


MARKDOWN = ("**bold**", "$x$", ":material/home:", "](", "http:", "<")


def assert_harmless(app: AppTest) -> None:
    """That nothing on the page is more than text."""
    assert not app.exception
    tags = Tags()
    for element in app.get("html"):
        tags.feed(element.proto.body)
    assert tags.found <= HARMLESS
    assert not tags.handlers
    assert not [link for link in tags.links if "elsewhere" in link or link.startswith("javascript")]
    for text in texts(app):
        read = re.sub(r"\\.", "", text)  # what a backslash stands before is text
        assert not [mark for mark in MARKDOWN if mark in read], text
    for told in sent(app):
        for text in strings(told.get("figure")):  # Plotly reads some tags, links among them
            assert not set(re.findall(r"<\s*/?\s*(\w+)", text)) - {"b", "br", "extra", "i", "sub", "sup"}, text


@pytest.mark.parametrize("page", PAGES)
def test_a_foreign_name_is_text_and_nothing_else(store, name, page):
    app = AppTest.from_function(script, args=(page,), default_timeout=60).run()
    assert_harmless(app)
    if page in {"explore", "risk"}:  # where populations are chosen
        assert name in options(app)
    if page in {"start", "explore"}:  # whose figures are there before anything is measured, or come with the package
        assert any(list(strings(told.get("figure"))) for told in sent(app))


@pytest.fixture(params=NASTY)
def measured(request, tmp_path):
    """A setting whose assessment has one name in all places where it has any."""
    name = request.param
    made: Any = whole()
    found = replace(
        made,
        groups=tuple(replace(group, by=name) for group in made.groups),
        reasons=tuple(replace(reason, name=name) for reason in made.reasons),
        verdicts=replace(made.verdicts, attacks=(name, name)),
        agreement=replace(made.agreement, attacks=(name, name)),
        ceilings=tuple(replace(ceiling, sentence=name) for ceiling in made.ceilings),
        crossing=replace(made.crossing, crossed=True, sentence=name),
        honesty=replace(made.honesty, threat_model=name, epsilon_assumes=name),
    )
    store = Store(tmp_path)
    set_running(Running(store=store))
    store.put_assessment(point(View()), found)
    yield name
    set_running(None)
    store.close()


@pytest.mark.parametrize(
    ("page", "opened", "places"),
    [
        ("explore", {"sections": "Who is at risk"}, 3),
        ("explore", {"sections": "Can I believe this?"}, 1),
        ("explore", {"sections": "ε from below and above"}, 1),
        ("risk", {"risk-tabs": "Groups"}, 3),
        ("risk", {}, 1),
    ],
    ids=["people", "belief", "proofs", "groups", "record"],
)
def test_foreign_names_in_an_assessment_are_text_and_nothing_else(measured, page, opened, places):
    app = AppTest.from_function(script, args=(page,), default_timeout=60)
    for key, value in opened.items():
        app.session_state[key] = value
    key = f"table-group-{measured.replace(' ', '-')}"
    if "risk-tabs" in opened or opened.get("sections") == "Who is at risk":
        app.session_state[key] = True
    app.run()
    assert_harmless(app)
    page_text = " ".join(unescape(element.proto.body) for element in app.get("html"))
    assert page_text.lower().count(measured.lower()) >= places
