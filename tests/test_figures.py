import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cache.progress import TracePoint
from dashboard.panels.panel import table_html
from dashboard.results import details, epochs, figures, findings, rates, tables
from dashboard.results.palette import PALETTES
from dashboard.results.thresholds import cuts
from dashboard.state.landscape import landscape
from dashboard.state.view import View
from engine.assessment.values import PrecisionRecall, RocCurve
from tests.all_figures import all_figures
from tests.handmade import assessment, interval, measure, whole

ROLES = re.compile(r'"@([a-z-]+)"')


def traces(figure, name):
    return [trace for trace in figure["data"] if trace.get("name") == name]


def test_an_empty_cache_draws_no_point_and_says_so(store):
    figure = figures.tradeoff(landscape(store, View()))
    assert figure["data"] == []
    assert any("Nothing measured here yet" in note["text"] for note in figure["layout"]["annotations"])


def test_the_figure_holds_exactly_the_measured_points_with_their_intervals(store):
    auc = {"0": (0.80, 0.79, 0.82), "3": (0.70, 0.68, 0.71)}
    accuracy = {"0": (0.87, 0.86, 0.89), "3": (0.88, 0.85, 0.90)}
    for stop, value in auc.items():
        view = View(regularization=stop)
        measure(store, view, auc=interval(*value), test_accuracy=interval(*accuracy[stop]))
    figure = figures.tradeoff(landscape(store, View(regularization="3")))
    (path,) = traces(figure, "Regularization strength turned")
    assert path["x"] == [0.80, 0.70]
    assert path["y"] == [0.87, 0.88]
    assert path["text"] == ["0", "3"]
    assert path["customdata"] == ["", "regularization=3"]
    assert path["error_x"]["array"] == pytest.approx([0.02, 0.01])
    assert path["error_x"]["arrayminus"] == pytest.approx([0.01, 0.02])
    assert path["error_y"]["array"] == pytest.approx([0.02, 0.02])
    assert path["error_y"]["arrayminus"] == pytest.approx([0.01, 0.03])
    (current,) = traces(figure, "this setting")
    assert (current["x"], current["y"], current["customdata"]) == ([0.70], [0.88], ["regularization=3"])


def test_names_of_stops_never_stand_on_one_another_and_this_settings_stays(store):
    for stop, auc in {"0": 0.800, "1": 0.798, "3": 0.796, "10": 0.6}.items():
        measure(store, View(regularization=stop), auc=interval(auc, auc - 0.01, auc + 0.01))
    figure = figures.tradeoff(landscape(store, View(regularization="1")))
    (path,) = traces(figure, "Regularization strength turned")
    assert path["text"] == ["", "1", "", "10"]
    assert len(path["x"]) == 4  # the points stay


def test_a_setting_that_is_still_sharpening_is_drawn_but_not_on_the_path(store):
    measure(store, View(), waves=1)
    figure = figures.tradeoff(landscape(store, View()))
    assert len(traces(figure, "this setting")) == 1
    assert not traces(figure, "Regularization strength turned")


def test_ghosts_carry_the_address_of_their_setting(store):
    before = View(dp="clip", attack="loss")
    measure(store, before)
    (ghosts,) = traces(figures.tradeoff(landscape(store, View(), [before])), "before")
    assert [View.from_query(dict([pair.split("=") for pair in ghosts["customdata"][0].split("&")]))] == [(before, ())]


def test_every_interval_and_the_chance_line_lie_within_the_axes(store):
    measure(store, View(), auc=interval(0.48, 0.41, 0.97), test_accuracy=interval(0.5, 0.2, 0.99))
    drawn = figures.tradeoff(landscape(store, View()))["layout"]
    left, right = drawn["xaxis"]["range"]
    low, high = drawn["yaxis"]["range"]
    assert left < 0.41
    assert right > 0.97
    assert low < 0.2
    assert high > 0.99
    assert drawn["shapes"][0]["x0"] == drawn["shapes"][0]["x1"] == 0.5


def test_the_zoom_is_kept_whatever_is_drawn(store):
    empty = figures.tradeoff(landscape(store, View()))
    measure(store, View())
    full = figures.tradeoff(landscape(store, View()))
    assert empty["layout"]["uirevision"] == full["layout"]["uirevision"] == "keep"


def test_every_trace_has_a_role_of_its_own_by_which_a_hidden_entry_of_the_legend_is_known(store):
    for name, figure in all_figures(store).items():
        roles = [trace["uid"] for trace in figures.identified(figure)["data"]]
        assert len(roles) >= 1, name
        assert len(set(roles)) == len(roles), name
        assert all(re.fullmatch("[A-Za-z0-9-]+", role) for role in roles), roles  # Plotly looks for classes of them


def test_the_path_keeps_its_role_whatever_dial_it_follows(store):
    for view in (View(), View(sweep="dp")):
        measure(store, view)
        drawn = figures.identified(figures.tradeoff(landscape(store, view)))["data"]
        assert [trace["uid"] for trace in drawn] == ["path", "ring", "this-20-setting"]


def test_the_score_histogram_has_the_counts_of_members_and_outsiders():
    members, outsiders = details.scores(assessment())["data"]
    assert (members["name"], members["y"], members["x"]) == (
        "members",
        [10, 20, 30, 40],
        [-1.5, -0.5, 0.5, 1.5],
    )
    assert (outsiders["name"], outsiders["y"]) == ("non-members", [40, 40, 30, 20, 10, 10])
    assert outsiders["x"] == [-2.0, -1.5, -0.5, 0.5, 1.5, 2.0]  # from the first edge to the last


def test_members_and_outsiders_differ_by_more_than_colour():
    members, outsiders = details.scores(assessment())["data"]
    assert (members["type"], outsiders["type"], outsiders["line"]["shape"]) == ("bar", "scatter", "hvh")


def test_the_risk_histogram_counts_each_record_once_on_each_side():
    trained, left_out = details.risk(assessment())["data"]
    assert sum(trained["y"]) == sum(left_out["y"][1:-1]) == 4
    assert trained["y"][-2:] == [1, 1]


def test_empty_bins_are_missing_from_the_reliability_diagram():
    _, observed = details.reliability(assessment())["data"]
    assert observed["x"] == [0.1, 0.5, 0.7, 0.95]
    assert observed["y"] == [0.2, 0.5, 0.6, 0.9]


def test_the_roc_figure_draws_what_can_stand_on_logarithmic_axes():
    _, few, attack = rates.roc(assessment())["data"]
    assert min(few["x"] + attack["x"]) > 0
    assert min(few["y"] + attack["y"]) > 0
    assert len(few["x"] + attack["x"]) == 10


def test_rates_with_too_few_expected_false_alarms_are_drawn_apart_and_not_claimed():
    """80 false alarms are expected at 1 %, so 10 at 0.125 %."""
    found = assessment()
    found = replace(
        found,
        roc=RocCurve(fpr=np.array([0.0, 0.001, 0.01, 0.1, 1.0]), tpr=np.array([0.0, 0.05, 0.2, 0.5, 1.0])),
    )
    assert found.headline.smallest_claimable_fpr == pytest.approx(0.00125)
    _, few, attack = rates.roc(found)["data"]
    assert (few["name"], few["x"]) == ("too few to claim", [0.001])
    assert attack["x"] == [0.01, 0.1, 1.0]
    assert rates.finding(found) == (
        "Members found at a share of false alarms: 20.0 % at 1 %, 50.0 % at 10 %. Below 0.12 % fewer than 10 false "
        "alarms are expected, too few to claim a rate."
    )


def test_the_risk_score_stands_beside_lira_in_marks_of_its_own():
    full = whole()
    _, lira, score = details.reliability(full)["data"]
    assert (lira["name"], score["name"]) == ("observed", "observed, risk score")
    assert lira["marker"]["symbol"] != score["marker"]["symbol"]
    assert "5.0 points apart; for Song and Mittal's risk score 5.0 points." in findings.reliability(full)
    assert {row["Posterior"] for row in tables.reliability(full)} == {"LiRA", "risk score"}


def test_precision_ends_where_nobody_is_called_a_member():
    full = whole()
    precision, recall, *_ = details.found_out(full)["data"]
    assert (precision["name"], precision["x"], precision["y"]) == ("precision", [0.0, 0.5], [0.5, 0.8])
    assert (recall["name"], recall["y"]) == ("recall", [1.0, 0.6, 0.0])
    assert findings.found_out(full) == "Nobody has a posterior of 1.00 or more."
    half = replace(
        full,
        precision_recall=PrecisionRecall(
            threshold=np.array([0.0, 0.9]), precision=np.array([0.5, 0.97]), recall=np.array([1.0, 0.25])
        ),
    )
    assert findings.found_out(half).startswith(
        "Of those with a posterior of 0.90 or more, 97 % were members (the precision, circles); 25 % of all members "
        "are among them (the recall, diamonds)."
    )
    assert [row["Precision"] for row in tables.found_out(full)][:3] == ["50.0 %", "80.0 %", "–"]
    assert details.curves(assessment()) == []


def test_a_training_under_way_is_drawn_epoch_by_epoch():
    trace = tuple(
        TracePoint(epoch=epoch, train_accuracy=0.5 + epoch / 10, test_accuracy=0.4, loss_auc=0.5) for epoch in (1, 2)
    )
    train, test, auc = epochs.figure(trace, 30)["data"]
    assert (train["x"], train["y"]) == ([1, 2], [0.6, 0.7])
    assert (test["y"], auc["y"]) == ([0.4, 0.4], [0.5, 0.5])


def test_every_figure_is_plain_json_without_nan(store):
    for figure in all_figures(store).values():
        json.dumps(figure, allow_nan=False)


def test_every_colour_role_is_in_the_light_and_in_the_dark_palette(store):
    roles = set(ROLES.findall(json.dumps(all_figures(store))))
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()
    assert roles <= PALETTES["light"].keys()
    assert len(roles) > 8


def test_findings_say_what_the_figures_show(store):
    made = assessment()
    assert findings.scores(made) == (
        "Above 0 the attack says “member”: it says so of 70 % of the members and 30 % of the non-members, over "
        "all 16 models. Outer bars hold everything beyond."
    )
    assert findings.risk(made) == (
        "2 of 4 records are at a risk of .9 or more when a model trained on them; of the same records left out, "
        "0 look like that. The median risk is 0.75 in training and 0.45 left out."
    )
    assert "over all 40 cases claim and truth are 5.0 points apart" in findings.reliability(made)
    assert rates.finding(made).endswith("too few to claim a rate.")
    assert findings.tradeoff(landscape(store, View())) == (
        "This setting has not been measured. No stop of the dial “Regularization strength” has been measured "
        "with 16 models yet."
    )
    measure(store, View(), waves=1, pairs=4)
    assert "so far, on 8 of 16 models." in findings.tradeoff(landscape(store, View()))


def test_tables_hold_the_numbers_of_the_figures(store):
    measure(store, View())
    (row,) = tables.spots(landscape(store, View()))
    assert row["Attack AUC"] == ".796 (.790 – .802)"
    assert row["Shadows"] == "14"
    made = assessment()
    assert [line["Members found (TPR)"] for line in tables.scores(cuts(made))] == ["90.0 %", "70.0 %", "40.0 %"]
    assert sum(int(line["Records, in training"]) for line in tables.risk(made)) == 4
    assert len(tables.reliability(made)) == 4
    at_ten = next(line for line in rates.rows(made) if line["False alarms (FPR)"] == "10 %")
    assert at_ten["Members found (TPR)"] == f"{100 * np.sqrt(0.1):.1f} %"


def at(accuracy, auc) -> dict[str, Any]:
    """Numbers of a setting that are certain to three decimals."""
    return {
        "test_accuracy": interval(accuracy, accuracy - 0.001, accuracy + 0.001),
        "auc": interval(auc, auc - 0.001, auc + 0.001),
    }


def test_the_frontier_is_marked_told_and_in_the_table(store):
    measure(store, View(), **at(0.90, 0.80))
    measure(store, View(regularization="1"), **at(0.88, 0.65))
    measure(store, View(regularization="3"), **at(0.85, 0.70))  # beaten by 1
    measure(store, View(dp="clip"), **at(0.80, 0.60))
    measure(store, View(noise="0.05", models=8), pairs=4, **at(0.99, 0.50))  # as good as it looks: fewer models
    found = landscape(store, View(), [View(dp="clip"), View(noise="0.05", models=8)])
    (marked,) = traces(figures.tradeoff(found), "on the frontier")
    assert sorted(zip(marked["x"], marked["y"], strict=True)) == [(0.60, 0.80), (0.65, 0.88), (0.80, 0.90)]
    assert findings.tradeoff(found).endswith(
        " On the frontier, where no other of the 4 settings measured alike is at least as accurate and leaks at most "
        "as much: this setting, “Regularization strength” at 1 and 1 visited before. It bends most, and clearly, at "
        "architecture MLP 128, regularization strength 1, DP noise off, noise after training 0, N 1,000: the knee."
    )
    (arrow,) = [note for note in figures.tradeoff(found)["layout"]["annotations"] if note["text"] == "knee"]
    assert (arrow["x"], arrow["y"]) == (0.65, 0.88)
    rows = [(row["On the frontier"], row["Probability of being on it"]) for row in tables.spots(found)]
    assert rows == [
        ("yes", "100 %"),
        ("yes, where it bends most", "100 %"),
        ("no", "0 %"),
        ("yes", "100 %"),
        ("–", "–"),
    ]


def test_a_knee_that_cannot_be_told_is_not_shown_and_that_is_said(store):
    for strength, place in {"0": 0.8, "0.1": 0.7, "1": 0.6, "3": 0.5}.items():
        measure(store, View(regularization=strength), **at(place, place))
    found = landscape(store, View())
    assert findings.tradeoff(found).endswith(
        "no setting can be told from its neighbours as the one where it bends most."
    )
    assert [note["text"] for note in figures.tradeoff(found)["layout"]["annotations"]] == ["guessing"]


def test_every_point_measured_alike_says_how_sure_it_is_to_be_on_the_frontier(store):
    measure(store, View(), **at(0.90, 0.80))
    measure(store, View(regularization="3"), **at(0.85, 0.85))
    found = landscape(store, View())
    band, path, *_ = figures.tradeoff(found)["data"]
    assert [text.rpartition(" ")[2] for text in path["hovertext"]] == ["100%", "0%"]
    assert path["meta"][1].endswith("on the frontier with a probability of 0%")
    assert (band["name"], band["legendrank"]) == ("frontier, 95 %", 1001)  # drawn first, listed last
    assert band["fill"] == "toself"
    assert len(band["x"]) == len(band["y"])
    assert (min(band["x"]), max(band["y"])) == (pytest.approx(0.80, abs=0.002), pytest.approx(0.90, abs=0.002))


def test_one_setting_or_other_records_make_no_frontier(store):
    measure(store, View())
    measure(store, View(contested=500))
    measure(store, View(attack="loss"), attack="loss")
    found = landscape(store, View(sweep="contested"), [View(attack="loss")])
    assert len(found.spots) == 3
    assert found.standings == {}
    assert not traces(figures.tradeoff(found), "on the frontier")
    assert "frontier" not in findings.tradeoff(found)


def test_stops_of_a_dial_without_effect_are_one_setting(store):
    measure(store, View())
    found = landscape(store, View(sweep="noise_on"))
    assert len(found.path) == 3
    assert found.standings == {}
    measure(store, View(dp="clip"), **at(0.5, 0.9))
    beaten = landscape(store, View(sweep="noise_on"), [View(dp="clip")])
    assert [standing.on for standing in beaten.standings.values()] == [True, True, True, False]


def test_a_setting_still_sharpening_is_not_compared(store):
    measure(store, View(), waves=1, pairs=4)
    measure(store, View(regularization="1"), **at(0.88, 0.65))
    measure(store, View(regularization="3"), **at(0.85, 0.70))
    found = landscape(store, View())
    assert [view.regularization for view in found.standings] == ["1", "3"]
    assert findings.tradeoff(found).endswith("as much: “Regularization strength” at 1.")


def test_a_table_escapes_its_texts():
    assert "<b>" not in table_html([{"<b>": "<b>"}])
