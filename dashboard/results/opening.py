"""What the page Start tells: one sentence, one picture, and a card for each preset, all from measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dashboard.results.details import score_bins
from dashboard.results.figures import Figure, note, plane, setting_words, settings_trace
from dashboard.results.tables import Rows, numbers
from dashboard.results.words import DASH, decimals, epsilon_in_short, percent, scope
from dashboard.state.landscape import Spot
from dashboard.state.story import OVERFIT, PRESETS, REGULARIZED, SMOOTHED, STRONG_DP, SWEET_SPOT, Preset, Story
from engine.assessment.values import Assessment, Headline, Interval
from engine.populations.catalogue import POPULATIONS

TITLE = "What accuracy costs in privacy"
"""What the picture is called where it is saved and where it is heard."""

CARDS = "Scores on the cards"
"""What the histograms on the cards are called where they are saved."""

SCORES = "The curves are the scores that an attacker gives to members (filled) and to outsiders (line)."

ABOUT = "See what a model gives away about the people whose data it was trained on, and what protecting them costs."

HEIGHT = 380
_MARGIN = {"l": 67, "r": 12, "t": 47, "b": 54}  # what axes and legend need: Plotly need not find more room for them
_AIR = 0.05  # of accuracy, below and above the presets: room for their names and the corners' words

_NAMES: Mapping[str, tuple[str, str]] = {
    OVERFIT.name: ("Overfitted", "top center"),
    REGULARIZED.name: ("Regularized", "bottom center"),
    SMOOTHED.name: ("Label-<br>smoothed", "bottom center"),
    STRONG_DP.name: ("Strong DP", "top right"),
    SWEET_SPOT.name: ("Sweet spot", "top center"),
}
"""What stands beside a preset's point and where, so that none covers another one, on a narrow screen either."""

_CORNERS = (
    ("accurate<br>and private", {"x": 0.505, "xref": "x", "y": 0.995, "xanchor": "left", "yanchor": "top"}),
    (
        "accurate, but<br>tells who was in",
        {"x": 1, "xref": "paper", "y": 0.995, "xanchor": "right", "yanchor": "top"},
    ),
    ("private, but<br>often wrong", {"x": 0.505, "xref": "x", "y": 0.005, "xanchor": "left", "yanchor": "bottom"}),
)


UNMEASURED = (
    "The results that come with Privacy Dial cannot be read on this machine. It can measure them itself: sixteen "
    "models for each of five settings, trained and attacked."
)


def sentences(told: Story) -> tuple[str, str]:
    """What the measurements say, first the one thing to remember; of presets that have not been measured, nothing."""
    overfit = told.told.get(OVERFIT.name)
    if overfit is None:
        return "Nothing has been measured here yet.", UNMEASURED
    first = (
        "Shown a record that the overfitted model was trained on and one that it was not, an attacker tells which "
        f"is which {_times(overfit.headline.auc)} times out of 100."
    )
    others = [
        _beside(told.told[preset.name].headline, overfit.headline, words)
        for preset, words in ((STRONG_DP, "With strong DP he does so"), (SWEET_SPOT, "At the sweet spot"))
        if preset.name in told.told
    ]
    return first, " ".join(["Guessing would be right 50 times.", *others])


def _beside(head: Headline, overfit: Headline, words: str) -> str:
    """What a preset does to both numbers of the overfitted model."""
    before, after = (each.test_accuracy.estimate for each in (overfit, head))
    turn = "falls" if after < before else "rises"
    return (
        f"{words} {_times(head.auc)} times, and the accuracy {turn} from {percent(overfit.test_accuracy)} "
        f"to {percent(head.test_accuracy)}."
    ).replace(" %", "\u00a0%")  # not at the beginning of a line


def _times(auc: Interval) -> str:
    """An AUC as how often out of 100 a member is told from an outsider, with its interval.

    The AUC is the probability that a member's score is above an outsider's (Hanley & McNeil 1982).
    """
    times, low, high = (round(100 * share) for share in (auc.estimate, auc.low, auc.high))
    return f"{times} ({low}{DASH}{high})"


def figure(told: Story) -> Figure:
    """Test accuracy against attack AUC: the presets by name among the other settings that ship."""
    drawn = _within(told)
    shown = plane([*_around(drawn), *_presets(told)], [spot.headline for spot in (*told.told.values(), *drawn)])
    shown["layout"] |= {"height": HEIGHT, "margin": _MARGIN}
    if told.told:
        shown["layout"]["yaxis"]["range"] = _heights_shown(told)
        shown["layout"]["annotations"] += [
            note(text, yref="paper", align=at["xanchor"], **at) for text, at in _CORNERS
        ]
    return shown


def _heights_shown(told: Story) -> list[float]:
    """The accuracies that the picture spans: those of the presets, and room for words."""
    accuracies = [spot.headline.test_accuracy for spot in told.told.values()]
    return [min(each.low for each in accuracies) - _AIR, max(each.high for each in accuracies) + 1.5 * _AIR]


def _within(told: Story) -> list[Spot]:
    """The other settings that have a place in the picture: useless models would push all others together."""
    if not told.told:
        return list(told.around)
    low, high = _heights_shown(told)
    return [spot for spot in told.around if low <= spot.headline.test_accuracy.estimate <= high]


def _around(spots: Sequence[Spot]) -> list[dict[str, Any]]:
    if not spots:
        return []
    trace = settings_trace(
        spots,
        name="other settings",
        colour="@ghost",
        mode="markers",
        marker={"color": "@ghost", "size": 6, "symbol": "circle", "opacity": 1},
    )
    thin = {"thickness": 0.8, "width": 0}  # so many that the presets would not stand out from them
    return [trace | {whisker: trace[whisker] | thin for whisker in ("error_x", "error_y")}]


def _presets(told: Story) -> list[dict[str, Any]]:
    if not told.told:
        return []
    sweet = [name == SWEET_SPOT.name for name in told.told]
    return [
        settings_trace(
            list(told.told.values()),
            name="presets",
            colour="@accent",
            mode="markers+text",
            text=[f"<b>{_NAMES[name][0]}</b>" for name in told.told],
            textposition=[_NAMES[name][1] for name in told.told],
            showlegend=False,
            textfont={"size": 12, "color": "@ink"},
            cliponaxis=False,  # a name at the edge is not cut off
            marker={
                "color": "@accent",
                "size": [16 if it else 12 for it in sweet],
                "symbol": ["star" if it else "circle" for it in sweet],
                "opacity": 1,
            },
        )
    ]


def finding(told: Story) -> str:
    """What the picture shows: what the best of the settings do, and what it stands on."""
    if not told.spots:
        return "No setting has been measured."
    first = told.spots[0]
    place = scope(first.headline, POPULATIONS[first.view.population].title)
    return " ".join(filter(None, [_best(told), _outside(told), "Pick a point to open it in Explore.", place]))


def _best(told: Story) -> str:
    """Which settings lose no accuracy, and whether the sweet spot is the best of them."""
    overfit, sweet = told.told.get(OVERFIT.name), told.told.get(SWEET_SPOT.name)
    if overfit is None or sweet is None:
        return f"{len(told.spots)} settings are measured."
    least = overfit.headline.test_accuracy.estimate
    equal = [spot for spot in told.spots if spot.headline.test_accuracy.estimate >= least and spot is not overfit]
    first = f"At least as accurate as the overfitted setting: {len(equal)} of {len(told.spots) - 1} others"
    best = sweet in equal and all(sweet.headline.auc.estimate <= spot.headline.auc.estimate for spot in equal)
    return f"{first}; of these the sweet spot leaks least." if best else f"{first}."


def _outside(told: Story) -> str:
    """How many settings have no place in the picture."""
    left_out = len(told.around) - len(_within(told))
    return f"Not drawn, because they are less accurate: {left_out}; the table has them." if left_out else ""


def rows(told: Story) -> Rows:
    """All settings of the picture with their numbers."""
    return [
        {
            "Name": spot.label or DASH,
            "Setting": setting_words(spot),
            **numbers(spot.headline, stopped=spot.view.stopped),
        }
        for spot in told.spots
    ]


@dataclass(frozen=True, kw_only=True)
class Card:
    """A preset as it stands on a card; without numbers where it has not been measured.

    Attributes:
        address: the query that opens it in Explore.
        title: its name.
        about: what is done in it.
        numbers: names and values, in the order of the card.
        members: the height of each bar of the members' scores, the highest of both histograms being 1.
        outsiders: likewise of the non-members'.
    """

    address: str
    title: str
    about: str
    numbers: tuple[tuple[str, str], ...] = ()
    members: tuple[float, ...] = ()
    outsiders: tuple[float, ...] = ()


def cards(told: Story, found: Mapping[str, Assessment]) -> tuple[Card, ...]:
    """All presets as cards; ``found`` by name, where there is one."""
    return tuple(_card(preset, told.told.get(preset.name), found.get(preset.name)) for preset in PRESETS)


def _card(preset: Preset, spot: Spot | None, found: Assessment | None) -> Card:
    plain = Card(address=preset.view.address, title=preset.title, about=preset.about)
    if spot is None:
        return plain
    head = spot.headline
    shown = (
        ("Accuracy", percent(head.test_accuracy)),
        ("Attack AUC", decimals(head.auc)),
        ("Proved ε", "none" if head.claim is None else epsilon_in_short(head, stopped=spot.view.stopped)),
    )
    members, outsiders = _heights(found) if found else ((), ())
    return replace(plain, numbers=shown, members=members, outsiders=outsiders)


def score_rows(found: Mapping[str, Assessment]) -> Rows:
    """The histograms on the cards, of presets by name; bins without a score are left out."""
    return [
        {
            "Setting": preset.title,
            "Score from": f"{low:.2f}",
            "To": f"{high:.2f}",
            "Members": f"{inside:,}",
            "Outsiders": f"{outside:,}",
        }
        for preset in PRESETS
        if preset.name in found
        for low, high, inside, outside in _bars(found[preset.name])
        if inside or outside
    ]


def _bars(found: Assessment) -> Iterator[tuple[float, float, int, int]]:
    """The ends of each bin of scores, and the counts of members and of outsiders in it."""
    _, edges, members, outsiders = score_bins(found)
    return zip(edges[:-1], edges[1:], members, outsiders, strict=True)


def _heights(found: Assessment) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both histograms of scores, the highest bar of the two being 1."""
    _, _, *both = score_bins(found)
    highest = max(1, *(int(counts.max()) for counts in both))
    members, outsiders = (tuple((counts / highest).round(3).tolist()) for counts in both)
    return members, outsiders
