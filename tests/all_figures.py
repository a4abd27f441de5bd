"""Every kind of figure that the dashboard draws, each with all the marks that it can have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cache.progress import TracePoint
from cache.reports import Sensitivity
from cache.store import Store
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.results import Result
from dashboard.results import (
    contrast,
    details,
    epochs,
    figures,
    glance,
    multiples,
    opening,
    parallel,
    people,
    profits,
    proofs,
    rates,
    risks,
    sensitivity,
    slopes,
    standing,
)
from dashboard.results.figures import Figure
from dashboard.results.standing import Fate
from dashboard.state.landscape import landscape
from dashboard.state.story import PRESETS, story
from dashboard.state.view import View
from engine.assessment.values import Assessment
from engine.audits.values import Ceiling
from tests.handmade import ANSWERS, claim, comparison, headline, interval, measure, whole
from tests.planted_settings import planted_slopes

UNPROVED = Ceiling(
    fpr=np.array([0.1, 1.0]), tpr=np.array([0.5, 1.0]), auc=0.8, advantage=0.4, proved=False, sentence="measured"
)


def all_figures(store: Store) -> dict[str, Figure]:
    """The figures by name; their measurements are put into the store."""
    found = whole(headline(claim=claim(3.0)))
    (group,) = found.groups
    named = people.named(found)[0]
    gained = profits.profits(found.risk.member, ANSWERS)
    assert gained is not None
    fates = [Fate(label=stop, risk=interval(0.8, 0.7, 0.9), non_member=0.2) for stop in ("off", "10")]
    trace = [TracePoint(epoch=at, train_accuracy=0.9, test_accuracy=0.8, loss_auc=0.6) for at in (1, 2)]
    curves = dict.fromkeys("ABCD", found)
    return {
        "tradeoff": _tradeoff(store),
        "start": opening.figure(story(store)),
        "scores": details.scores(found),
        "glance": glance.figure(found),
        "reliability": details.reliability(found),
        "found out": details.found_out(found),
        "bounds": proofs.bounds(found),
        "confidences": people.confidences(ANSWERS, named),
        "groups": people.groups(group),
        "sensitivity": sensitivity.strip(Sensitivity(changes=(0.1, 0.2), members=500)),
        "profits": profits.figure(gained),
        "fates": standing.fates(fates, "Strength"),
        "epochs": epochs.figure(trace, 2, kept=(1,)),
        "contrast": contrast.figure("A", {letter: comparison() for letter in "BCD"}),
        **{f"ROC, {scale}": rates.roc(_with_both_ceilings(), scale) for scale in rates.SCALES},
        **{f"ROC curves, {scale}": multiples.figure(curves, scale) for scale in rates.SCALES},
        **_of_a_sweep(),
        **_of_records(),
    }


def _with_both_ceilings() -> Assessment:
    made = whole()
    return replace(made, ceilings=(*made.ceilings, UNPROVED))


def _tradeoff(store: Store) -> Figure:
    """A path, settings before, pins, the frontier, and a budget that some keep, some perhaps, some not."""
    view = View(most_auc="0.7")
    places = {"0": (0.9, 0.8), "1": (0.88, 0.7), "3": (0.85, 0.65)}
    for stop, (accuracy, auc) in places.items():
        _measured(store, View(regularization=stop), accuracy, auc)
    _measured(store, View(dp="clip"), 0.8, 0.75)
    for place, preset in enumerate(PRESETS):
        _measured(store, preset.view, 0.88 - 0.02 * place, 0.8 - 0.02 * place)
    pins = {"A": View(regularization="3")}
    return figures.tradeoff(landscape(store, view, [View(dp="clip")], pins=pins))


def _measured(store: Store, view: View, accuracy: float, auc: float) -> None:
    accuracies, aucs = ((value, value - 0.01, value + 0.01) for value in (accuracy, auc))
    measure(store, view, test_accuracy=interval(*accuracies), auc=interval(*aucs))


def _of_a_sweep() -> dict[str, Figure]:
    """One setting has fewer models so far."""
    plan = sweep_from_toml(b'epochs = [20, 10]\nmechanisms.Dropout.rate = ["off", 0.5]').plan()
    results = [
        Result(setting=setting, waves=waves, headline=headline(auc=interval(auc, auc - 0.01, auc + 0.01)))
        for setting, waves, auc in zip(plan.settings, (2, 2, 1), (0.6, 0.7, 0.8), strict=False)
    ]
    return {"landed": parallel.landed(plan, results), "parallel": parallel.parallel(plan, results)}


def _of_records() -> dict[str, Figure]:
    before, (first, _), made = planted_slopes()
    everyone = risks.risks(before, first, 0.5)
    return {
        "slopes": slopes.records(made),
        "slopes of classes": slopes.classes(made),
        "risks": risks.histogram(everyone, risks.Filter(show="at risk")),
    }
