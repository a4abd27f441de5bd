"""ROC curves of several settings side by side, on the same axes: small multiples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.results import rates
from dashboard.results.figures import Figure, layout, note
from dashboard.results.rates import Scale
from dashboard.results.tables import Rows
from dashboard.results.words import between, decimals, percent, percent_between, rate_at
from engine.assessment.values import Assessment

Shown = Mapping[str, Assessment]
"""Assessments by letter."""

_COLUMNS = 2
_ROW, _TOP, _BELOW, _GAP = 250, 104, 52, 0.12  # pixels of a row and around all; the gap between two, as a share
_TITLE = 22  # pixels


def figure(found: Shown, scale: Scale) -> Figure:
    """One small ROC figure for each setting with its band; the first one's curve is repeated in all others."""
    lines = -(-len(found) // _COLUMNS)
    made = {letter: rates.roc(one, scale) for letter, one in found.items()}
    data: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    titles: list[dict[str, Any]] = []
    for place, (letter, one) in enumerate(made.items()):
        number = str(place + 1) if place else ""
        across, upwards = _domain(place, lines)
        repeated = [] if not place else [_repeated(next(iter(made)), next(iter(made.values())))]
        own_axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        data += [{**trace, **own_axes, "uid": f"{letter} {trace['name']}"} for trace in (*repeated, *one["data"])]
        own = one["layout"]
        axes[f"xaxis{number}"] = {**own["xaxis"], **_few_ticks(scale), "domain": across, "anchor": f"y{number}"}
        axes[f"yaxis{number}"] = {**own["yaxis"], "domain": upwards, "anchor": f"x{number}"}
        titles.append(_title(letter, found[letter], across, upwards))
    return {
        "data": _once_in_legend(data),
        "layout": layout(
            height=_ROW * lines + _TOP + _BELOW,
            margin={"l": 56, "r": 16, "t": _TOP, "b": _BELOW},
            dragmode=False,
            legend={**layout(height=0)["legend"], "y": 1 + _TITLE / (_ROW * lines)},
            annotations=titles,
            **_titled(axes, lines),
        ),
    }


def _few_ticks(scale: Scale) -> dict[str, Any]:
    """Numbers so few and small that neighbours do not meet on a telephone."""
    few = {"tickfont": {"size": 11}, "tickangle": 0}
    if scale == "linear":
        return {**few, "tickvals": [0, 0.5, 1], "ticktext": ["0", "50 %", "100 %"]}
    return {**few, "tickvals": [0.001, 0.01, 0.1], "ticktext": ["0.1 %", "1 %", "10 %"]}


def _domain(place: int, lines: int) -> tuple[list[float], list[float]]:
    """Where a small figure stands, as shares of the whole: across and upwards."""
    line, column = divmod(place, _COLUMNS)
    width = (1 - _GAP) / _COLUMNS
    height = (1 - 2 * _GAP * (lines - 1)) / lines
    left, top = column * (width + _GAP), 1 - line * (height + 2 * _GAP)
    return [left, left + width], [max(0.0, top - height), top]


def _titled(axes: dict[str, Any], lines: int) -> dict[str, Any]:
    """The axes with titles, and upwards with numbers, only at the edge: they are all alike."""

    def keeps(name: str) -> bool:
        place = int(name[5:] or 1) - 1
        line, column = divmod(place, _COLUMNS)
        return line == lines - 1 if name.startswith("x") else column == 0

    bare = {"title": {"text": ""}}
    inner = {"x": bare, "y": {**bare, "showticklabels": False}}
    return {name: of if keeps(name) else {**of, **inner[name[0]]} for name, of in axes.items()}


def _title(letter: str, found: Assessment, across: list[float], upwards: list[float]) -> dict[str, Any]:
    text = f"<b>{letter}</b> AUC {decimals(found.headline.auc)}"
    return note(
        text,
        xref="paper",
        yref="paper",
        x=across[0],
        y=upwards[1],
        xanchor="left",
        yanchor="bottom",
        font={"size": 13, "color": "@ink"},
    )


def _repeated(letter: str, first: Figure) -> dict[str, Any]:
    """The curve of the first setting, thin, for the eye to compare with."""
    curve = first["data"][-1]
    return {
        **curve,
        "name": f"{letter}, to compare",
        "line": {"color": "@ghost", "width": 1.5, "dash": "dashdot"},
        "hoverinfo": "skip",
        "hovertemplate": None,
    }


def _once_in_legend(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The traces with one entry of the legend for all of a name."""
    names = [trace.get("name", "") for trace in data]
    return [
        {**trace, "legendgroup": name, "showlegend": name not in names[:place] and trace.get("showlegend", True)}
        for place, (trace, name) in enumerate(zip(data, names, strict=True))
    ]


def finding(found: Shown, scale: Scale) -> str:
    """What the figures show: on linear axes areas, on logarithmic ones the rates at few false alarms."""
    if scale == "linear":
        areas = ", ".join(
            f"{letter} {decimals(one.headline.auc)} ({between(one.headline.auc)})" for letter, one in found.items()
        )
        return (
            f"Area under the curve: {areas}. Bands are 95 % intervals, for these records; where they overlap the "
            "settings may still differ, because differences are measured pair by pair."
        )
    listed = ", ".join(f"{letter} {_at_one_percent(one)}" for letter, one in found.items())
    return (
        f"Members found at 1 % false alarms: {listed}. Equal steps are equal factors, so that few false alarms show."
    )


def _at_one_percent(found: Assessment) -> str:
    rate = rate_at(found.headline, 0.01)
    if rate is None or not rate.claimable:
        return "cannot be said"
    return f"{percent(rate.tpr)} ({percent_between(rate.tpr)})"


def rows(found: Shown) -> Rows:
    """The curves at a few false positive rates, one column for each setting."""
    listed = {letter: rates.rows(one) for letter, one in found.items()}
    at = [row["False alarms (FPR)"] for row in next(iter(listed.values()))]
    return [
        {
            "False alarms (FPR)": fpr,
            **{f"{letter}, members found (95 % interval)": _cell(of[line]) for letter, of in listed.items()},
        }
        for line, fpr in enumerate(at)
    ]


def _cell(row: Mapping[str, str]) -> str:
    tpr, band = row["Members found (TPR)"], row.get("95 % interval")
    return f"{tpr} ({band})" if band else tpr
