import json
from dataclasses import replace

import numpy as np
import pytest

from dashboard.results import rates
from engine.assessment.values import RocCurve
from tests.handmade import assessment, headline, rate, whole


def trace(figure, name):
    (found,) = [trace for trace in figure["data"] if trace["name"] == name]
    return found


def test_the_linear_scale_draws_the_whole_curve_and_the_logarithmic_one_what_can_stand_on_it():
    made = assessment()
    linear, logarithmic = (rates.roc(made, scale) for scale in ("linear", "logarithmic"))
    assert trace(linear, "attack")["x"] + trace(linear, "too few to claim")["x"] == pytest.approx(
        [*made.roc.fpr[1:], 0.0]
    )
    assert min(trace(logarithmic, "attack")["x"]) > 0
    assert (linear["layout"]["xaxis"]["type"], logarithmic["layout"]["xaxis"]["type"]) == ("linear", "log")


def test_the_band_runs_up_its_upper_end_and_back_along_its_lower_end():
    made = whole()
    band = trace(rates.roc(made, "linear"), "95 % interval")
    assert band["x"] == [*made.roc.fpr, *made.roc.fpr[::-1]]
    tpr = made.roc.tpr
    assert band["y"] == pytest.approx([*np.minimum(1, tpr + 0.1), *np.maximum(0, tpr - 0.1)[::-1]])
    assert band["fill"] == "toself"


def test_a_band_that_reaches_zero_leaves_the_logarithmic_axis_below_instead_of_breaking_it():
    made = whole()
    empty = replace(made, roc=replace(made.roc, low=np.zeros_like(made.roc.tpr)))
    band = trace(rates.roc(empty), "95 % interval")
    assert min(band["x"]) > 0
    assert 0 < min(band["y"]) < 1e-3


def test_older_assessments_have_no_band_and_say_nothing_of_it():
    made = assessment()
    assert [trace["name"] for trace in rates.roc(made)["data"]] == ["guessing", "too few to claim", "attack"]
    assert all("interval" not in name for row in rates.rows(made) for name in row)


def test_a_ceiling_is_drawn_in_marks_of_its_own_and_told_in_the_finding_and_the_table():
    made = whole()
    ceiling = trace(rates.roc(made), "ceiling, proved")
    measured = trace(rates.roc(made), "attack")
    assert ceiling["line"]["dash"] == "dash"
    assert ceiling["line"]["color"] != measured["line"]["color"]
    assert (
        "The ceiling (proved) lets no attack find more than 1.5 % at 1 %, 15.0 % at 10 %, nor reach an AUC above .9"
        in rates.finding(made)
    )
    at_half = next(row for row in rates.rows(made) if row["False alarms (FPR)"] == "50 %")
    assert (at_half["Ceiling, proved"], at_half["95 % interval"]) == ("75.0 %", "60.7 % – 80.7 %")


def test_rates_that_cannot_be_claimed_are_not_written_out():
    made = assessment(headline(low_fpr=(rate(), rate(0.001, alarms=8.0))))
    (first, behind), (second, too_few) = rates.facts(made)
    assert first == "At 1 %: 19.0 %"
    assert behind == "16.0 – 22.0 %; 0.8 % reached; 80 false alarms expected among 1,000 outsiders."
    assert second == "At 0.1 %: not claimed"
    assert too_few.endswith("8 false alarms expected among 1,000 outsiders, too few.")


@pytest.mark.parametrize("scale", rates.SCALES)
def test_a_curve_that_finds_nobody_is_still_a_figure(scale):
    made = replace(assessment(), roc=RocCurve(fpr=np.array([0.0, 1.0]), tpr=np.array([0.0, 0.0])))
    json.dumps(rates.roc(made, scale), allow_nan=False)
