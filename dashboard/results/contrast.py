"""What paired comparisons of settings say: plain answers, differences as a figure, and the numbers as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.results import words
from dashboard.results.figures import Figure, axis, layout, note, whiskers
from dashboard.results.tables import Rows
from dashboard.results.tiles import Tile
from dashboard.results.words import short
from engine.assessment.values import Comparison, Interval

Contrasts = Mapping[str, Comparison]
"""Comparisons with the same first setting, by the letter of the second."""

ABOUT = "comparison"
"""The entry of the page Methods that says how settings are compared."""

_MEASURES = ("Test accuracy", "Found at 1 % false alarms", "Attack AUC")  # from below upwards
_MARKS = (("circle", "@member"), ("square", "@outsider"), ("triangle-up", "@proved"))
_STEPS = (0.01, 0.02, 0.04, 0.1, 0.2, 0.4)  # a step is there for all that a difference of shares can reach
_ANSWERS = {"yes": "yes", "no": "no, it leaks more", "cannot tell yet": "cannot tell yet"}


def answer(found: Comparison) -> str:
    """The plain answer to "does the second leak less?", at 5 % over all looks."""
    return f"{_ANSWERS[found.verdict]}{needs(found)}"


def needs(found: Comparison) -> str:
    """What an open answer still needs, in brackets; nothing behind a clear one."""
    if found.verdict != "cannot tell yet":
        return ""
    if found.more_waves is None:
        return " (64 waves would not be enough for a difference this small)"
    waves = "1 more wave" if found.more_waves == 1 else f"{found.more_waves} more waves"
    return f" (needs about {waves} of 8 models)"


def headline(first: str, found: Contrasts) -> str:
    """All answers in one sentence."""
    answers = [(letter, answer(of)) for letter, of in found.items()]
    (letter, begins), *rest = answers
    return f"{letter} leaks less than {first}: {'; '.join([begins, *(f'{other}: {of}' for other, of in rest)])}."


def tiles(first: str, settings: Mapping[str, str], found: Contrasts) -> tuple[Tile, ...]:
    """One tile for each of the others, with what stands behind its answer.

    Args:
        first: the letter compared with.
        settings: all settings in short, by letter.
        found: the comparisons that there are; a setting without one is still to be measured.
    """
    others = [letter for letter in settings if letter != first]
    return tuple(_tile(first, letter, settings[letter], found.get(letter)) for letter in others)


def _tile(first: str, letter: str, short_name: str, found: Comparison | None) -> Tile:
    name = f"{letter} leaks less than {first}? {letter} is {short_name}"
    if found is None:
        behind = "not measured on the same masks yet"
        return Tile(name=name, how=ABOUT, value="Not compared yet", behind=behind, muted=True)
    plain = _ANSWERS[found.verdict]
    return Tile(
        name=name,
        how=ABOUT,
        value=plain[0].upper() + plain[1:],
        interval=f"Attack AUC {signed(found.auc)}",
        behind=(
            f"test accuracy {points(found.test_accuracy)}; {probability(found)}, {found.pairs} pairs of models"
            f"{needs(found)}"
        ),
        muted=found.verdict == "cannot tell yet",
    )


def signed(value: Interval) -> str:
    """A difference or a correlation with its interval, three decimals and a sign."""
    estimate, low, high = (words.signed(short(end)) for end in (value.estimate, value.low, value.high))
    return f"{estimate} ({low} to {high})"


def points(value: Interval) -> str:
    """A difference of shares with its interval, in percentage points and with a sign."""
    estimate, low, high = (words.signed(f"{100 * end:.1f}") for end in (value.estimate, value.low, value.high))
    return f"{estimate} ({low} to {high}) points"


def probability(found: Comparison) -> str:
    """The p-value of "both have the same AUC"."""
    text = "p < .001" if found.p_value < 0.001 else f"p = {short(found.p_value)}"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def finding(first: str, found: Contrasts) -> str:
    """What the figure shows."""
    if not found:
        return "Nothing has been compared yet."
    listed = " ".join(
        f"{letter} minus {first}: attack AUC {signed(of.auc)}, found at 1 % false alarms {points(of.tpr)}, "
        f"test accuracy {points(of.test_accuracy)}."
        for letter, of in found.items()
    )
    return f"{listed} Both were trained on the same records, pair by pair; intervals are 95 % and for these records."


def figure(first: str, found: Contrasts) -> Figure:
    """The differences with their intervals: to the left of 0 the other has less of it than the first."""
    traces = [_differences(place, letter, first, len(found), of) for place, (letter, of) in enumerate(found.items())]
    reach = _reach(found)
    return {
        "data": traces,
        "layout": layout(
            height=300,
            dragmode=False,
            xaxis=axis(f"← less than {first} · more →", range=[-reach, reach], **_ticks(reach)),
            yaxis=axis(
                "",
                range=[-0.6, len(_MEASURES) - 0.4],
                tickvals=list(range(len(_MEASURES))),
                ticktext=[name.replace(" false", "<br>false") for name in _MEASURES],
                showgrid=False,
            ),
            shapes=[_same()],
            annotations=[note(f"as {first}", x=0, yref="paper", y=1, xanchor="left", yanchor="top", xshift=4)],
        ),
    }


def _differences(place: int, letter: str, first: str, count: int, found: Comparison) -> dict[str, Any]:
    """One setting's three differences, a little above or below those of the others."""
    values = (found.test_accuracy, found.tpr, found.auc)
    symbol, colour = _MARKS[place]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{letter} minus {first}",
        "x": [value.estimate for value in values],
        "y": [at + 0.2 * ((count - 1) / 2 - place) for at in range(len(values))],
        "error_x": {**whiskers(values, colour), "thickness": 2, "width": 5},
        "marker": {"color": colour, "symbol": symbol, "size": 11},
        "hovertext": [
            f"{letter} minus {first}<br>{name} {signed(value)}" for name, value in zip(_MEASURES, values, strict=True)
        ],
        "hoverinfo": "text",
    }


def _same() -> dict[str, Any]:
    line = {"color": "@soft", "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": line}


def _reach(found: Contrasts) -> float:
    """How far an axis goes to both sides that holds every interval and 0."""
    ends = [abs(end) for of in found.values() for i in (of.test_accuracy, of.tpr, of.auc) for end in (i.low, i.high)]
    return 1.12 * max([0.02, *ends])


def _ticks(reach: float) -> dict[str, Any]:
    """Round differences with their signs, at most two to either side of a bare 0: more lean over on a narrow page."""
    step = next(step for step in _STEPS if reach < 3 * step)
    values = [round(step * place, 2) for place in range(-2, 3) if step * abs(place) <= reach]
    return {"tickvals": values, "ticktext": [words.signed(f"{value:.2f}") if value else "0" for value in values]}


def rows(first: str, found: Contrasts) -> Rows:
    """The numbers of all comparisons."""
    return [
        {
            "Difference": f"{letter} minus {first}",
            "Leaks less": answer(of),
            "Attack AUC": signed(of.auc),
            "p, for this look": f"{of.p_value:.2g}",
            "Found at 1 % false alarms": points(of.tpr),
            "Test accuracy": points(of.test_accuracy),
            "Train accuracy": points(of.train_accuracy),
            "Pairs": str(of.pairs),
        }
        for letter, of in found.items()
    ]


def loss_ranks(first: str, found: Contrasts) -> Rows:
    """How alike settings order their members by loss."""
    return [
        {
            "Settings": f"{first} and {letter}",
            "Rank correlation of the members' losses": signed(of.loss_rank),
            "In words": _alike(of.loss_rank.estimate),
        }
        for letter, of in found.items()
    ]


def _alike(rho: float) -> str:
    """A correlation in words."""
    if rho >= 0.7:
        return "much the same members are hard for both"
    if rho >= 0.3:
        return "in part the same members are hard for both"
    if rho > -0.3:
        return "which members are hard for one says little about the other"
    return "members that are hard for one are easy for the other"
