"""The entrance and the frames, in a browser: what Chromium permits, beside what our headers say."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.desks import PATIENCE
from tests.browser.reading import expect_rest
from tests.browser.relay import counted
from tests.browser.served import served
from tests.browser.test_looks import WIDTHS

CODE = "open sesame 42"
SLIDES = "http://slides.example"
COLD, WARM = 3_500_000, 10_000  # bytes that come over the wire


class _Deck(BaseHTTPRequestHandler):
    """Slides on another port, and so of another origin, that show in a frame what their query says."""

    def do_GET(self):
        target = self.path.partition("?")[2]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<!DOCTYPE html><iframe src="{target}"></iframe>'.encode())

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        pass


@pytest.fixture(scope="module")
def deck():
    """The origin of the slides."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Deck) as slides:
        thread = Thread(target=slides.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{slides.server_port}"
        slides.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def room(deck, cache, tmp_path_factory):
    """A dashboard of a class, which those slides may show."""
    log = tmp_path_factory.mktemp("room") / "log.txt"
    with served(cache, log, "--class", "--room-code", CODE, "--embed-from", deck) as server:
        yield server


@pytest.fixture
def page(browser):
    """A page that has the site of somebody's slides beside it, and the policy's violations in a list."""
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        violations = []
        page.on("console", lambda said: violations.append(said.text) if "Content Security" in said.text else None)
        yield page
        assert not [text for text in violations if "frame-ancestors" not in text]


def slides(page, body):
    """A page of another site."""
    page.route(f"{SLIDES}/*", lambda route: route.fulfill(body=f"<!DOCTYPE html>{body}", content_type="text/html"))
    page.goto(f"{SLIDES}/")


def come_in(page):
    page.get_by_label("Room code").fill(CODE.upper())
    page.get_by_label("Room code").press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Enter the room code")
    expect_rest(page)


def test_the_room_code_is_asked_for_once_and_leads_to_the_setting_of_the_link(room, page):
    page.goto(f"{room.address}/explore?noise=0.05")
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the room code")
    page.get_by_label("Room code").fill("another")
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the code of this room.")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    come_in(page)
    expect(page).to_have_url(re.compile(r"noise=0\.05"))
    expect(page.get_by_text("Only what has been measured can be chosen here")).to_be_visible()
    assert page.evaluate("document.cookie.includes('room')") is False
    slides(page, f'<a href="{room.address}/explore?noise=0.1">again</a>')
    page.get_by_role("link").click()  # from another site, and so without the cookie
    expect(page.get_by_text("Only what has been measured can be chosen here")).to_be_visible()


def test_only_a_named_origin_may_frame_the_dashboard(deck, room, server, page):
    page.goto(f"{deck}/?{room.address}/?embed=true")
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("Enter the room code")
    with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
        page.goto(f"{deck}/?{server.address}/?embed=true")


def test_a_frame_of_our_own_shows_the_page_without_what_is_hidden(server, page):
    inner = f"{server.address}/explore?embed=true&hide=rail,sections,pages"
    body = f'<!DOCTYPE html><iframe src="{inner}" width="800" height="700"></iframe>'
    page.route("**/deck", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{server.address}/deck")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text(re.compile("^Of 500 members"))
    expect(frame.locator(".js-plotly-plot .legendtext").first).to_be_visible()
    expect(frame.get_by_test_id("stSidebar")).to_have_count(0)
    expect(frame.get_by_role("tab")).to_have_count(0)
    expect(frame.get_by_role("link", name="Sweep")).to_have_count(0)
    assert max(page.frames[1].evaluate(WIDTHS)) <= 0


def weighed(page, wire):
    """The bytes that come when somebody opens the landing page."""
    before = wire.down
    page.goto(wire.address)
    expect(page.locator(".js-plotly-plot .legendtext").first).to_be_visible()
    expect(page.locator(".pd-preset")).to_have_count(5)
    expect_rest(page)
    page.wait_for_load_state("networkidle")
    return wire.down - before


def test_the_landing_page_is_light_and_hardly_anything_comes_twice(server, page):
    with counted(server) as wire:
        cold, warm = (weighed(page, wire) for _ in range(2))
    assert cold <= COLD
    assert warm <= WARM


def test_a_file_beyond_the_limit_is_refused_with_a_sentence(server, page):
    page.goto(f"{server.address}/sweep")
    page.get_by_text("A file", exact=True).click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "a.toml", "mimeType": "text/plain", "buffer": b"#" * 5_500_000}
    )
    expect(page.get_by_text(re.compile("File must be .* or smaller"))).to_be_visible()
