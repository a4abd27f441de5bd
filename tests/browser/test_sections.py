"""The sections behind the headline, on a handmade measurement that has every part there is."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from cache.store import Store
from dashboard.state.view import View, point
from tests.browser.reading import expect_query, expect_rest, expect_true
from tests.browser.test_looks import THEMES, WIDTHS, violations
from tests.handmade import assessment, claim, headline, whole

VIEW = View(population="digits", contested=150, architecture="logistic", dp="1", models=8)
SECTIONS = (
    "What the attacker sees",
    "Few false alarms",
    "Who is at risk",
    "ε from below and above",
    "Can I believe this?",
)
SVG = "{http://www.w3.org/2000/svg}"
FOREIGN = '<script>alert(1)</script><img src=x onerror="alert(1)"> & <b>x</b> 🦊 \u202eשלום\u202c ' + "n" * 300
LINEAR = "document.querySelector('.st-key-panel-roc .js-plotly-plot')?._fullLayout?.xaxis.type === 'linear'"


@pytest.fixture(scope="module")
def address(server):
    """The query of the setting, whose measurement is in the cache."""
    store = Store(server.cache)
    store.put_assessment(point(VIEW), whole(headline(pairs=4, shadows=6, claim=claim(1.0))))
    store.close()
    return VIEW.address


def opened(page, title):
    """The section, brought to the front with the mouse."""
    expect_rest(page)
    page.get_by_role("tab", name=title).click()
    expect(page.get_by_role("tab", name=title)).to_have_attribute("aria-selected", "true")
    expect_rest(page)
    return page.get_by_role("tabpanel")


def rates(page):
    """TPR, FPR and PPV as they are read under the histogram."""
    return [page.locator(f"[data-rate={name}]").inner_text() for name in ("tpr", "fpr", "ppv")]


def slider(page):
    handle = page.get_by_role("slider", name=re.compile("^Threshold"))
    expect(page.locator(".pd-line")).to_be_visible()
    return handle


def test_the_threshold_moves_with_the_keyboard_under_its_line_and_moves_all_three_rates(visitor, address):
    page = visitor(address)
    handle = slider(page)
    assert rates(page) == ["100.0 %", "0.0 %", "too few false alarms to say"]
    handle.press("Home")
    assert rates(page) == ["100.0 %", "100.0 %", "too few false alarms to say"]
    expect(handle).to_have_attribute("aria-valuetext", re.compile(r"^-0\.50: finds 100\.0 % of the members"))
    handle.press("End")
    assert rates(page)[:2] == ["100.0 %", "0.0 %"]  # all members stand at the right end
    handle.press("Home")
    handle.press("ArrowRight")
    assert rates(page)[:2] == ["100.0 %", "0.0 %"]  # all others at the left end
    page.get_by_role("button", name="Where the attack decides").press("Enter")
    assert rates(page)[:2] == ["100.0 %", "0.0 %"]
    for key in ("Home", "End"):  # the slider stands under the line
        handle.press(key)
        line, track = page.locator(".pd-line").bounding_box(), handle.bounding_box()
        assert line is not None
        assert track is not None
        edge = track["x"] + 8 if key == "Home" else track["x"] + track["width"] - 8
        assert line["x"] + line["width"] / 2 == pytest.approx(edge, abs=2)


def test_a_threshold_that_moves_runs_its_part_of_the_page_alone_and_draws_nothing_anew(visitor, address):
    came: list[ForwardMsg] = []

    def hear(socket):
        socket.on("framereceived", lambda message: came.append(ForwardMsg.FromString(message)))

    page = visitor(address, before=lambda page: page.on("websocket", hear))
    handle = slider(page)
    expect_rest(page)
    figure = page.locator(".st-key-panel-scores .pd-figure")
    drawn = figure.get_attribute("data-drawn")
    came.clear()
    handle.press("Home")
    expect_query(page, "threshold=-0.5")
    page.get_by_label("Members among those asked about").select_option("1 in 10")
    expect_query(page, "threshold=-0.5", "prior=0.1")
    expect_rest(page)
    ended = [message.script_finished for message in came if message.WhichOneof("type") == "script_finished"]
    assert set(ended) == {ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}
    assert figure.get_attribute("data-drawn") == drawn


def test_the_threshold_of_one_attack_is_not_kept_for_another(visitor, server, address):
    store = Store(server.cache)
    other = replace(VIEW, attack="loss")
    store.put_assessment(point(other), whole(headline(attack="loss", pairs=4, shadows=6, claim=claim(1.0))))
    store.close()
    page = visitor(address)
    handle = slider(page)
    begun = handle.get_attribute("aria-valuetext")
    handle.press("Home")
    expect_query(page, "threshold=-0.5")
    assert handle.get_attribute("aria-valuetext") != begun
    expect_rest(page)
    page.get_by_role("button", name="Attack: LiRA").click()
    page.get_by_role("dialog").get_by_role("button", name="Loss threshold", exact=True).press("Enter")
    expect(page).not_to_have_url(re.compile("threshold="))
    expect_query(page, "attack=loss")
    expect(handle).to_have_attribute("aria-valuetext", str(begun))


def test_a_prior_changes_how_many_accusations_are_right_and_nothing_else(visitor, server):
    view = View(population="digits", contested=200, architecture="logistic", models=8)
    store = Store(server.cache)
    store.put_assessment(point(view), assessment(headline(pairs=4, shadows=6)))
    store.close()
    page = visitor(view.address)
    slider(page)
    assert rates(page) == ["70.0 %", "30.0 %", "70.0 %"]
    page.get_by_label("Members among those asked about").select_option("1 in 10")
    assert rates(page) == ["70.0 %", "30.0 %", "20.6 %"]


def test_the_line_can_be_dragged_and_stays_where_it_is_when_the_page_runs_again(visitor, address):
    page = visitor(address)
    handle = slider(page)
    line = page.locator(".pd-line")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 120, box["y"] + 60, steps=6)
    page.mouse.up()
    moved = line.bounding_box()
    assert moved is not None
    assert moved["x"] - box["x"] == pytest.approx(120, abs=4)
    told = handle.get_attribute("aria-valuetext")
    page.get_by_text("Show the numbers as a table").last.click()
    expect(page.get_by_role("table")).to_be_visible()
    expect_rest(page)
    assert handle.get_attribute("aria-valuetext") == told


def test_a_copied_address_shows_a_stranger_the_same(visitor, address):
    page = visitor(address)
    handle = slider(page)
    handle.press("Home")
    page.get_by_label("Members among those asked about").select_option("1 in 10")
    expect_query(page, "threshold=-0.5", "prior=0.1")
    told = handle.get_attribute("aria-valuetext")
    opened(page, "Few false alarms")
    page.get_by_role("radio", name="linear").click()
    expect_query(page, "section=rates", "axes=linear", "threshold=-0.5")
    expect_rest(page)
    other = visitor(page.url.partition("?")[2])
    expect(other.get_by_role("radio", name="linear")).to_be_checked()
    expect_true(other, LINEAR)
    expect_rest(other)
    text = page.get_by_test_id("stMain").inner_text()
    expect(other.get_by_test_id("stMain")).to_have_text(re.compile("Few false alarms"))
    assert other.get_by_test_id("stMain").inner_text() == text
    assert other.url == page.url
    opened(other, "What the attacker sees")
    assert slider(other).get_attribute("aria-valuetext") == told
    opened(other, "Who is at risk").get_by_role("group", name="Records").get_by_role("button").last.press("Enter")
    expect_query(other, "section=people", "record=1")
    third = visitor(other.url.partition("?")[2])
    expect(third.get_by_role("heading", name="Record 1, class 1")).to_be_visible()


def test_the_roc_changes_its_axes_and_keeps_its_node_and_contradicting_bounds_are_an_alert(visitor, address):
    page = visitor(address)
    opened(page, "Few false alarms")
    figure = page.locator(".st-key-panel-roc .js-plotly-plot")
    expect(figure.locator(".legendtext").first).to_be_visible()
    assert figure.evaluate("node => node._fullLayout.xaxis.type") == "log"
    figure.evaluate("node => { node.mine = true; }")
    page.get_by_role("radio", name="linear").click()
    expect_true(page, LINEAR)
    assert figure.evaluate("node => node.mine") is True
    expect(figure.get_by_text("ceiling, proved")).to_be_visible()
    opened(page, "ε from below and above")
    expect(page.get_by_role("alert")).to_contain_text("Both cannot hold: there is a bug, or an assumption is broken")


def test_a_record_chosen_with_the_keyboard_tells_its_story(visitor, address):
    page = visitor(address)
    opened(page, "Who is at risk")
    cards = page.get_by_role("group", name="Records").get_by_role("button")
    expect(cards).to_have_count(2)
    first, second = cards.all()
    expect(first).to_have_attribute("aria-pressed", "true")
    assert first.locator("canvas").evaluate("node => [node.width, node.height]") == [2, 2]
    expect(page.get_by_role("heading", name="Record 2, class 3")).to_be_visible()
    second.focus()
    second.press("Enter")
    expect(page.get_by_role("heading", name="Record 1, class 1")).to_be_visible()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(second).to_be_focused()
    verdict = page.locator(".st-key-list-verdicts").get_by_role("row", name="Loss threshold")
    expect(verdict).to_have_text("Loss threshold0 %100 %")


def test_the_list_of_attacks_opens_closes_with_escape_and_chooses_with_the_keyboard(visitor, address):
    page = visitor(address)
    expect_rest(page)
    button = page.get_by_role("button", name="Attack: LiRA")
    button.click()
    listed = page.get_by_role("dialog", name="Which attack?")
    expect(listed.get_by_role("heading", name="Labels only")).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed).to_have_count(0)
    expect_rest(page)
    button.press("Enter")
    listed.get_by_role("button", name="Loss threshold", exact=True).press("Enter")
    expect(listed).to_have_count(0)
    expect(page.get_by_role("button", name="Attack: Loss threshold")).to_be_visible()
    expect(page).to_have_url(re.compile("attack=loss"))


def test_a_figure_with_a_foreign_name_is_saved_as_whole_xml_in_which_the_name_is_text(visitor, server, tmp_path):
    view, made = replace(VIEW, contested=200), whole(headline(pairs=4, shadows=6, claim=claim(1.0)))
    store = Store(server.cache)
    store.put_assessment(point(view), replace(made, groups=tuple(replace(one, by=FOREIGN) for one in made.groups)))
    store.close()
    page = visitor(f"{view.address}&section=people")
    button = page.get_by_role("button", name=re.compile("^Save “Risk by .*” as SVG$"))
    expect(page.locator(".js-plotly-plot .ytick").last).to_be_visible()
    expect_rest(page)
    with page.expect_download() as arriving:
        button.press("Enter")
    arriving.value.save_as(tmp_path / "svg")
    drawing = ElementTree.fromstring((tmp_path / "svg").read_text(encoding="utf-8"))
    texts = ["".join(node.itertext()) for node in drawing.iter(f"{SVG}text")]
    assert f"Risk by {FOREIGN}" in texts
    assert any(FOREIGN in text and not text.startswith("Risk by") for text in texts)
    assert {node.tag.removeprefix(SVG) for node in drawing.iter()}.isdisjoint({"script", "img", "image", "a"})


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_any_section_nor_in_the_list_of_attacks(visitor, address, theme):
    page = visitor(address, color_scheme=theme)
    for title in SECTIONS:
        opened(page, title)
        expect(page.locator(".js-plotly-plot .legendtext").last).to_be_visible()
        assert violations(page) == "", title
    page.get_by_role("button", name="Attack: LiRA").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == ""


def test_no_section_makes_a_narrow_page_scroll_sideways(visitor, address):
    page = visitor(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for title in SECTIONS:
        opened(page, title)
        expect(page.locator(".js-plotly-plot .legendtext").last).to_be_visible()
        assert max(page.evaluate(WIDTHS)) <= 0, title
