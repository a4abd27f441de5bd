from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.reading import (
    dial,
    expect_measured,
    expect_query,
    expect_rest,
    expect_stop,
    expect_true,
    press,
    query,
)

STRENGTH = "Regularization strength"


class Held:
    """What the server sends waits on the way until it is let go; what the browser sends does not."""

    def __init__(self, page):
        self.page, self.late, self.closed = page, [], False
        page.route_web_socket("**/_stcore/stream", self.between)

    def between(self, socket):
        self.socket = socket
        server = socket.connect_to_server()
        server.on_message(self.came)

    def came(self, message):
        if self.closed:
            self.late.append(message)
        else:
            self.socket.send(message)

    def turned(self, key):
        """Press a key on the dial, and wait until the page that answers it is on its way."""
        before = len(self.late)
        dial(self.page, STRENGTH).get_by_role("slider").press(key)
        for _ in range(400):
            if any(ForwardMsg.FromString(m).WhichOneof("type") == "script_finished" for m in self.late[before:]):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("no page within 20 s")

    def let_go(self):
        self.closed = False
        for message in self.late:
            self.socket.send(message)
        self.late.clear()


def measured(visitor):
    """A page at rest, and what stands between it and its server."""
    page = visitor("models=16")
    held = Held(page)
    page.reload()
    expect_measured(page)
    return page, held


def test_turns_count_that_set_out_before_the_page_of_the_turn_before_has_arrived(visitor):
    page, held = measured(visitor)
    start = page.url
    held.closed = True
    held.turned("ArrowRight")
    held.turned("ArrowLeft")  # there and back
    held.let_go()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    expect_rest(page)
    expect(page).to_have_url(start)
    expect(page.get_by_role("radio", name="Overfitted")).to_be_checked()
    held.closed = True
    held.turned("ArrowRight")
    held.turned("ArrowRight")  # while the preset that is left is still marked in the browser
    held.let_go()
    expect_query(page, "regularization=0.3")
    expect_stop(page, STRENGTH, "0.3")
    expect_rest(page)
    expect_query(page, "regularization=0.3")


def test_steps_count_that_come_faster_than_the_pages_they_ask_for(visitor):
    page, held = measured(visitor)
    start = page.url
    for stop in ("0.1", "0.3", "1"):
        press(page, STRENGTH, "ArrowRight")
        expect_query(page, f"regularization={stop}")
    expect_rest(page)
    there = page.url
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(page).to_have_url(start)
    expect_rest(page)
    held.closed = True  # the page still says that nothing can be undone when all keys are pressed
    for step in ("Shift+Z", "Shift+Z", "z", "Shift+Z", "Shift+Z"):
        page.keyboard.press(f"Control+{step}")
    held.let_go()
    expect(page).to_have_url(there)
    expect_stop(page, STRENGTH, "1")
    page.get_by_role("button", name="Undo").dblclick()
    expect_query(page, "regularization=0.1")
    expect_stop(page, STRENGTH, "0.1")


WITHOUT_ITS_SESSION = """
window.WebSocket = class extends WebSocket {
  constructor(url, [own, token]) {
    super(url, [own, token]); // the third would be the session that the page had
    window.ofThePage = this;
  }
};
"""


def test_a_new_session_on_the_same_document_takes_no_step_of_the_one_before(visitor):
    page = visitor("models=16", before=lambda page: page.add_init_script(WITHOUT_ITS_SESSION))
    expect_measured(page)
    for stop in ("0.1", "0.3"):
        press(page, STRENGTH, "ArrowRight")
        expect_query(page, f"regularization={stop}")
    expect_rest(page)
    for _ in range(2):
        page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    expect_rest(page)
    page.evaluate("(window.lost = window.ofThePage).close()")
    expect_true(page, "window.ofThePage !== window.lost && window.ofThePage.readyState === WebSocket.OPEN")
    press(page, STRENGTH, "ArrowRight")  # begins the new session, at what the address says
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()
    expect_stop(page, STRENGTH, "0")
    expect_rest(page)
    for stop in ("0.1", "0.3", "1"):
        press(page, STRENGTH, "ArrowRight")
        expect_query(page, f"regularization={stop}")
    expect_rest(page)
    page.keyboard.press("Control+z")
    expect_query(page, "regularization=0.3")
    expect_stop(page, STRENGTH, "0.3")
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    expect_rest(page)
    expect_query(page, "regularization=0.3")  # one step, whatever the session before had counted


def test_keys_and_buttons_undo_and_redo_and_a_text_field_keeps_its_own(visitor):
    page = visitor(query())
    expect_measured(page)
    start = page.url
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    press(page, "Noise after training", "ArrowRight")
    expect_query(page, "noise=0.005")
    press(page, "Regularization strength", "ArrowRight")
    expect_query(page, "noise=0.005", "regularization=0.1")
    expect_measured(page)
    there = page.url
    page.keyboard.press("Control+z")
    expect_stop(page, "Regularization strength", "0")
    expect_query(page, "noise=0.005", "sweep=noise")
    expect_rest(page)
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(start)
    expect_rest(page)
    page.keyboard.press("Control+Shift+z")
    expect_query(page, "noise=0.005", "sweep=noise")
    expect_rest(page)
    typed = page.get_by_role("combobox", name="Population")
    typed.fill("abc")
    typed.press("Control+z")
    expect(typed).not_to_have_value("abc")  # the field's own undo
    typed.press("Escape")
    expect_query(page, "noise=0.005", "sweep=noise")
    page.get_by_role("button", name="Redo").click()
    expect(page).to_have_url(there)
