"""Settings in words: each in short, and what tells several apart."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.results.figures import phrase
from dashboard.state.landscape import stop_label
from dashboard.state.stops import ARCHITECTURE, DIALS
from dashboard.state.view import View


def short_words(view: View) -> str:
    """A setting in a few words: its architecture and the protections in use."""
    in_use = ", ".join(f"{phrase(DIALS[name].title)} {stop_label(name, getattr(view, name))}" for name in view.in_use)
    return f"{ARCHITECTURE.label(view.architecture)}, {in_use or 'no protection'}"


def differences(settings: Mapping[str, View]) -> list[dict[str, str]]:
    """One row for each dial that does not stand at the same stop in all settings, one column for each setting.

    Args:
        settings: by the name that heads the column.
    """
    return [
        {"Dial": dial.title, **{letter: dial.label(getattr(view, name)) for letter, view in settings.items()}}
        for name, dial in DIALS.items()
        if len({getattr(view, name) for view in settings.values()}) > 1
    ]
