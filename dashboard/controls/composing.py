"""A sweep put together on its page: from the stops of the dials, or from a TOML file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal, TypedDict

import streamlit as st

from cache.keys import Point
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.values import MOST_POINTS, Plan, Refused, Setting
from dashboard.controls.dials import CONTESTED_TITLE
from dashboard.state.landscape import stop_label
from dashboard.state.stops import DIALS, FOUR, GROUPS, REGULARIZATION, WAVES
from dashboard.state.view import View, point
from engine.attacks.catalogue import CATALOGUE
from engine.populations.catalogue import POPULATIONS
from engine.validate import InvalidValueError, whole

WAYS = ("The dials", "A file")
FIRST = {REGULARIZATION.name: ("0", "3", "10")}
"""What a new sweep turns, so that there is something to see; every other dial is at its default."""

EXAMPLE = """\
waves = 1
epochs = 10
population.name = "digits"
population.contested = 200
architecture.kind = ["Logistic", "Mlp"]
mechanisms.LabelSmoothing.alpha = ["off", 0.1, 0.3]
release.weight_noise.sigma = ["off", 0.05]
"""

Choices = tuple[tuple[str, tuple[str | int, ...]], ...]
"""Names of dials with the stops chosen of each."""


def composed() -> Plan:
    """Draw the controls; the plan that they describe.

    Raises:
        InvalidValueError: when they describe none, with one sentence that says why.
    """
    way = st.segmented_control("Describe it with", WAYS, default=WAYS[0], required=True, **_kept("way"))
    return _of_file() if way == WAYS[1] else _of_dials()


def plan_of(base: View, choices: Choices) -> Plan:
    """All combinations of the chosen stops.

    Args:
        base: the view that says everything else.
        choices: by dial; what has one stop is not turned.

    Raises:
        InvalidValueError: for a dial without a stop, too many combinations, or none that the engine takes.
    """
    for name, stops in choices:
        if not stops:
            raise InvalidValueError(f"{dial_title(name)} must have at least one value, got none")
    whole("points of a sweep", math.prod(len(stops) for _, stops in choices), at_least=1, at_most=MOST_POINTS)
    return _plan(base, choices)


@lru_cache(maxsize=8)
def _plan(base: View, choices: Choices) -> Plan:
    """Remembered, for the page asks on every run."""
    turned = [name for name, stops in choices if len(stops) > 1]
    settings: dict[Point, Setting] = {}
    refused: list[Refused] = []
    for combination in itertools.product(*(stops for _, stops in choices)):
        at = dict(zip((name for name, _ in choices), combination, strict=True))
        values = tuple(stop_label(name, at[name]) for name in turned)
        view = base
        for name, stop in at.items():
            view = view.turned(name, stop)
        try:
            settings.setdefault(point(view), Setting(values=values, point=point(view)))
        except InvalidValueError as error:
            refused.append(Refused(values=values, reason=str(error)))
    titles = tuple(map(dial_title, turned))
    return Plan(dials=titles, settings=tuple(settings.values()), refused=tuple(refused), waves=base.waves)


def dial_title(name: str) -> str:
    """A dial's name on screen."""
    return DIALS[name].title if name in DIALS else CONTESTED_TITLE


class _Kept(TypedDict):
    """The arguments that keep a control's value."""

    key: str
    persist_state: Literal["session"]


def _kept(name: str) -> _Kept:
    """The key of a control whose value stays while the visitor is on another page."""
    return _Kept(key=f"sweep-{name}", persist_state="session")


def _of_dials() -> Plan:
    left, middle, right = st.columns(3)
    population = left.selectbox(
        "Population", list(POPULATIONS), 1, format_func=lambda name: POPULATIONS[name].title, **_kept("population")
    )
    attack = middle.selectbox(
        "Attack", list(CATALOGUE), format_func=lambda name: CATALOGUE[name].title, **_kept("attack")
    )
    models = right.segmented_control(
        "Models trained and attacked", list(WAVES), default=View.models, required=True, **_kept("models")
    )
    base = View().turned("population", population).turned("attack", attack).turned("models", models)
    choices = _in_pairs(base, (*FOUR, "contested"))
    more = st.expander("More dials", key="sweep-more", on_change="rerun")
    further = tuple(chain(*GROUPS.values()))
    if more.open:
        with more:
            choices |= _in_pairs(base, further)
    else:
        choices |= {
            name: st.session_state[f"sweep-{name}"] for name in further if f"sweep-{name}" in st.session_state
        }
    return plan_of(base, _choices(choices))


def _in_pairs(base: View, names: Sequence[str]) -> dict[str, Sequence[str | int]]:
    """The choices of several dials, two beside each other."""
    chosen: dict[str, Sequence[str | int]] = {}
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[start : start + 2], strict=False):
            with column:
                chosen[name] = _stops(base, name)
    return chosen


def _choices(chosen: Mapping[str, Sequence[str | int]]) -> Choices:
    return tuple((name, tuple(stops)) for name, stops in chosen.items())


def _stops(base: View, name: str) -> list[str | int]:
    """The choice of stops of one dial, in their order."""
    # The stops of N are those of the population, so the control is another one for each.
    own = f"{name}-{base.population}" if name == "contested" else name
    options = base.stops(name)
    chosen = st.multiselect(
        dial_title(name),
        options,
        default=FIRST.get(name, (getattr(base, name),)),
        format_func=lambda stop: stop_label(name, stop),
        help=DIALS[name].about if name in DIALS else None,
        **_kept(own),
    )
    return sorted(chosen, key=options.index)


def _of_file() -> Plan:
    left, right = st.columns([3, 2])
    text = left.text_area(
        "Sweep in TOML",
        EXAMPLE,
        height=220,
        help="The file of the command privacydial sweep: a recipe and a release with lists in place of values.",
        **_kept("toml"),
    )
    with right:
        upload = st.file_uploader("Or a file", type=["toml"], max_upload_size=1, key="sweep-file")
        if upload is not None:
            st.markdown("The uploaded file counts, not the text beside it.")
    return _read(upload.getvalue() if upload is not None else (text or "").encode())


@lru_cache(maxsize=8)
def _read(content: bytes) -> Plan:
    """Remembered, for the page asks on every run."""
    return sweep_from_toml(content).plan()
