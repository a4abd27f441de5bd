"""The figures of a sweep: all settings on the plane of accuracy against AUC, and as lines across parallel axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cache.sweeps.dials import OFF, Scalar
from cache.sweeps.results import Result
from cache.sweeps.values import Plan
from dashboard.results.figures import Figure, axis, layout, note, plane, whiskers
from dashboard.results.outcomes import short, value_text, values_text
from dashboard.results.words import between, decimals, percent, percent_between

MOST_DRAWN = 2000
"""Settings that a figure holds; a table and the CSV file have all."""

_MOST_LABELS = 10  # on one axis; of more only the ends are named
_HEIGHT = 400  # on a phone the names of many dials stand upright and take a third of it
_BARE = {"showgrid": False, "showline": False, "ticks": "", "fixedrange": True}
_NUMBERS = ("Test accuracy", "Attack AUC")


def landed(plan: Plan, results: Sequence[Result]) -> Figure:
    """Every measured setting with its intervals: filled with all its models, hollow with fewer so far."""
    drawn = results[:MOST_DRAWN]
    data = [
        _points(plan, [one for one in drawn if one.waves < plan.waves], "fewer models so far", "circle-open"),
        _points(plan, [one for one in drawn if one.waves == plan.waves], "all models", "circle"),
    ]
    return plane(data, [one.headline for one in drawn])


def _points(plan: Plan, results: Sequence[Result], name: str, symbol: str) -> dict[str, Any]:
    aucs = [one.headline.auc for one in results]
    accuracies = [one.headline.test_accuracy for one in results]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [auc.estimate for auc in aucs],
        "y": [accuracy.estimate for accuracy in accuracies],
        "error_x": whiskers(aucs, "@path-soft"),
        "error_y": whiskers(accuracies, "@path-soft"),
        "marker": {"color": "@path", "size": 9, "symbol": symbol, "line": {"color": "@path", "width": 2}},
        "hovertext": [_hover(plan, one) for one in results],
        "hoverinfo": "text",
    }


def _hover(plan: Plan, one: Result) -> str:
    head = one.headline
    return (
        f"<b>{values_text(plan.dials, one.setting.values).replace(', ', '<br>')}</b><br>"
        f"test accuracy {percent(head.test_accuracy)} ({percent_between(head.test_accuracy)})<br>"
        f"attack AUC {decimals(head.auc)} ({between(head.auc)})<br>{head.targets} models"
    )


def parallel(plan: Plan, results: Sequence[Result]) -> Figure:
    """One line for each measured setting across the dials that are turned, to its accuracy and its AUC."""
    drawn = results[:MOST_DRAWN]
    columns = [*(_places(plan, place) for place in range(len(plan.dials)))]
    aucs = [one.headline.auc.estimate for one in drawn]
    middle = sorted(aucs)[len(aucs) // 2] if aucs else 0.5
    low = [one for one, auc in zip(drawn, aucs, strict=True) if auc < middle]
    high = [one for one, auc in zip(drawn, aucs, strict=True) if auc >= middle]
    spans = [_span([_number(one, name) for one in drawn]) for name in _NUMBERS]
    titles = [*map(short, plan.dials), *_NUMBERS]
    return {
        "data": [
            _lines(low, columns, spans, name="lower half of AUC", line={"color": "@path", "width": 1.3}),
            _lines(
                high, columns, spans, name="upper half of AUC", line={"color": "@accent", "width": 1.3, "dash": "dot"}
            ),
        ],
        "layout": layout(
            height=_HEIGHT,
            xaxis=axis(
                "",
                range=[-0.15, len(titles) - 0.3],  # room for the ends of the last axis
                tickvals=list(range(len(titles))),
                ticktext=[title.replace(" ", "<br>").replace(".", ".<br>") for title in titles],
                **_BARE,
            ),
            yaxis=axis("", range=[-0.08, 1.08], showticklabels=False, **_BARE),
            shapes=[
                {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": {"color": "@line", "width": 1}}
                for x in range(len(titles))
            ],
            annotations=[*_labels(columns), *_ends(spans, start=len(columns))],
        ),
    }


def _places(plan: Plan, place: int) -> Mapping[Scalar | None, float]:
    """The values of a dial, each with its height in [0, 1]: numbers in order, what is off below them."""
    values = list(dict.fromkeys(setting.values[place] for setting in plan.settings))
    if all(isinstance(value, int | float) for value in values if value not in {None, OFF}):
        values.sort(
            key=lambda value: (isinstance(value, int | float), value if isinstance(value, int | float) else 0)
        )
    return {value: index / max(1, len(values) - 1) for index, value in enumerate(values)}


def _number(one: Result, name: str) -> float:
    head = one.headline
    return (head.test_accuracy if name == _NUMBERS[0] else head.auc).estimate


def _span(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)


def _lines(
    results: Sequence[Result],
    columns: Sequence[Mapping[Scalar | None, float]],
    spans: Sequence[tuple[float, float]],
    **look: Any,
) -> dict[str, Any]:
    """All lines as one trace, with gaps between them."""
    across: list[float | None] = []
    upwards: list[float | None] = []
    for one in results:
        dials = [column[value] for column, value in zip(columns, one.setting.values, strict=True)]
        numbers = [
            (_number(one, name) - low) / ((high - low) or 1.0)
            for name, (low, high) in zip(_NUMBERS, spans, strict=True)
        ]
        across += [*range(len(dials) + len(numbers)), None]
        upwards += [*dials, *numbers, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": across,
        "y": upwards,
        "opacity": 0.85,
        "hoverinfo": "skip",
        **look,
    }


def _labels(columns: Sequence[Mapping[Scalar | None, float]]) -> list[dict[str, Any]]:
    """The names of the values beside each axis of a dial."""
    notes = []
    for x, column in enumerate(columns):
        shown = [*column.items()]
        if len(shown) > _MOST_LABELS:
            shown = [shown[0], shown[-1]]
        notes += [_label(x, height, value_text(value)) for value, height in shown]
    return notes


def _ends(spans: Sequence[tuple[float, float]], *, start: int) -> list[dict[str, Any]]:
    """The ends of the axes of numbers."""
    texts = [f"{100 * end:.1f} %" for end in spans[0]] + [f"{end:.3f}" for end in spans[1]]
    places = [(start, 0.0), (start, 1.0), (start + 1, 0.0), (start + 1, 1.0)]
    return [_label(x, height, text) for (x, height), text in zip(places, texts, strict=True)]


def _label(x: int, height: float, text: str) -> dict[str, Any]:
    return note(
        text, x=x, y=height, xanchor="left", xshift=4, yshift=8, bgcolor="@paper", font={"size": 11, "color": "@soft"}
    )
