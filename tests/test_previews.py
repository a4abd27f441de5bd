from dashboard.results.previews import previews
from dashboard.results.tiles import tiles
from dashboard.results.words import finding
from dashboard.state.landscape import landscape
from dashboard.state.view import View
from tests.handmade import claim, headline, interval, measure

KEYS = {"regularization": "dial-regularization", "dp": "dial-dp", "stop_after": "dial-stop_after"}


def test_each_measured_stop_of_each_dial_has_what_its_page_would_show(store):
    measure(store, View())
    changed = {"auc": interval(0.6, 0.58, 0.62), "claim": claim(2.5)}
    measure(store, View(dp="1"), **changed)
    made = previews(landscape(store, View()), KEYS)
    assert {key: (dial["here"], sorted(dial["stops"])) for key, dial in made.items()} == {
        "dial-regularization": (0, [0]),
        "dial-dp": (0, [0, 6]),
    }
    stop, head = made["dial-dp"]["stops"][6], headline(**changed)
    assert (stop["x"], stop["y"], stop["label"]) == (0.6, 0.868, "σ 1")
    assert stop["sentence"] == finding(head)
    assert stop["tiles"] == [[tile.value, tile.interval] for tile in tiles(head)]


def test_a_stop_measured_with_fewer_models_is_not_previewed(store):
    measure(store, View(), waves=1, pairs=4)
    made = previews(landscape(store, View()), KEYS)
    assert made["dial-regularization"]["stops"] == {}


def test_a_dial_whose_marks_are_not_on_the_page_is_not_previewed(store):
    assert set(previews(landscape(store, View()), KEYS)) == {"dial-regularization", "dial-dp"}
    assert set(previews(landscape(store, View(), dials=("stop_after",)), KEYS)) == {"dial-stop_after"}
