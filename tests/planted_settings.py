"""Assessments of planted cohorts: whole ones, as the engine makes them, without training anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashboard.results.slopes import Slopes, slopes
from engine.assessment import assess
from engine.assessment.changes import answered_risk
from engine.assessment.risk import PairRisk
from engine.assessment.values import Assessment, Pictures
from tests.planted import complementary_masks, planted_records, planted_signals

RECORDS = 60


def planted_setting(*, shift: float = 2.0, pairs: int = 4, seed: int = 5) -> Assessment:
    """60 records of three classes; settings of one seed share records and masks, and differ in how much leaks."""
    random = np.random.default_rng(seed)
    masks = complementary_masks(random, pairs, RECORDS)
    planted = planted_records(random, RECORDS, shift=shift, classes=3)
    made = assess([planted_signals(random, planted, masks)], masks, "lira", classes=3, claim=None, seed=0)
    assert made.riskiest is not None
    pixels = np.zeros((made.riskiest.record.size, 8, 8), dtype=np.uint8)
    pixels[:, 2:6, 3:5] = 255
    return replace(made, pictures=Pictures(record=made.riskiest.record, pixels=pixels))


def planted_slopes() -> tuple[Assessment, tuple[PairRisk, PairRisk], Slopes]:
    """A setting that leaks, the risk of its records without and with a protection, and the slopes of the riskiest."""
    before, after = (planted_setting(shift=shift) for shift in (4.0, 0.0))
    assert before.answers is not None
    assert after.answers is not None
    first, second = answered_risk(before.answers), answered_risk(after.answers)
    made = slopes(first, second, before.answers.labels, names=("bare", "safe"), which="riskiest before", prior=0.5)
    return before, (first, second), made
