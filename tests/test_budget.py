from dataclasses import fields, replace
from typing import Any

import pytest

from dashboard.controls.budget import stop_words
from dashboard.results import allowed, figures, findings, tables
from dashboard.results import budget as shown
from dashboard.state.budget import LIMITS, Budget
from dashboard.state.landscape import landscape, same_setting
from dashboard.state.view import View, key
from tests.handmade import claim, headline, interval, measure

ALLOWING = View(most_auc="0.65", least_accuracy="0.8")


def near(accuracy: float, auc: float, reach: float = 0.01) -> dict[str, Any]:
    return {
        "test_accuracy": interval(accuracy, accuracy - reach, accuracy + reach),
        "auc": interval(auc, auc - reach, auc + reach),
    }


def test_a_setting_is_allowed_for_certain_perhaps_or_not_as_its_interval_lies():
    most = Budget(most_auc=0.6)
    assert [most.verdict(headline(**near(0.9, auc))) for auc in (0.58, 0.59, 0.595, 0.605, 0.62)] == [
        "yes", "yes", "perhaps", "perhaps", "no",
    ]  # fmt: skip
    least = Budget(least_accuracy=0.8)
    assert [least.verdict(headline(**near(accuracy, 0.9))) for accuracy in (0.82, 0.805, 0.795, 0.78)] == [
        "yes", "perhaps", "perhaps", "no",
    ]  # fmt: skip


def test_one_broken_limit_is_enough_and_one_doubt_leaves_a_doubt():
    both = Budget(most_auc=0.6, least_accuracy=0.8)
    assert both.verdict(headline(**near(0.9, 0.5))) == "yes"
    assert both.verdict(headline(**near(0.8, 0.5))) == "perhaps"
    assert both.verdict(headline(**near(0.8, 0.9))) == "no"


@pytest.mark.parametrize(
    ("proved", "verdict"), [(None, "no"), (claim(None), "no"), (claim(2.9), "yes"), (claim(3.1), "no")]
)
def test_a_limit_on_epsilon_is_kept_by_what_is_proved_alone(proved, verdict):
    assert Budget(most_epsilon=3).verdict(headline(claim=proved)) == verdict


def test_without_limits_everything_is_allowed():
    assert Budget().open
    assert Budget().verdict(headline(**near(0.1, 0.99))) == "yes"


@pytest.mark.parametrize("name", LIMITS)
def test_no_limit_changes_a_key_or_a_setting_and_every_one_lives_in_the_url(name):
    for stop in LIMITS[name]:
        view = View().turned(name, stop)
        assert key(view, 2) == key(View(), 2)
        assert same_setting(view, View())
        assert View.from_query(view.to_query()) == (view, ())
        assert stop_words(name, stop)


def test_every_limit_of_the_budget_is_a_field_of_the_view_and_the_other_way_round():
    assert set(LIMITS) == {field.name for field in fields(Budget)}
    assert View(most_auc="0.52", least_accuracy="0.5", most_epsilon="0.5").budget == Budget(
        most_auc=0.52, least_accuracy=0.5, most_epsilon=0.5
    )


@pytest.fixture
def path(store):
    """Strengths 0 to 3: too leaky, perhaps, best, allowed but worse."""
    for strength, numbers in {
        "0": near(0.95, 0.80),
        "0.1": near(0.92, 0.645),
        "1": near(0.88, 0.62),
        "3": near(0.85, 0.55),
    }.items():
        measure(store, View(regularization=strength), **numbers)
    return store


def test_the_best_allowed_stop_is_the_most_accurate_of_those_allowed_for_certain(path):
    found = landscape(path, ALLOWING)
    best = shown.best(found)
    assert best is not None
    assert best.view == replace(ALLOWING, regularization="1")
    assert findings.tradeoff(found).endswith(
        "Budget: attack AUC at most .650, accuracy at least 80 %. Of 4 settings of the figure 2 are allowed for "
        "certain (the whole interval is inside), 1 perhaps, 1 not. Best allowed: Regularization strength 1, "
        "accuracy 88.0 %, attack AUC .620. "
        "It was picked by these very numbers, so fresh models will do a little worse."
    )


def test_a_better_setting_visited_before_or_pinned_is_the_best_allowed_and_is_named(path):
    before, pinned = View(label_smoothing="0.3"), View(dropout="0.5", most_auc="0.9")
    measure(path, before, **near(0.90, 0.60))
    found = landscape(path, ALLOWING, [before])
    assert ". Best allowed: visited before, MLP 128, label smoothing 0.3, accuracy 90.0 %" in allowed.finding(found)
    assert "Of 5 settings of the figure 3 are allowed for certain" in allowed.finding(found)
    measure(path, pinned, **near(0.91, 0.55))
    found = landscape(path, ALLOWING, [before], pins={"A": View(), "B": pinned})
    assert ". Best allowed: pin B, MLP 128, dropout 0.5, accuracy 91.0 %" in allowed.finding(found)
    again = landscape(path, ALLOWING, pins={"A": View(regularization="1")})
    assert "Best allowed: Regularization strength 1, accuracy" in allowed.finding(again)


def test_between_equals_a_stop_of_the_path_is_the_best(path):
    measure(path, View(label_smoothing="0.3"), **near(0.88, 0.62))
    found = landscape(path, ALLOWING.turned("label_smoothing", "0.3"), [View()])
    assert [spot.view.label_smoothing for spot in found.path] == ["0.3"]
    assert "Best allowed: Regularization strength 0, accuracy" in allowed.finding(found)
    found = landscape(path, ALLOWING, [View(label_smoothing="0.3")])
    assert "Best allowed: Regularization strength 1, accuracy" in allowed.finding(found)


def test_with_a_limit_on_accuracy_alone_the_best_leaks_least(path):
    best = shown.best(landscape(path, View(least_accuracy="0.8")))
    assert best is not None
    assert best.view.regularization == "3"


def test_a_stop_perhaps_allowed_is_never_the_best(path):
    found = landscape(path, View(most_auc="0.65", least_accuracy="0.9"))
    assert shown.best(found) is None
    assert "None is allowed for certain; more models would tell." in allowed.finding(found)
    assert "No setting of the figure is allowed." in allowed.finding(landscape(path, View(most_epsilon="1")))


def test_what_was_measured_otherwise_is_not_held_against_a_budget(path):
    measure(path, View(contested=500), **near(0.99, 0.51))
    found = landscape(path, replace(ALLOWING, sweep="contested"))
    assert [spot.view.contested for spot, _ in shown.judged(found)] == [1000]


def test_the_figure_shades_what_is_allowed_says_so_and_marks_the_rest(path):
    made = figures.tradeoff(landscape(path, ALLOWING))
    area, *edges = made["layout"]["shapes"][1:]
    assert (area["x1"], area["y0"], area["fillcolor"]) == (0.65, 0.8, "@allowed")
    assert len(edges) == 2
    texts = [note["text"] for note in made["layout"]["annotations"]]
    assert texts[1:-1] == ["allowed:<br>attack AUC at most .650<br>accuracy at least 80 %"]
    marked = {trace["name"]: trace["x"] for trace in made["data"] if "allowed" in trace.get("name", "")}
    assert marked == {"not allowed": [0.80], "perhaps allowed": [0.645]}
    assert [row["Allowed"] for row in tables.spots(landscape(path, ALLOWING))] == [
        "no", "perhaps", "for certain", "for certain",
    ]  # fmt: skip


def test_without_a_budget_nothing_of_it_is_shown(path):
    found = landscape(path, View())
    made = figures.tradeoff(found)
    assert len(made["layout"]["shapes"]) == 1
    assert [note["text"] for note in made["layout"]["annotations"]] == ["guessing", "knee"]
    assert "Budget" not in findings.tradeoff(found)
    assert "Allowed" not in tables.spots(found)[0]


def test_settings_before_are_held_against_the_budget_of_now(path):
    found = landscape(path, replace(ALLOWING, sweep="dp"), [View(regularization="3", most_auc="0.52")])
    assert [spot.view.most_auc for spot in found.ghosts] == ["0.65"]
