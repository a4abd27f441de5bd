import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from dashboard.panels import kept
from dashboard.panels.kept import FOLDER, MOST, STYLE, served
from dashboard.serving.dressed import Dressed
from tests.asgi import request

LINK = f'<body class="a"><link rel="stylesheet" href="{STYLE}"><p>Words</p></body>'


def file(told):
    return told["kept"].removeprefix(f"{FOLDER}/")


@pytest.fixture
def app():
    """A page, words, and what was not found."""

    async def page(_request):
        return HTMLResponse('<body class="a"><p>Words</p></body>', headers={"Last-Modified": "yesterday"})

    async def words(_request):
        return PlainTextResponse("<body>")

    async def missing(_request):
        return HTMLResponse("<body>", 404)

    routes = [Route("/", page), Route("/words", words), Route("/missing", missing)]
    return Dressed(Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=1)]))


def test_data_go_out_as_an_address_that_changes_with_them_and_leads_to_them():
    one, same, other = (kept.kept("figure", {"alt": alt}) for alt in ("naïve ☂", "naïve ☂", "other"))
    assert one == same != other
    content, media_type = served(file(one)) or ("", "")
    assert (json.loads(content), media_type) == ({"alt": "naïve ☂"}, "application/json")
    assert served("figure-0123.json") is None
    assert served("../app.css") is None


def test_what_nobody_hands_in_any_more_is_let_go():
    first, second = (kept.kept("figure", {"at": at}) for at in (-2, -1))
    for at in range(MOST - 1):
        kept.kept("figure", {"at": at})
        kept.kept("figure", {"at": -1})
    assert served(file(first)) is None
    assert served(file(second)) is not None


def test_the_style_sheet_stands_in_every_page_and_holds_the_styles_of_all_components(app):
    content, media_type = served(STYLE.removeprefix(f"{FOLDER}/")) or ("", "")
    assert media_type == "text/css"
    for rule in (".pd-headline {", ".pd-figure {", ".pd-threshold {", ".pd-preset {", ".pd-card {", ".pd-history {"):
        assert rule in content
    page = request(app)
    assert (page.status, page.text, page.headers["Content-Length"]) == (200, LINK, str(len(LINK)))
    assert "Last-Modified" not in page.headers


def test_a_page_that_comes_packed_is_unpacked_to_be_dressed(app):
    page = request(app, headers={"accept-encoding": "gzip"})
    assert (page.text, page.headers["Content-Length"]) == (LINK, str(len(LINK)))
    assert "Content-Encoding" not in page.headers


def test_a_page_is_sent_again_only_to_who_has_another_one(app):
    tag = request(app).headers["ETag"]
    again = request(app, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
    assert "Content-Length" not in again.headers
    assert request(app, headers={"if-none-match": '"other"'}).status == 200


def test_a_page_says_of_itself_without_its_body_what_it_says_with_it(app):
    for asked in ({}, {"accept-encoding": "gzip"}, {"if-none-match": request(app).headers["ETag"]}):
        head, page = (request(app, method=method, headers=asked) for method in ("HEAD", "GET"))
        assert (head.status, head.headers, head.text) == (page.status, page.headers, "")


def test_what_is_no_page_stays_as_it_is(app):
    assert request(app, "/words").text == request(app, "/missing").text == "<body>"
    for path in ("/words", "/missing"):
        head, whole = (request(app, path, method=method) for method in ("HEAD", "GET"))
        assert (head.status, head.headers, head.text) == (whole.status, whole.headers, "")
