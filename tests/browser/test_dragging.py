import pytest
from playwright.sync_api import WebSocket, expect

from tests.browser.reading import (
    curve,
    dial,
    expect_measured,
    expect_rest,
    expect_stop,
    expect_true,
    press,
    query,
    sentence,
)

STRENGTH = "Regularization strength"
NUMBERS = ".pd-tiles"


@pytest.fixture(scope="module")
def shown(server, desks):
    """What the page of three stops shows: its sentence, its tiles and the bars of risk."""
    page, found = desks.page(), {}
    for strength in ("0.3", "0.1", "0"):
        page.goto(f"{server.address}/explore?{query(regularization=strength)}")
        expect_measured(page)
        values = page.locator(".pd-value").all_inner_texts()
        found[strength] = (sentence(page).inner_text(), values, bars(page))
    desks.leave()
    return found


DRAWN = (
    "[...document.querySelectorAll('.st-key-panel-glance .pd-plot')].map((plot) => plot.data?.map(({ y }) => [...y]))"
)


def bars(page):
    """The heights of the bars of risk as they are drawn."""
    expect_true(page, f"({DRAWN})[0] !== undefined")
    return page.evaluate(DRAWN)[0]


def expect_bars(page, heights):
    """Wait until the bars of risk have these heights."""
    expect_true(page, f"JSON.stringify(({DRAWN})[0]) === JSON.stringify({heights})")


def test_a_dial_dragged_over_measured_stops_shows_them_without_asking_the_server(visitor, shown):
    sent = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(len(frame)))

    page = visitor(query(), before=lambda page: page.on("websocket", watch))
    expect_measured(page)
    expect(curve(page).locator("path.point").first).to_be_visible()
    slider = dial(page, STRENGTH).get_by_role("slider")
    track = dial(page, STRENGTH).bounding_box()
    assert track is not None
    left, width = track["x"] + 5, track["width"] - 11
    height = page.get_by_test_id("stSliderThumbValue").nth(1).locator("..").bounding_box()
    assert height is not None
    y = height["y"] + height["height"] / 2

    def reach(stop: int) -> None:
        page.mouse.move(left + width * stop / 9, y, steps=4)
        expect(slider).to_have_value(str(stop))

    risk = page.locator(".st-key-panel-glance")
    expect(risk).to_have_css("opacity", "1")
    page.mouse.move(left, y)
    page.mouse.down()
    sent.clear()
    for stop, strength in ((1, "0.1"), (2, "0.3"), (1, "0.1")):
        reach(stop)
        expect(sentence(page)).to_have_text(shown[strength][0])
        expect(page.locator(".pd-value")).to_have_text(shown[strength][1])
        expect(page.locator(".st-key-panel-tradeoff .pd-drag b")).to_have_text(strength)
        expect(page.locator(".st-key-panel-tradeoff .pd-drag i")).to_be_visible()
        expect(risk).to_have_css("opacity", "1")
        expect(risk.locator(".pd-finding")).to_have_css("opacity", "0.3")  # its words are of the setting before
        expect_bars(page, shown[strength][2])
    reach(8)  # not measured
    expect(risk).to_have_css("opacity", "0.3")  # it is that of the setting before, as a whole
    assert bars(page) == shown["0"][2]
    expect(sentence(page)).to_have_text("This stop has not been measured yet.")
    expect(page.locator(".pd-value").first).to_have_text("–")
    reach(0)
    expect(sentence(page)).to_have_text(shown["0"][0])
    expect(page.locator(".st-key-panel-tradeoff .pd-drag i")).not_to_be_visible()
    expect(risk).to_have_css("opacity", "1")
    expect(risk.locator(".pd-finding")).to_have_css("opacity", "0.78")
    expect_bars(page, shown["0"][2])
    assert shown["0"][2] != shown["0.1"][2] != shown["0.3"][2]
    assert sent == []
    reach(2)
    page.mouse.up()
    expect_stop(page, STRENGTH, "0.3")
    expect(page.locator(".pd-dragged, .pd-elsewhere")).to_have_count(0)
    expect_rest(page)
    expect(sentence(page)).to_have_text(shown["0.3"][0])
    expect(page.locator(".pd-value")).to_have_text(shown["0.3"][1])


BUSY = "window.held = []; void (window.requestIdleCallback = (go) => window.held.push(go))"
"""Make a browser that never has nothing to do."""
IDLE = "window.requestIdleCallback = undefined; window.held.forEach((go) => go())"


def test_a_turned_dial_is_answered_by_the_figure_that_it_moves_before_the_others_follow(visitor, shown):
    page = visitor(query())
    expect_measured(page)
    expect_bars(page, shown["0"][2])
    expect_rest(page)
    moved, other = (page.locator(f".st-key-panel-{name} [data-drawn]") for name in ("tradeoff", "glance"))
    before, drawn = (figure.get_attribute("data-drawn") for figure in (moved, other))
    page.evaluate(BUSY)
    press(page, STRENGTH, "ArrowRight")
    expect(sentence(page)).to_have_text(shown["0.1"][0])
    expect(moved).not_to_have_attribute("data-drawn", before)
    expect_rest(page)
    expect(other).to_have_attribute("data-drawn", drawn)
    page.evaluate(IDLE)
    expect(other).not_to_have_attribute("data-drawn", drawn)
    expect_bars(page, shown["0.1"][2])
