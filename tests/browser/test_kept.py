"""Parts of pages that the browser fetches by themselves: what is seen where that fails, or answers come late."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

import dashboard
from tests.browser.desks import PATIENCE
from tests.browser.reading import expect_measured, expect_rest, path_points, press
from tests.browser.test_start import cards, points

SORRY = "This part of the page could not be loaded. Reload the page."
PANELS = Path(str(dashboard.__file__)).parent / "panels"
SCRIPTS = {name: (PANELS / f"{name}.js").read_text(encoding="utf-8") for name in ("kept", "cards")}
TWO_IN_A_ROW = f"""
async () => {{
  {SCRIPTS["kept"]}
  const said = [];
  const ask = (kept) =>
    here(document.body, {{ kept }}, ({{ name }}) => said.push(name), ({{ message }}) => said.push(message));
  const [first, second] = [ask("/first.json"), ask("/second.json")];
  await second;
  await fetch("/let-go");
  await first;
  return said;
}}
"""
CARDS_IN_A_ROW = f"""
async () => {{
  {SCRIPTS["kept"]}
  {SCRIPTS["cards"].replace("export default function", "const draw = function")}
  const parentElement = document.createElement("div");
  parentElement.innerHTML = '<ul class="pd-presets"></ul>';
  const one = {{ address: "", title: "Overfitted", about: "", numbers: [], members: [], outsiders: [] }};
  const seen = [];
  for (const data of [{{ cards: [one], page: "" }}, {{ kept: "/missing.json" }}, {{ cards: [one], page: "" }}]) {{
    draw({{ data, parentElement, setTriggerValue() {{}} }});
    const late = performance.now() + {PATIENCE};
    while (parentElement.textContent === (seen.at(-1) ?? "") && performance.now() < late) {{
      await new Promise((done) => setTimeout(done, 20));
    }}
    seen.push(parentElement.textContent);
  }}
  return seen;
}}
"""


@pytest.fixture
def page(server, desks):
    """A page whose browser may complain: here, files are missing."""
    page = desks.page()
    page.goto(f"{server.address}/_stcore/health")
    yield page
    desks.leave()


def test_what_cannot_be_fetched_says_so_in_its_place(page, server):
    page.route("**/assets/kept/*.json", lambda route: route.fulfill(status=500))
    page.goto(server.address)
    expect(page.get_by_role("list", name="Five settings to start from")).to_have_text(SORRY)
    told = page.locator(".st-key-panel-story .pd-live")
    expect(told).to_have_text(SORRY)
    expect(told).to_be_visible()
    page.unroute("**/assets/kept/*.json")
    page.reload()
    expect(cards(page)).to_have_count(5)
    expect(points(page).nth(20)).to_be_visible()


def test_a_figure_whose_data_never_came_goes_on_to_say_so_whatever_is_done_to_it(page, server):
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.route("**/assets/kept/*.json", lambda route: route.fulfill(status=500))
    page.goto(server.address)
    panel = page.locator(".st-key-panel-story")
    told = panel.locator(".pd-live")
    expect(told).to_have_text(SORRY)
    panel.locator(".pd-plot").focus()
    panel.locator(".pd-plot").press("ArrowRight")
    panel.get_by_role("button", name="SVG").click()
    page.emulate_media(color_scheme="dark")
    page.emulate_media(color_scheme="light")
    expect_rest(page)
    expect(told).to_have_text(SORRY)
    assert faults == []


def test_a_figure_that_is_there_after_all_does_not_go_on_to_say_that_it_could_not_be_loaded(page, server):
    page.route("**/assets/plotly*", lambda route: route.fulfill(status=500))
    page.goto(f"{server.address}/explore")
    told = page.locator(".st-key-panel-tradeoff .pd-live")
    expect(told).to_have_text("The figure could not be loaded. Reload the page.")
    expect(told).to_be_visible()
    page.unroute("**/assets/plotly*")
    expect_measured(page)
    press(page, "Noise after training", "ArrowRight")
    expect(path_points(page).first).to_be_visible()
    expect(told).to_have_text("")
    expect(told).not_to_have_class("pd-live pd-failed")


@pytest.mark.parametrize("late", [{"json": {"name": "first"}}, {"status": 500}], ids=["data", "a-failure"])
def test_what_comes_late_is_dropped_where_something_newer_is_shown(page, late):
    held = []

    def let_go(route):
        held[0].fulfill(**late)
        route.fulfill()

    page.route("**/first.json", lambda route: held.append(route))  # noqa: PLW0108  Playwright marks what it calls
    page.route("**/second.json", lambda route: route.fulfill(json={"name": "second"}))
    page.route("**/let-go", let_go)
    assert page.evaluate(TWO_IN_A_ROW) == ["second"]


def test_cards_that_are_shown_again_after_a_failure_take_its_place(page):
    first, failed, again = page.evaluate(CARDS_IN_A_ROW)
    assert failed == SORRY
    assert first == again != ""
