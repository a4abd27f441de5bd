"""Utility and risk of each record, one above the other."""

from dataclasses import replace

import numpy as np
from scipy.special import expit

from dashboard.results import details, findings, glance, tables
from tests.handmade import ANSWERS, assessment, whole


def sure_by_hand(inside):
    """The mean probability of the right label of each record, over the models on one side."""
    probability, masks = expit(ANSWERS.phi.astype(float)), ANSWERS.masks
    return [probability[masks[:, one] == inside, one].mean() for one in range(ANSWERS.labels.size)]


def test_the_upper_part_counts_records_by_how_sure_models_are_of_their_label():
    made = glance.figure(whole())
    *risk, trained, left_out = made["data"]
    assert [trace["y"] for trace in risk] == [trace["y"] for trace in details.risk(whole())["data"]]
    for heights, inside in ((trained["y"], True), (left_out["y"][1:-1], False)):
        assert heights == np.histogram(sure_by_hand(inside), details.RISK_EDGES)[0].tolist()
        assert sum(heights) == 4
    assert {(trace["xaxis"], trace["yaxis"]) for trace in (trained, left_out)} == {("x2", "y2")}


def test_its_words_and_rows_hold_both():
    medians = [f"{np.median(sure_by_hand(inside)):.3f}"[1:] for inside in (True, False)]
    assert glance.finding(whole()) == (
        f"Models give the right label of a record a median probability of {medians[0]} when they trained on it and "
        f"{medians[1]} when not. {findings.risk(whole())}"
    )
    rows = glance.rows(whole())
    assert [row["At this risk, in training"] for row in rows] == [
        row["Records, in training"] for row in tables.risk(whole())
    ]
    for side in ("in training", "left out"):
        assert sum(int(row[f"So sure of the label, {side}"]) for row in rows) == 4


def test_without_answers_there_is_the_risk_alone_and_as_many_traces():
    bare = replace(assessment(), answers=None)
    made, full = glance.figure(bare), glance.figure(whole())
    assert [trace["name"] for trace in made["data"]] == [trace["name"] for trace in full["data"]]
    assert sum(made["data"][2]["y"]) == 0
    assert (glance.finding(bare), glance.rows(bare)) == (findings.risk(bare), tables.risk(bare))
