"""The tiles: four numbers, each with its interval and what stands behind it, as escaped HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from dashboard.results.links import About, how_html
from dashboard.results.words import (
    DASH,
    between,
    decimals,
    epsilon,
    percent,
    percent_between,
    rate_at,
    shadows,
)
from engine.assessment.values import Headline


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number on screen.

    Attributes:
        name: what it is.
        value: the estimate, written out.
        interval: its interval, written out; empty where there is none.
        behind: what stands behind it, one phrase.
        muted: greyed, because the number cannot be claimed.
        how: the entry of the page Methods that says how it is measured.
    """

    name: str
    value: str
    interval: str = ""
    behind: str
    how: str
    muted: bool = False


HOW: Mapping[str, str] = {
    "Test accuracy": "accuracy",
    "Attack AUC": "auc",
    "Found at 1 % false alarms": "tpr",
    "Proved ε": "epsilon",
}
"""The tiles in their order, each with its entry of the page Methods."""


def tiles(headline: Headline, *, stopped: bool = False) -> tuple[Tile, ...]:
    """The four tiles of a measured setting; ``stopped`` where it keeps an early epoch."""
    return (
        Tile(
            name="Test accuracy",
            how=HOW["Test accuracy"],
            value=percent(headline.test_accuracy),
            interval=percent_between(headline.test_accuracy),
            behind=f"train {percent(headline.train_accuracy)}, {headline.targets} models",
        ),
        Tile(
            name="Attack AUC",
            how=HOW["Attack AUC"],
            value=decimals(headline.auc),
            interval=between(headline.auc),
            behind=f"guessing .500, {shadows(headline)}",
        ),
        _rate(headline),
        _epsilon(headline, stopped=stopped),
    )


def empty_tiles(behind: str = "not measured yet") -> tuple[Tile, ...]:
    """The same tiles where nothing has been measured, with the reason in a few words."""
    return tuple(Tile(name=name, how=how, value=DASH, behind=behind, muted=True) for name, how in HOW.items())


def _rate(headline: Headline) -> Tile:
    name = "Found at 1 % false alarms"
    rate = rate_at(headline, 0.01)
    if rate is None:
        return Tile(name=name, how=HOW[name], value=DASH, behind="not measured", muted=True)
    return Tile(
        name=name,
        how=HOW[name],
        value=percent(rate.tpr),
        interval=percent_between(rate.tpr),
        behind=(
            f"{rate.expected_false_alarms:.0f} false alarms expected among {rate.non_members:,} outsiders, "
            f"{100 * rate.achieved_fpr:.2f} % reached, {shadows(headline)}"
            + ("" if rate.claimable else "; too few to claim")
        ),
        muted=not rate.claimable,
    )


def _epsilon(headline: Headline, *, stopped: bool) -> Tile:
    value, behind = epsilon(headline, stopped=stopped)
    proved = headline.claim is not None and headline.claim.epsilon is not None
    return Tile(name="Proved ε", how=HOW["Proved ε"], value=value, behind=behind, muted=not proved)


def tiles_html(shown: Iterable[Tile]) -> str:
    """The tiles as a description list; every text is escaped."""
    return f'<dl class="pd-tiles">{"".join(map(_tile_html, shown))}</dl>'


def _tile_html(tile: Tile) -> str:
    muted = " pd-muted" if tile.muted else ""
    text = " pd-text" if any(letter.isalpha() for letter in tile.value) else ""
    how = f'<dd class="pd-behind">{how_html(tile.how, tile.name)}</dd>'
    interval = f'<dd class="pd-interval">{escape(tile.interval)}</dd>' if tile.interval else ""
    return (
        f'<div class="pd-tile{muted}"><dt>{escape(tile.name)}</dt>'
        f'<dd class="pd-value{text}">{escape(tile.value)}</dd>'
        f'{interval}<dd class="pd-behind">{escape(tile.behind)}</dd>{how}</div>'
    )


def headline_html(first: str, second: str, badge: str = "", *, about: About | None) -> str:
    """The sentence above the tiles; every text is escaped.

    Args:
        first: the sentence.
        second: what it rests on.
        badge: stands behind the sentence while more models are to come.
        about: the entries of the page Methods that say how its numbers are measured; None where it has none.
    """
    mark = f' <span class="pd-badge">{escape(badge)}</span>' if badge else ""
    how = f" {how_html(about, 'the headline')}" if about else ""
    return f'<h1 class="pd-headline">{escape(first)}{mark}</h1><p class="pd-scope">{escape(second)}{how}</p>'
