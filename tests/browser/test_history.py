from playwright.sync_api import expect

from tests.browser.reading import expect_measured, expect_query, expect_rest, expect_stop, press, query


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
