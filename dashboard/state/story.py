"""The story of the page Start: five settings with a name, and all settings that ship with the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cache.store import Store
from dashboard.state.landscape import Spot
from dashboard.state.readymade import ready_made
from dashboard.state.stops import ARCHITECTURE, DP, NOISE, REGULARIZATION, STOP_AFTER
from dashboard.state.view import View, key, refusal


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A setting with a name of its own.

    Attributes:
        name: its name in keys.
        title: its name on screen.
        about: what is done in it, one short sentence.
        view: the setting.
    """

    name: str
    title: str
    about: str
    view: View


OVERFIT = Preset(
    name="overfit",
    title="Overfitted",
    about="Trained to the end, without any protection.",
    view=View(),
)
REGULARIZED = Preset(
    name="regularized",
    title="Regularized",
    about="Weight decay 10: every step shrinks all weights.",
    view=View(regularization="10", sweep="regularization"),
)
SMOOTHED = Preset(
    name="label-smoothed",
    title="Label-smoothed",
    about="Label smoothing 0.3: told to be less sure of every label.",
    view=View(label_smoothing="0.3", sweep="label_smoothing"),
)
STRONG_DP = Preset(
    name="strong-dp",
    title="Strong DP",
    about="DP-SGD with noise σ 4: the only one here with a proof.",
    view=View(dp="4", sweep="dp"),
)
SWEET_SPOT = Preset(
    name="sweet-spot",
    title="Sweet spot",
    about="A small convolutional network in place of the MLP.",
    # Of all settings that ship it leaks least among those at least as accurate as the overfitted model. A test makes
    # the choice again on one half of the pairs and looks at the other half, which had no part in it.
    view=View(architecture="cnn1d-16", sweep="architecture"),
)

PRESETS = (OVERFIT, REGULARIZED, SMOOTHED, STRONG_DP, SWEET_SPOT)
"""In the order in which they are told."""

EXAMPLE = (OVERFIT.view, STRONG_DP.view)
"""What Compare shows to those who have pinned nothing: what protection buys, and what it costs."""

_DIALS = (REGULARIZATION.name, DP.name, ARCHITECTURE.name, NOISE.name)
_MORE_DIALS = (STOP_AFTER.name, "label_smoothing", "dropout")


@cache
def settings() -> tuple[View, ...]:
    """The settings that ship as far as there is room, each once, most looked at first.

    They are the story's own, then the default view with one dial after another at every stop, and between the dials
    that everybody sees and those on request the ready-made comparisons. The path of each is along the dial that is
    turned, along architectures for what is compared.
    """
    pins = (pin.turned("sweep", ARCHITECTURE.name) for made in ready_made(View()) for pin in made.pins)
    found: dict[str, View] = {}
    for view in (*(preset.view for preset in PRESETS), *_turned(_DIALS), *pins, *_turned(_MORE_DIALS)):
        if refusal(view) is None:
            found.setdefault(key(view, view.waves), view)
    return tuple(found.values())


def _turned(names: Sequence[str]) -> Iterator[View]:
    """The default view with one dial after another at every stop."""
    default = View()
    return (default.turned("sweep", name).turned(name, stop) for name in names for stop in default.stops(name))


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is known of the story's settings.

    Attributes:
        told: by name, the presets that have been measured with as many models as they ask for.
        around: the other settings that ship and have been measured so.
    """

    told: Mapping[str, Spot]
    around: Sequence[Spot]

    @property
    def spots(self) -> tuple[Spot, ...]:
        """All of them, the presets first."""
        return (*self.told.values(), *self.around)

    @property
    def complete(self) -> bool:
        """Whether all presets have been measured."""
        return len(self.told) == len(PRESETS)


def story(store: Store) -> Story:
    """What the cache and the starter results know of the story, by one query."""
    keys = {view: key(view, view.waves) for view in settings()}
    known = store.headlines(keys.values())
    measured = {view: known[of] for view, of in keys.items() if of in known}
    told = {
        preset.name: Spot(view=preset.view, headline=measured[preset.view], label=preset.title)
        for preset in PRESETS
        if preset.view in measured
    }
    named = {preset.view for preset in PRESETS}
    around = (Spot(view=view, headline=head, label="") for view, head in measured.items() if view not in named)
    return Story(told=told, around=tuple(around))
