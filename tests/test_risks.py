"""Filters, galleries, slopes and what is said of one record: by hand and against plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.results import gallery, people, profits, risks, slopes, standing
from dashboard.results.risks import Filter, Risks
from dashboard.results.standing import Fate
from engine.assessment.changes import answered_risk
from engine.assessment.values import Interval
from tests.handmade import ANSWERS, whole
from tests.planted_settings import RECORDS, planted_setting, planted_slopes

FOUR = Risks(
    prior=0.5,
    member=np.array([0.85, 0.95, 0.8, 0.3]),
    non_member=np.array([0.2, 0.3, 0.4, 0.5]),
    low=np.array([0.75, 0.9, 0.7, 0.1]),
    high=np.array([0.95, 1.0, 0.9, 0.5]),
    labels=np.array([1, 1, 2, 2], dtype=np.int32),
    pairs=None,
    models=16,
    copies=1,
)


@pytest.mark.parametrize(
    ("chosen", "through"),
    [
        (Filter(), [0, 1, 2, 3]),
        (Filter(label=1), [0, 1]),
        (Filter(low=0.8, high=0.9), [0, 2]),
        (Filter(show="at risk"), [0, 1]),  # above the bound, not at it
        (Filter(show="for certain"), [1]),
        (Filter(show="for certain", bound=0.6), [0, 1, 2]),
        (Filter(label=2, show="at risk"), []),
    ],
)
def test_a_filter_lets_through_what_it_says(chosen, through):
    assert np.flatnonzero(risks.kept(FOUR, chosen)).tolist() == through


def test_the_count_is_of_the_class_and_of_the_bound_whatever_else_is_filtered():
    assert risks.count(FOUR, Filter()) == "2 of 4 records are at a risk above .8, 1 of them for certain."
    assert risks.count(FOUR, Filter(low=0.99)) == risks.count(FOUR, Filter())
    assert risks.count(FOUR, Filter(label=1, bound=0.9)) == (
        "1 of 2 records of class 1 is at a risk above .9, 0 of them for certain."
    )
    assert risks.count(replace(FOUR, low=None), Filter()) == "2 of 4 records are at a risk above .8."


def test_the_histogram_holds_every_record_once():
    shown, hidden, left_out = risks.histogram(FOUR, Filter(label=1))["data"]
    assert (sum(shown["y"]), sum(hidden["y"]), sum(left_out["y"])) == (2, 2, 2)
    assert hidden["marker"]["pattern"]["shape"]
    assert not shown["marker"]["pattern"]
    assert len(risks.histogram(FOUR, Filter())["data"]) == 2
    assert "Shown: 2 of 4 records. Their median risk is 0.90 in training and 0.25 left out." in (
        risks.histogram_words(FOUR, Filter(label=1))
    )
    rows = risks.histogram_rows(FOUR, Filter(label=1))
    assert sum(int(row["Filtered out, in training"]) for row in rows) == 2


def test_the_gallery_has_the_order_of_one_half_and_the_numbers_of_the_other():
    made = planted_setting()
    assert made.answers is not None
    assert made.riskiest is not None
    pairs = answered_risk(made.answers)
    of = risks.risks(made, pairs, 0.5)
    assert of.order[:24].tolist() == made.riskiest.record.tolist()
    for ours, stored in zip(gallery.listed(made, of, of.order[:24]), people.named(made), strict=True):
        assert (ours.record, ours.rank, ours.label) == (stored.record, stored.rank, stored.label)
        assert ours.member == pytest.approx(stored.member, abs=1e-5)
        assert (ours.chosen, ours.non_member) == pytest.approx((stored.chosen, stored.non_member), abs=1e-5)
    (last,) = gallery.listed(made, of, of.order[-1:])
    assert (last.rank, last.picture) == (None, None)


def test_with_too_few_models_all_of_them_tell_of_a_record():
    (one,) = gallery.listed(whole(), FOUR, [1])
    assert (one.member, one.chosen) == ((0.95, 0.9, 1.0), None)
    assert "chosen on the other models" not in people.story(one)


def test_pages_are_counted_and_captioned():
    assert [gallery.pages(records) for records in (0, 1, 20, 21)] == [1, 1, 1, 2]
    assert gallery.caption(FOUR, page=1, records=21) == "Records 21 – 21 of 21, the riskiest first."


@pytest.mark.parametrize(
    ("text", "record"), [(None, None), ("0", 0), ("3", 3), ("4", None), ("-0", None), ("³", None)]
)
def test_a_url_names_a_record_there_is_or_none(text, record):
    found, problem = gallery.record_in(text, 4)
    assert found == record
    assert bool(problem) == (text is not None and record is None)


def test_what_is_not_told_by_all_models_and_copies_says_so():
    made = planted_setting()
    assert made.answers is not None
    of = replace(FOUR, pairs=answered_risk(made.answers))
    assert risks.basis(replace(of, models=8)) == risks.basis(replace(FOUR, copies=4)) == ""
    assert risks.basis(of) == " From the first 8 of 16 models."
    assert risks.basis(replace(of, copies=4)) == (
        " From the first 8 of 16 models and the first of 4 released copies of each."
    )


def test_slopes_draw_what_is_asked_for_and_count_everybody():
    before, (first, second), made = planted_slopes()
    assert before.answers is not None
    assert made.records.tolist() == np.argsort(-first.member[:2].mean(axis=0), kind="stable")[:12].tolist()
    assert made.drawn.first == pytest.approx(first.member[2:, made.records].mean(axis=0))
    fell = int(made.everyone.fell.sum())
    assert fell > 0
    assert made.everyone.rose.sum() == 0
    assert f"From “bare” to “safe” the risk of {fell} of {RECORDS} records fell and that of 0 rose" in (
        slopes.answer(made)
    )
    assert "at most about 2 would seem to have fallen and as many to have risen" in slopes.answer(made)
    drawn = slopes.records(made)["data"]
    assert sum(len(trace["x"]) for trace in drawn) == 3 * 12
    assert [row["Verdict"] for row in slopes.classes_rows(made)] == ["fell"] * 3
    assert "the mean risk of 3 fell and that of 0 rose" in slopes.classes_words(made)
    rising = slopes.slopes(second, first, before.answers.labels, names=("safe", "bare"), which="rose most", prior=0.1)
    gain = (first.member - second.member)[:2].mean(axis=0)
    assert slopes.records(rising)["layout"]["shapes"][0]["y0"] == 0.1
    assert rising.records.tolist() == np.argsort(-gain, kind="stable")[:12].tolist()


def test_a_records_ranks_count_from_the_end_that_is_named():
    made = replace(whole(), risk=replace(whole().risk, member=np.array([0.5, 0.9, 0.9, 0.1])))
    told = dict(standing.ranks(made, 0))
    assert told["Risk in training"] == ".500, 3rd highest of 4"
    assert dict(standing.ranks(made, 1))["Risk in training"] == ".900, the highest of 4"


def test_beliefs_are_means_over_the_models_of_either_side():
    of = standing.beliefs(ANSWERS)
    for record in range(4):
        for side, values in ((True, of.trained), (False, of.left_out)):
            phi = [ANSWERS.phi[m, record] for m in range(4) if ANSWERS.masks[m, record] == side]
            assert values[record] == pytest.approx(np.mean([1 / (1 + np.exp(-float(each))) for each in phi]))


def test_a_records_fate_is_told_with_its_ends():
    fates = [
        Fate(label="off", risk=Interval(estimate=0.9, low=0.8, high=1.0), non_member=0.2),
        Fate(label="10", risk=Interval(estimate=0.6, low=0.5, high=0.7), non_member=0.4),
    ]
    assert standing.fates_words(fates, "Strength") == (
        "At 2 measured stops of the dial “Strength” its risk lies between .600 at “10” and .900 at “off”. Nothing "
        "between the stops has been measured."
    )
    near = [fates[0], replace(fates[1], risk=replace(fates[1].risk, high=0.85))]
    assert "Their intervals overlap" in standing.fates_words(near, "Strength")
    assert [row["Stop"] for row in standing.fates_rows(fates)] == ["off", "10"]
    assert standing.fates(fates, "Strength")["data"][0]["error_y"]["arrayminus"] == pytest.approx([0.1, 0.1])
    assert standing.fate("off", whole(), 0) is None  # without intervals
    assert standing.fate("off", planted_setting(), RECORDS) is None  # of fewer records


def test_classes_profit_by_what_training_on_them_adds():
    made = profits.profits(np.array([0.5, 0.6, 0.9, 0.7]), ANSWERS)
    assert made is not None
    of = standing.beliefs(ANSWERS)
    assert made.label.tolist() == [1, 3, 7]
    assert made.risk == pytest.approx([0.6, 0.9, 0.6])
    assert made.left_out[2] == pytest.approx((of.left_out[0] + of.left_out[3]) / 2)
    assert profits.words(made).startswith(
        "On records of class 3, those at the highest risk, models that left them out"
    )
    assert next(row["Class"] for row in profits.rows(made)) == "3"
    alone = replace(ANSWERS, members=np.packbits(np.ones((4, 4), dtype=bool), axis=1))
    assert profits.profits(np.ones(4), alone) is None


def test_subgroups_are_thirds_by_difficulty_and_doubt():
    made = planted_setting()
    assert made.answers is not None
    doubt, thirds = people.subgroups(made.answers, answered_risk(made.answers))
    left_out = standing.beliefs(made.answers).left_out
    assert thirds.records.tolist() == [20, 20, 20]
    assert doubt.records.tolist() == [int((left_out >= 0.5).sum()), int((left_out < 0.5).sum())]
    assert [people.group_name(thirds, number) for number in thirds.group] == [
        "easiest third",
        "middle third",
        "hardest third",
    ]
    hardest = left_out <= np.sort(left_out)[19]
    assert thirds.risk[2] == pytest.approx(made.risk.member[hardest].mean(), abs=1e-5)
