"""A sweep put together on its page: from the stops of the dials, or from a TOML file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Literal, TypedDict

import streamlit as st

from cache.keys import Point
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.values import MOST_POINTS, Plan, Refused, Sample, Setting, sobol
from dashboard.state.hiding import CONTROLS
from dashboard.state.landscape import stop_label
from dashboard.state.pins import this_pins
from dashboard.state.stops import ARCHITECTURE, DIALS, FOUR, GROUPS, REGULARIZATION, WAVES
from dashboard.state.view import View, point
from dashboard.state.visit import visited
from engine.attacks.catalogue import CATALOGUE
from engine.populations.catalogue import POPULATIONS
from engine.validate import InvalidValueError, whole

WAYS = ("The dials", "A file")
WHICH = ("All of them", "A Sobol sample")
SEED = "population-seed"
"""The name of the dial of replicates: each contests other records."""

_MOST_REPLICATES = 20
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


def plan_of(base: View, choices: Choices, sample: Sample | None = None) -> Plan:
    """All combinations of the chosen stops, or a sample of them.

    Args:
        base: the view that says everything else.
        choices: by dial, ``SEED`` among them where there are replicates; what has one stop is not turned.
        sample: None for all combinations.

    Raises:
        InvalidValueError: for a dial without a stop or at one that is none, too many combinations, nothing to draw
            from, or combinations of which the engine takes none.
    """
    for name, stops in choices:
        if not stops:
            raise InvalidValueError(f"{dial_title(name)} must have at least one value, got none")
    if sample is None:
        whole("points of a sweep", math.prod(len(stops) for _, stops in choices), at_least=1, at_most=MOST_POINTS)
    elif not any(len(stops) > 1 for _, stops in choices):
        raise InvalidValueError("a Sobol sample must have a dial with at least two values to draw from, got none")
    return _plan(base, choices, sample)


@lru_cache(maxsize=8)
def _plan(base: View, choices: Choices, sample: Sample | None) -> Plan:
    """Remembered, for the page asks on every run."""
    turned = [name for name, stops in choices if len(stops) > 1]
    settings: dict[Point, Setting] = {}
    refused: dict[tuple[str, ...], Refused] = {}
    for at in _combinations(choices, sample):
        view, seed = base, int(at.get(SEED, 0))
        for name, stop in at.items():
            view = view if name == SEED else view.turned(name, stop)
        values = tuple(str(seed) if name == SEED else stop_label(name, at[name]) for name in turned)
        try:
            made = _of_seed(point(view), seed)
            settings.setdefault(made, Setting(values=values, point=made))
        except InvalidValueError as error:
            refused.setdefault(values, Refused(values=values, reason=str(error)))
    titles = tuple(map(dial_title, turned))
    return Plan(dials=titles, settings=tuple(settings.values()), refused=tuple(refused.values()), waves=base.waves)


def _combinations(choices: Choices, sample: Sample | None) -> Iterator[Mapping[str, str | int]]:
    """A stop of every dial, one combination after another; in a sample the stops of a dial are equally likely."""
    if sample is None:
        names = [name for name, _ in choices]
        yield from (dict(zip(names, stops, strict=True)) for stops in itertools.product(*(s for _, s in choices)))
        return
    turned = {name: stops for name, stops in choices if len(stops) > 1}
    for shares in sobol(len(turned), sample):
        drawn = {
            name: stops[int(share * len(stops))] for (name, stops), share in zip(turned.items(), shares, strict=True)
        }
        yield {name: drawn.get(name, stops[0]) for name, stops in choices}


def _of_seed(made: Point, seed: int) -> Point:
    """The same setting on records that are contested by another draw."""
    return replace(made, recipe=replace(made.recipe, population=replace(made.recipe.population, seed=seed)))


def dial_title(name: str) -> str:
    """A dial's name on screen."""
    return "Population seed" if name == SEED else CONTROLS[name]


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
    replicates, sample = _further()
    seeds = {SEED: range(replicates)} if replicates > 1 else {}
    return plan_of(base, _choices(choices | seeds), sample)


def _further() -> tuple[int, Sample | None]:
    """How many replicates there are, and which of the combinations are measured."""
    left, middle, right = st.columns(3)
    replicates = left.number_input(
        "Replicates",
        1,
        _MOST_REPLICATES,
        help="Population seeds 0, 1, …: in each replicate other records are contested. DP settings were tuned on "
        "records that are public at seed 0; at other seeds some of them are contested.",
        **_kept("replicates"),
    )
    which = middle.segmented_control(
        "Which combinations",
        WHICH,
        default=WHICH[0],
        required=True,
        help="A Sobol sample fills the space of all combinations evenly; one that it draws twice is measured once.",
        **_kept("which"),
    )
    if which != WHICH[1]:
        return replicates, None
    points = right.number_input("Points of the sample", 1, MOST_POINTS, 64, **_kept("points"))
    return replicates, Sample(points=points)


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
    free = name == ARCHITECTURE.name
    options = architectures(st.session_state.get(_kept(own)["key"], ())) if free else base.stops(name)
    # What is not offered is sent back and forth as it was typed.
    labels = {stop: stop_label(name, stop) for stop in options}
    chosen = st.multiselect(
        dial_title(name),
        options,
        default=FIRST.get(name, (getattr(base, name),)),
        format_func=lambda stop: labels.get(stop, str(stop)),
        help=_help(name),
        accept_new_options=free,
        **_kept(own),
    )
    place = {stop: number for number, stop in enumerate(options)}
    return sorted(dict.fromkeys(chosen), key=lambda stop: place.get(stop, len(place)))


def architectures(chosen: Sequence[str]) -> tuple[str, ...]:
    """The stops of the dial of architectures, those that the visitor has looked at or pinned, and those chosen."""
    seen = (view.architecture for view in (*visited(), *this_pins()))
    known = (token for token in chosen if ARCHITECTURE.stop(token) is not None)
    return tuple(dict.fromkeys((*ARCHITECTURE.stops, *seen, *known)))


def _help(name: str) -> str | None:
    """What a dial is; of architectures also how others than those listed are named."""
    if name == ARCHITECTURE.name:
        return f"{ARCHITECTURE.help} Others can be typed: a family, a size and options, as in lstm-37x2-mean."
    return DIALS[name].help if name in DIALS else None


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
