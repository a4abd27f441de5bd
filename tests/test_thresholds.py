import json
import re
from dataclasses import replace

import numpy as np
import pytest

from dashboard.panels.plot import _HERE, _read
from dashboard.results import details, findings, tables
from dashboard.results.scales import ScoreAxis, score_axis
from dashboard.results.thresholds import PRIORS, STOPS, Cuts, cuts, for_browser, ppv
from engine.assessment.values import Answers
from tests.handmade import MASKS, assessment, whole


def with_scores(scores, masks):
    made = whole()
    answers = Answers(
        labels=np.zeros(masks.shape[1], dtype=np.int32),
        members=np.packbits(masks, axis=1),
        scores=scores.astype(np.float32),
        phi=scores.astype(np.float32),
    )
    return replace(made, answers=answers)


def test_rates_at_every_stop_are_those_of_counting_record_by_record():
    random = np.random.default_rng(11)
    masks = random.random((6, 50)) < 0.5
    scores = np.round(random.normal(0.4 * masks, 1.0), 1)  # with many ties
    made = cuts(with_scores(scores, masks))
    for at, found, alarms in zip(made.threshold, made.found, made.alarms, strict=True):
        accused = scores.astype(np.float32) >= at
        assert (found, alarms) == ((accused & masks).sum(), (accused & ~masks).sum())
    assert (made.members, made.non_members) == (masks.sum(), (~masks).sum())


def test_the_stops_span_nearly_all_scores_and_hold_the_place_where_the_attack_decides():
    made = cuts(whole())
    assert made.threshold[0] <= -0.5
    assert made.threshold[-1] >= 0.5
    assert 0.0 in made.threshold
    assert len(made.threshold) in {STOPS + 1, STOPS + 2}
    assert (np.diff(made.threshold) > 0).all()


def test_long_tails_are_compressed_so_that_the_slider_is_fine_where_the_scores_are():
    random = np.random.default_rng(5)
    masks = random.random((4, 500)) < 0.5
    scores = np.where(masks, random.normal(2, 1, masks.shape), -random.exponential(40, masks.shape))
    made = cuts(with_scores(scores, masks))
    assert made.axis.unit is not None
    near = made.threshold[(made.threshold > -1) & (made.threshold < 3)]
    assert np.diff(near).max() < 0.5
    assert 0.0 in made.threshold
    steps = np.diff(for_browser(made)["at"])
    assert steps == pytest.approx(np.full(steps.shape, steps.mean()), abs=2e-6)


def test_scores_without_long_tails_stand_on_a_plain_axis():
    random = np.random.default_rng(6)
    masks = random.random((4, 500)) < 0.5
    made = cuts(with_scores(random.normal(0.5 * masks, 1.0), masks))
    assert made.axis.unit is None
    assert made.axis.ticks() == {}


def test_a_compressed_axis_goes_there_and_back_and_names_round_scores():
    axis = ScoreAxis(low=-120.0, high=12.0, unit=1.5)
    scores = np.array([-120.0, -1.0, 0.0, 3.0, 12.0])
    assert axis.scores(axis.place(scores)) == pytest.approx(scores)
    assert axis.ticks()["ticktext"] == ["−100", "−10", "−1", "0", "1", "10"]
    assert axis.ticks()["tickvals"] == pytest.approx(np.arcsinh(np.array([-100, -10, -1, 0, 1, 10]) / 1.5))


def test_scores_that_are_all_alike_still_have_an_axis():
    flat = score_axis(np.zeros(100, dtype=np.float32))
    assert flat.low < 0 < flat.high
    assert flat.unit is None


def test_the_bars_hold_every_score_once():
    made = whole()
    members, others = details.scores(made)["data"]
    assert (sum(members["y"]), sum(others["y"][1:-1])) == (MASKS.sum(), (~MASKS).sum())


def test_a_handmade_attack_that_is_always_right_finds_all_and_accuses_nobody_else():
    made = cuts(with_scores(np.where(MASKS, 0.5, -0.5), MASKS))
    own = int(np.flatnonzero(made.threshold == 0.0)[0])
    assert (made.tpr[own], made.fpr[own]) == (1.0, 0.0)


def test_assessments_without_single_scores_move_along_the_inner_edges_of_their_histogram():
    made = cuts(assessment())
    assert made.threshold.tolist() == [-1.0, 0.0, 1.0]
    assert made.found.tolist() == [90, 70, 40]
    assert made.alarms.tolist() == [60, 30, 10]


def test_accusations_are_right_by_bayes_rule_and_by_nothing_where_nobody_is_accused():
    assert ppv(0.2, 0.01, 0.5) == pytest.approx(20 / 21)
    assert ppv(0.2, 0.01, 0.01) == pytest.approx(0.002 / (0.002 + 0.0099))
    assert ppv(0.3, 0.3, 0.1) == pytest.approx(0.1)  # guessing is right as often as there are members
    assert ppv(0.0, 0.0, 0.5) is None


def test_fewer_than_ten_false_alarms_are_too_few_to_say_how_many_accusations_are_right():
    made = Cuts(
        axis=ScoreAxis(low=0.0, high=1.0, unit=None),
        threshold=np.array([0.0, 1.0]),
        found=np.array([50, 40]),
        alarms=np.array([10, 9]),
        members=100,
        non_members=100,
    )
    assert made.claimable.tolist() == [True, False]
    assert for_browser(made)["claimable"] == [True, False]


def test_the_browser_gets_plain_json_with_every_prior_at_every_stop():
    sent = for_browser(cuts(whole()))
    json.dumps(sent, allow_nan=False)
    assert list(sent["right"]) == [f"{prior:g}" for prior in PRIORS]
    lengths = {len(values) for values in (sent["at"], sent["tpr"], sent["fpr"], *sent["right"].values())}
    assert lengths == {len(sent["at"])}


def test_the_finding_and_the_table_tell_what_the_slider_tells():
    made = assessment()
    assert findings.scores(made).startswith(
        "Above 0 the attack says “member”: it says so of 70 % of the members and 30 %"
    )
    last = tables.scores(cuts(made))[-1]
    assert last["False alarms (FPR)"] == "10.0 %"
    assert last["Right if 1 in 2 is a member"] == "80.0 %"
    assert last["Right if 1 in 1,000 is a member"] == "0.4 %"


def test_the_script_reads_what_is_sent_and_finds_what_it_looks_for_in_the_page():
    script, page = _read("threshold.js"), (_HERE / "plot.py").read_text(encoding="utf-8")
    (read,) = re.findall(r"const \{ ([a-z, ]+) \} = this\.cuts;\n    const share", script)
    assert {*read.split(", "), "at"} == set(for_browser(cuts(assessment())))
    for name in set(re.findall(r"find\(\"\.(pd-[a-z]+)\"|\"\.(pd-[a-z]+)\"", script)):
        assert f'class="{"".join(name)}"' in page
