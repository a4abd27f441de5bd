from dashboard.panels import glances
from dashboard.panels.glances import bars_around
from dashboard.results import glance
from dashboard.results.previews import previews
from dashboard.results.tiles import tiles
from dashboard.results.words import finding
from dashboard.state.landscape import landscape
from dashboard.state.view import View, key
from tests.handmade import claim, headline, interval, measure

KEYS = {"regularization": "dial-regularization", "dp": "dial-dp", "stop_after": "dial-stop_after"}


RISK = {View(): ((1,), (2,)), View(dp="1"): ((3,), (4,))}


def test_each_measured_stop_of_each_dial_has_what_its_page_would_show(store):
    measure(store, View())
    changed = {"auc": interval(0.6, 0.58, 0.62), "claim": claim(2.5)}
    measure(store, View(dp="1"), **changed)
    made = previews(landscape(store, View()), KEYS, RISK)
    assert {key: (dial["here"], sorted(dial["stops"])) for key, dial in made.items()} == {
        "dial-regularization": (0, [0]),
        "dial-dp": (0, [0, 6]),
    }
    stop, head = made["dial-dp"]["stops"][6], headline(**changed)
    assert (stop["x"], stop["y"], stop["label"]) == (0.6, 0.868, "σ 1")
    assert stop["sentence"] == finding(head)
    assert stop["risk"] == ((3,), (4,))
    assert stop["tiles"] == [[tile.value, tile.interval] for tile in tiles(head)]


def test_a_stop_measured_with_fewer_models_is_not_previewed(store):
    measure(store, View(), waves=1, pairs=4)
    made = previews(landscape(store, View()), KEYS, RISK)
    assert made["dial-regularization"]["stops"] == {}


def test_a_dial_whose_marks_are_not_on_the_page_is_not_previewed(store):
    assert set(previews(landscape(store, View()), KEYS, RISK)) == {"dial-regularization", "dial-dp"}
    assert set(previews(landscape(store, View(), dials=("stop_after",)), KEYS, RISK)) == {"dial-stop_after"}


def bars(store, view):
    found = store.assessment(key(view, view.waves))
    return tuple(tuple(trace["y"]) for trace in glance.figure(found)["data"])


def test_the_bars_of_a_stop_are_those_of_the_figure_as_soon_as_there_are_any(store):
    assert bars_around(landscape(store, View())) == {}
    measure(store, View())
    measure(store, View(dp="1"))
    assert bars_around(landscape(store, View())) == {view: bars(store, view) for view in (View(), View(dp="1"))}


def test_those_of_many_stops_are_worked_out_some_at_a_time_the_nearest_first(store, monkeypatch):
    monkeypatch.setattr(glances, "_AT_ONCE", 2)
    views = [View(regularization=stop) for stop in ("0", "0.1", "0.3", "1")]
    for view in views:
        measure(store, view)
    found = landscape(store, views[2])
    assert set(bars_around(found)) == {views[2], views[1]}
    assert set(bars_around(found)) == set(views)
