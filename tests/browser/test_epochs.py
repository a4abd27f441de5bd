import re

from playwright.sync_api import expect

from tests.browser.reading import expect_measured, expect_query, query
from tests.browser.test_looks import violations


def test_a_training_plays_again_and_a_kept_epoch_is_published_without_another_training(visitor, server):
    page = visitor(query(regularization="5"))
    expect_measured(page)
    waves = server.rows("wave")
    panel = page.locator(".st-key-panel-epochs")
    expect(panel.locator(".js-plotly-plot .plot-container")).to_be_visible()
    epoch, slider = panel.locator("[data-number=epoch]"), panel.get_by_role("slider", name="Epoch")
    expect(epoch).to_have_text("30")
    panel.get_by_role("button", name="Play").click()
    expect(panel.get_by_role("button", name="Pause")).to_be_visible()
    expect(epoch).to_have_text("30")  # it ends by itself
    expect(panel.get_by_role("button", name="Play")).to_be_visible()
    slider.press("Home")
    expect(epoch).to_have_text("3")
    for reached in ("6", "9"):
        slider.press("ArrowRight")
        expect(epoch).to_have_text(reached)
    expect(panel.locator("[data-keep]")).to_be_disabled()
    slider.press("ArrowRight")
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile("^epoch 10: train accuracy .* AUC of the loss threshold")
    )
    panel.get_by_role("button", name="Publish the weights of epoch 10").click()
    expect_query(page, "stop_after=10", "sweep=stop_after")
    expect_measured(page)
    expect(panel.locator("[data-keep]")).to_have_text("These weights are published")
    assert server.rows("wave") == waves


def test_nothing_moves_by_itself_where_motion_is_unwanted(visitor):
    page = visitor(query(regularization="5"), reduced_motion="reduce")
    expect_measured(page)
    panel = page.locator(".st-key-panel-epochs")
    expect(panel.locator("[data-number=epoch]")).to_have_text("30")
    step = panel.get_by_role("button", name="Next epoch")
    for reached in ("3", "6", "9"):
        step.click()
        expect(panel.locator("[data-number=epoch]")).to_have_text(reached)
    assert violations(page) == ""
