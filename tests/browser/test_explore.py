import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.reading import (
    NOT_MEASURED,
    TRAINING,
    choose,
    click_point,
    curve,
    dial,
    expect_measured,
    expect_query,
    expect_rest,
    expect_stop,
    path_points,
    press,
    query,
    sentence,
)

DIALS = ("Architecture", "Regularization strength", "DP noise", "Noise after training", "Contested records N")
SLOW = "architecture=lstm-64&contested=3500"
STRENGTH = "Regularization strength"

ARRIVALS = """
CREATE TABLE arrival (kind TEXT);
CREATE TRIGGER wave_arrives AFTER INSERT ON wave BEGIN INSERT INTO arrival VALUES ('wave'); END;
CREATE TRIGGER assessment_arrives AFTER INSERT ON assessment BEGIN INSERT INTO arrival VALUES ('assessment'); END;
"""
NO_ARRIVALS = "DROP TRIGGER wave_arrives; DROP TRIGGER assessment_arrives; DROP TABLE arrival;"
RANGES = "node => [...node._fullLayout.xaxis.range, ...node._fullLayout.yaxis.range]"
SAMPLED = """
node => {
  const told = window.sampled = { frames: 0, flashes: [] };
  (function look() {
    told.frames += 1;
    if (!node.isConnected || !node.querySelector("path.point")) told.flashes.push("no points");
    for (let around = node; around; around = around.parentElement) {
      if (Number(getComputedStyle(around).opacity) < 1) told.flashes.push(around.className);
    }
    requestAnimationFrame(look);
  })();
}
"""
"""From now on every frame in which a figure has no points, or is fainter than it should be, is noted."""
WATCH = """
window.seen = "";
new MutationObserver(() => { window.seen += document.body?.innerText ?? ""; })
  .observe(document, { childList: true, subtree: true, characterData: true });
"""


@pytest.fixture(scope="module")
def path(server, desks):
    """Three measured stops of the regularization dial, for those who look at a curve."""
    page = desks.page()
    for strength in ("0", "1", "50"):
        page.goto(f"{server.address}/explore?{query(regularization=strength)}")
        expect_measured(page)
    desks.leave()


def test_a_visitor_sees_the_title_the_dials_and_the_progress_of_the_training(visitor):
    page = visitor(SLOW)
    expect(page).to_have_title("Privacy Dial")
    expect(sentence(page)).to_have_text(NOT_MEASURED)
    for title in DIALS:
        expect(dial(page, title).get_by_role("slider")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Measure this")).to_be_visible()


def test_a_new_setting_becomes_a_measured_point_with_its_figures(visitor):
    page = visitor(query(noise="0.01"))
    expect_measured(page)
    expect(page.get_by_text("For these 100 records of a demonstration set")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="8 models")).to_be_visible()
    expect(path_points(page)).to_have_count(1)
    expect(page.locator(".st-key-panel-scores .js-plotly-plot .plot-container")).to_be_visible()
    expect(page.get_by_role("tab")).to_have_count(5)


@pytest.mark.parametrize(
    ("title", "key", "stop", "part"),
    [
        ("Architecture", "ArrowRight", "MLP 32", "architecture=mlp-32"),
        (STRENGTH, "ArrowRight", "0.1", "regularization=0.1"),
        ("DP noise", "End", "σ 4", "dp=4"),
        ("Noise after training", "ArrowRight", "0.005", "noise=0.005"),
        ("Contested records N", "ArrowRight", "150", "contested=150"),
    ],
)
def test_a_dial_moved_with_the_keyboard_brings_a_new_point_and_a_new_url(visitor, path, title, key, stop, part):
    page = visitor(query())
    expect_measured(page)
    press(page, title, key)
    expect_stop(page, title, stop)
    expect_query(page, part)
    marks = page.locator(".pd-marks").filter(has_text=re.compile(rf"Measured:.* {re.escape(stop)}[,;]"))
    expect(marks).to_have_count(1, timeout=TRAINING)
    expect_measured(page)
    expect(page.get_by_role("combobox", name="Path along")).to_have_value(title)
    assert path_points(page).count() >= 2


def test_options_of_the_architecture_turn_it_and_stay_open_with_all_others_kept(visitor):
    page = visitor(query(architecture="lstm-4"))
    page.get_by_role("button", name="Options").click()
    page.get_by_role("radio", name="both ways").click()
    expect_stop(page, "Architecture", "BiLSTM 4")
    page.get_by_role("spinbutton", name="Layers").press("ArrowUp")
    expect_stop(page, "Architecture", "BiLSTM 4×2")
    page.get_by_role("radio", name="mean of all").click()
    expect_stop(page, "Architecture", "BiLSTM 4×2 mean")
    expect_query(page, "architecture=lstm-4x2-bidirectional-mean", "sweep=architecture")
    page.get_by_role("spinbutton", name="Hidden units").fill("40")
    page.get_by_role("spinbutton", name="Hidden units").press("Enter")
    expect_stop(page, "Architecture", "BiLSTM 40×2 mean")
    expect(page.get_by_text(re.compile(r"^BiLSTM 40×2 mean has [\d,]+ parameters, MLP \d+ has"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect_stop(page, "Architecture", "BiLSTM 4×2 mean")
    expect_measured(page)


def test_another_attack_brings_a_new_point_and_a_new_url(visitor, path):
    page = visitor(query())
    expect_measured(page)
    page.get_by_role("button", name="Attack: LiRA").click()
    page.get_by_role("dialog").get_by_role("button", name="Loss threshold", exact=True).click()
    expect(page.get_by_text("Attack: Loss threshold, 8 models attacked")).to_be_visible(timeout=TRAINING)
    expect_measured(page)
    expect_query(page, "attack=loss", "models=8")


def test_another_population_brings_a_new_point_and_a_new_url(visitor, path):
    page = visitor(query())
    expect_measured(page)
    choose(page, "Population", "MNIST digits 28 × 28")
    expect(page.get_by_text("these 1,000 records")).to_be_visible(timeout=TRAINING)
    expect_measured(page)
    expect_query(page, "architecture=logistic", "models=8")


def test_the_attacker_who_does_not_adapt_stands_beside_the_one_who_does(visitor):
    page = visitor(query(regularization="20"))
    expect_measured(page)
    expect(page.get_by_text("Attack AUC, does not adapt")).to_have_count(0)
    page.get_by_role("radio", name="does not adapt").click()
    expect(page.get_by_text("6 shadow models without the defence").first).to_be_visible(timeout=TRAINING)
    expect_measured(page)
    both = page.locator(".pd-both").inner_text()
    assert re.search(r"adapts to the defence\s+\.\d{3}.*does not adapt\s+\.\d{3}.*Difference", both, re.DOTALL)
    page.get_by_role("radio", name="adapts", exact=True).click()
    expect(page).not_to_have_url(re.compile("calibration"))
    expect_rest(page)
    expect(page.locator(".pd-both")).to_have_text(both, use_inner_text=True)


def test_more_models_start_from_those_that_there_are(visitor, path):
    page = visitor(query())
    expect_measured(page)
    page.get_by_role("radio", name="8", exact=True).press("ArrowRight")
    page.get_by_role("radio", name="16", exact=True).press("Space")
    expect(page.get_by_role("radio", name="16", exact=True)).to_be_checked()
    expect(page).not_to_have_url(re.compile("models="))
    expect(page.get_by_text("16 models attacked, each with 14 shadow models")).to_be_visible(timeout=TRAINING)


def test_a_click_on_a_point_of_the_curve_loads_its_setting(visitor, path):
    page = visitor(query())
    expect_measured(page)
    before = sentence(page).inner_text(), page.locator(".pd-tiles").inner_text()
    click_point(page, path_points(page).last, "strength 50")
    expect_query(page, "regularization=50")
    expect_stop(page, STRENGTH, "50")
    expect_measured(page)
    assert (sentence(page).inner_text(), page.locator(".pd-tiles").inner_text()) != before
    expect(page.get_by_role("button", name="Measure this")).to_have_count(0)


def test_arrow_keys_walk_over_the_points_and_enter_loads_one(visitor, path):
    page = visitor(query())
    expect_measured(page)
    figure = curve(page)
    expect(figure.locator("path.point").first).to_be_visible()
    figure.focus()
    told = page.locator(".st-key-panel-tradeoff").get_by_role("status")
    for _ in range(path_points(page).count()):
        figure.press("ArrowRight")
        expect(told).to_have_text(re.compile(r"regularization strength .*AUC .*Enter loads this setting\.$"))
        if "strength 50," in told.inner_text():
            break
    expect(page.locator(".st-key-panel-tradeoff .pd-ring")).to_be_visible()
    figure.press("Enter")
    expect_stop(page, STRENGTH, "50")
    expect_query(page, "regularization=50")


def test_the_url_opens_the_same_view_elsewhere(visitor, path):
    first = visitor(query(regularization="1"))
    expect_measured(first)
    press(first, STRENGTH, "ArrowLeft")
    press(first, STRENGTH, "ArrowRight")
    choose(first, "Path along", "Architecture")
    expect_query(first, "sweep=architecture", "regularization=1")
    expect_measured(first)
    second = visitor(first.url.partition("?")[2])
    expect_measured(second)
    assert second.url == first.url
    first.reload()  # without what the session remembers of the settings before, which is drawn beside
    expect_measured(first)
    for place in (".pd-headline", ".pd-tiles", ".st-key-panel-tradeoff .pd-finding"):
        expect(second.locator(place)).to_have_text(first.locator(place).inner_text(), use_inner_text=True)
    for title in DIALS:
        expect_stop(second, title, dial(first, title).get_by_role("paragraph").inner_text())


def test_a_setting_measured_before_shows_at_once_and_trains_nothing(visitor, server, path):
    rows = server.rows("wave"), server.rows("assessment")
    page = visitor(query(regularization="50"), before=lambda page: page.add_init_script(WATCH))
    expect_measured(page)
    seen = page.evaluate("window.seen")
    assert "Of 50 members" in seen
    assert "Cancel" not in seen
    assert "not been measured" not in seen
    assert (server.rows("wave"), server.rows("assessment")) == rows


def test_a_training_is_followed_by_epoch_and_a_cancelled_one_starts_again_only_when_asked(visitor, server):
    page = visitor(SLOW)
    expect(page.get_by_text("Training models 1 to 8 of 16")).to_be_visible(timeout=TRAINING)
    trace = page.locator(".st-key-panel-trace")
    expect(trace.get_by_text(re.compile(r"^After epoch \d+: train accuracy "))).to_be_visible(timeout=TRAINING)
    expect(trace.locator(".scatterlayer path.js-line")).to_have_count(3)  # of one epoch no longer than a point
    waves = server.rows("wave")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing is trained until you turn a dial.")).to_be_visible()
    expect_rest(page)
    page.wait_for_timeout(2500)  # five times the rest after which a dial's stop is trained
    expect(page.get_by_text("Cancelled. Nothing is trained until you turn a dial.")).to_be_visible()
    assert server.rows("wave") == waves
    page.get_by_role("button", name="Measure this").click()
    expect(page.get_by_text("Training models 1 to 8 of 16")).to_be_visible(timeout=TRAINING)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Measure this")).to_be_visible()


def test_a_broken_url_gives_sentences_and_the_page_works_on(visitor, path):
    page = visitor(query(dp="strong", x="<script>alert(1)</script>", regularization="1"))
    warning = page.get_by_role("alert")
    expect(warning).to_contain_text("'x' is not part of a view; it was ignored.")
    expect(warning).to_contain_text("dp must be one of off, optimizer, clip, 0.3")
    expect(warning).to_contain_text("got 'strong'; off is shown instead.")
    expect_measured(page)
    expect_query(page, "regularization=1")
    expect(page).not_to_have_url(re.compile("strong|script"))
    press(page, STRENGTH, "Home")
    expect_stop(page, STRENGTH, "0")
    expect(warning).to_have_count(0)


def test_two_visitors_of_one_setting_share_its_training_which_outlives_one_of_them(visitor, server):
    with closing(sqlite3.connect(server.cache / "privacydial.sqlite", timeout=30)) as store:
        store.executescript(ARRIVALS)
        both = [visitor("population=digits&contested=600&architecture=lstm-64&models=8") for _ in range(2)]
        for page in both:
            expect(page.get_by_text(re.compile("Training models 1 to 8 of 8: epoch [1-9]"))).to_be_visible(
                timeout=TRAINING
            )
        both[0].get_by_role("button", name="Cancel").click()
        expect(both[0].get_by_role("button", name="Measure this")).to_be_visible()
        expect_measured(both[1])
        arrived = store.execute("SELECT kind, count(*) FROM arrival GROUP BY kind ORDER BY kind").fetchall()
        store.executescript(NO_ARRIVALS)
    assert arrived == [("assessment", 1), ("wave", 1)]


def test_the_figure_keeps_its_node_when_dials_move(visitor, path):
    page = visitor(query())
    expect_measured(page)
    figure = curve(page)
    expect(figure.locator("path.point").first).to_be_visible()
    figure.evaluate("node => { node.mine = true; }")
    press(page, STRENGTH, "End")
    expect_stop(page, STRENGTH, "50")
    expect_measured(page)
    press(page, "Noise after training", "ArrowRight")
    expect_stop(page, "Noise after training", "0.005")
    expect_measured(page)
    assert figure.evaluate("node => node.mine") is True


def test_the_figure_keeps_its_node_and_zoom_without_a_flash_through_a_hundred_turns_and_a_new_point(visitor, path):
    page = visitor(query(hide="sections,training,take"))  # what this is not about only makes each turn longer
    expect_measured(page)
    figure = curve(page)
    figure.scroll_into_view_if_needed()
    expect(figure.locator("path.point").first).to_be_visible()
    whole = figure.evaluate(RANGES)
    box = figure.locator(".nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    page.mouse.up()
    zoomed = figure.evaluate(RANGES)
    assert zoomed[1] - zoomed[0] == pytest.approx(0.5 * (whole[1] - whole[0]), rel=0.1)
    figure.evaluate("node => { node.mine = true; }")
    figure.evaluate(SAMPLED)
    for _ in range(50):
        press(page, STRENGTH, "End")
        expect_query(page, "regularization=50")
        press(page, STRENGTH, "Home")
        expect(page).not_to_have_url(re.compile("regularization="))
    expect_rest(page)
    sampled = page.evaluate("window.sampled")
    assert sampled["frames"] > 100
    assert sampled["flashes"] == []
    assert figure.evaluate("node => node.mine") is True
    assert figure.evaluate(RANGES) == pytest.approx(zoomed)
    press(page, "Contested records N", "End")
    expect_stop(page, "Contested records N", "897")
    expect_measured(page)
    expect_query(page, "contested=897")
    assert figure.evaluate(RANGES) == pytest.approx(zoomed)
