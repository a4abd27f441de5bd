"""Settings in words: each in short, and what tells several apart."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.results.figures import phrase
from dashboard.results.words import signed
from dashboard.state.landscape import stop_label
from dashboard.state.stops import ARCHITECTURE, DIALS
from dashboard.state.view import View
from engine.architectures import parameter_count
from engine.matching import CLOSE
from engine.populations.catalogue import POPULATIONS


def short_words(view: View) -> str:
    """A setting in a few words: its architecture and the protections in use."""
    in_use = ", ".join(f"{phrase(DIALS[name].title)} {stop_label(name, getattr(view, name))}" for name in view.in_use)
    return f"{ARCHITECTURE.label(view.architecture)}, {in_use or 'no protection'}"


def differences(settings: Mapping[str, View]) -> list[dict[str, str]]:
    """One row for each dial that does not stand at the same stop in all settings, one column for each setting.

    Args:
        settings: by the name that heads the column.
    """
    dials = [
        {"Dial": dial.title, **{letter: dial.label(getattr(view, name)) for letter, view in settings.items()}}
        for name, dial in DIALS.items()
        if len({getattr(view, name) for view in settings.values()}) > 1
    ]
    return [*dials, *_sizes(settings)]


def _sizes(settings: Mapping[str, View]) -> list[dict[str, str]]:
    """The numbers of parameters beside the first one's, in one row, where they differ."""
    counts = {letter: _parameters(view) for letter, view in settings.items()}
    first = next(iter(counts.values()))
    if len(set(counts.values())) == 1:
        return []
    cells = {letter: f"{count:,}{_beside(count / first - 1)}" for letter, count in counts.items()}
    return [{"Dial": "Trainable parameters", **cells}]


def _parameters(view: View) -> int:
    return parameter_count(ARCHITECTURE.value(view.architecture), POPULATIONS[view.population])


def _beside(gap: float) -> str:
    """How far a count is from the first one's; nothing for the first itself."""
    if not gap:
        return ""
    return f" ({signed(f'{100 * gap:.1f}')} %{', matched' if abs(gap) <= CLOSE else ''})"
