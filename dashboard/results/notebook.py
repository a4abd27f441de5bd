"""The dashboard's figures as plain Plotly objects, for notebooks and scripts; nothing here needs a running dashboard.

Each takes assessments, as ``engine.assess`` returns them, and a theme, and returns a ``plotly.graph_objects.Figure``.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from dashboard.results import details, proofs, rates
from dashboard.results.figures import Figure, plane, whiskers
from dashboard.results.palette import PALETTES, Theme, coloured
from dashboard.results.rates import Scale
from dashboard.results.words import between, decimals, percent, percent_between
from engine.assessment.values import Assessment

if TYPE_CHECKING:
    import plotly.graph_objects as go


def tradeoff(measured: Mapping[str, Assessment], *, theme: Theme = "light") -> go.Figure:
    """Test accuracy against attack AUC with their 95 % intervals, one named point for each assessment."""
    headlines = [one.headline for one in measured.values()]
    aucs, accuracies = [head.auc for head in headlines], [head.test_accuracy for head in headlines]
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": "measured",
        "mode": "markers+text",
        "x": [auc.estimate for auc in aucs],
        "y": [accuracy.estimate for accuracy in accuracies],
        "error_x": whiskers(aucs, "@path-soft"),
        "error_y": whiskers(accuracies, "@path-soft"),
        "text": [escape(name) for name in measured],  # Plotly reads markup in texts
        "textposition": "bottom right",
        "hovertext": [
            f"accuracy {percent(head.test_accuracy)} ({percent_between(head.test_accuracy)}), "
            f"AUC {decimals(head.auc)} ({between(head.auc)})"
            for head in headlines
        ],
        "hoverinfo": "text",
        "marker": {"color": "@path", "size": 10},
    }
    return _drawn(plane([trace], headlines), theme)


def roc(found: Assessment, *, scale: Scale = "logarithmic", theme: Theme = "light") -> go.Figure:
    """Members found at every rate of false alarms, with the band and the proved ceiling."""
    return _drawn(rates.roc(found, scale), theme)


def scores(found: Assessment, *, theme: Theme = "light") -> go.Figure:
    """Attack scores of members and of non-members."""
    return _drawn(details.scores(found), theme)


def risk(found: Assessment, *, theme: Theme = "light") -> go.Figure:
    """Risk of all records, in training and left out."""
    return _drawn(details.risk(found), theme)


def reliability(found: Assessment, *, theme: Theme = "light") -> go.Figure:
    """Whether claimed posteriors come true."""
    return _drawn(details.reliability(found), theme)


def bounds(found: Assessment, *, theme: Theme = "light") -> go.Figure:
    """ε measured from below, and proved from above where it is."""
    return _drawn(proofs.bounds(found), theme)


def _drawn(figure: Figure, theme: Theme) -> go.Figure:
    """The Plotly object, on paper of its own."""
    import plotly.graph_objects as go

    made = coloured(figure, theme)
    made["layout"]["paper_bgcolor"] = PALETTES[theme]["paper"]
    return go.Figure(made)
