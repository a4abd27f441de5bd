from dashboard.panels.glances import bars_of
from dashboard.results import details
from dashboard.results.previews import previews
from dashboard.results.tiles import tiles
from dashboard.results.words import finding
from dashboard.serving.running import Running, set_running
from dashboard.state.landscape import landscape
from dashboard.state.view import View, key
from tests.handmade import claim, headline, interval, measure

KEYS = {"regularization": "dial-regularization", "dp": "dial-dp", "stop_after": "dial-stop_after"}


def risk(view):
    """Bars that tell which setting they are of."""
    return ((len(view.dp),), (7,))


def test_each_measured_stop_of_each_dial_has_what_its_page_would_show(store):
    measure(store, View())
    changed = {"auc": interval(0.6, 0.58, 0.62), "claim": claim(2.5)}
    measure(store, View(dp="1"), **changed)
    made = previews(landscape(store, View()), KEYS, risk)
    assert {key: (dial["here"], sorted(dial["stops"])) for key, dial in made.items()} == {
        "dial-regularization": (0, [0]),
        "dial-dp": (0, [0, 6]),
    }
    stop, head = made["dial-dp"]["stops"][6], headline(**changed)
    assert (stop["x"], stop["y"], stop["label"]) == (0.6, 0.868, "σ 1")
    assert stop["sentence"] == finding(head)
    assert stop["risk"] == ((1,), (7,))
    assert stop["tiles"] == [[tile.value, tile.interval] for tile in tiles(head)]


def test_a_stop_measured_with_fewer_models_is_not_previewed(store):
    measure(store, View(), waves=1, pairs=4)
    made = previews(landscape(store, View()), KEYS, risk)
    assert made["dial-regularization"]["stops"] == {}


def test_a_dial_whose_marks_are_not_on_the_page_is_not_previewed(store):
    assert set(previews(landscape(store, View()), KEYS, risk)) == {"dial-regularization", "dial-dp"}
    assert set(previews(landscape(store, View(), dials=("stop_after",)), KEYS, risk)) == {"dial-stop_after"}


def test_the_bars_of_risk_are_those_of_the_figure_as_soon_as_there_are_any(store):
    set_running(Running(store=store))
    assert bars_of(View()) is None
    measure(store, View())
    found = store.assessment(key(View(), View().waves))
    assert bars_of(View()) == tuple(tuple(trace["y"]) for trace in details.glance(found)["data"])
