"""The view: everything a visitor has chosen, as one frozen value that lives in the URL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from urllib.parse import urlencode

from cache.keys import Point, assessment_key
from dashboard.stops import (
    ARCHITECTURE,
    CONTESTED,
    DEFAULT_CONTESTED,
    DIALS,
    DP,
    NOISE,
    REGULARIZATION,
    WAVES,
)
from engine.attacks.catalogue import CATALOGUE
from engine.mechanisms import DecoupledWeightDecay
from engine.recipe import Adam, PopulationChoice, Recipe, Release, Sgd, WeightNoise
from engine.validate import InvalidValueError

EPOCHS = 30
PLAIN_OPTIMIZER = Adam(learning_rate=1e-3)
PLAIN_BATCH = 32
DP_OPTIMIZER = Sgd(learning_rate=0.25, momentum=0.9)
DP_BATCH = 64

SWEEPS = (*DIALS, "contested")
"""The dials that a path can be traced along."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the visitor has chosen; every combination is a valid setting.

    Attributes:
        population: a key of ``CONTESTED``.
        contested: N, one of the population's stops.
        architecture: a token of the dial.
        regularization: a token of the dial.
        dp: a token of the dial.
        noise: a token of the dial "noise after training".
        attack: a key of the attacks' catalogue.
        models: how many models are trained and attacked, a key of ``WAVES``.
        sweep: the dial along which the path is traced.
    """

    population: str = "mnist5k"
    contested: int = DEFAULT_CONTESTED["mnist5k"]
    architecture: str = "mlp-128"
    regularization: str = "0"
    dp: str = "off"
    noise: str = "0"
    attack: str = "lira"
    models: int = 16
    sweep: str = "regularization"

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) not in self.stops(field.name):
                raise InvalidValueError(_rule(field.name, str(getattr(self, field.name)), self))

    @property
    def waves(self) -> int:
        """Waves of four pairs."""
        return WAVES[self.models]

    def turned(self, name: str, stop: str | int) -> View:
        """The view with one control at another stop; a new population brings its own default N."""
        if name == "population" and stop != self.population:
            return replace(self, population=str(stop), contested=DEFAULT_CONTESTED[str(stop)])
        return replace(self, **{name: stop})

    def stops(self, name: str) -> tuple[str, ...] | tuple[int, ...]:
        """The values that a control can take in this view, in order."""
        if name == "contested":
            return CONTESTED[self.population]
        return _OPTIONS[name]

    def to_query(self) -> dict[str, str]:
        """The view as URL query; what is at its default is left out."""
        default = View().turned("population", self.population)
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {name: value for name, value in chosen.items() if value != getattr(default, name)}
        if self.population != View.population:
            kept["population"] = self.population
        return {name: str(kept[name]) for name in chosen if name in kept}

    @property
    def address(self) -> str:
        """The query as one string, the identity of the view in figures and links."""
        return urlencode(self.to_query())

    @staticmethod
    def from_query(query: Mapping[str, str]) -> tuple[View, tuple[str, ...]]:
        """The view that a URL query means, with one sentence for each part that means nothing.

        Unknown names and values that are not stops fall back to the default; nothing is raised.
        """
        problems = [
            f"{_shown(name)} is not part of a view; it was ignored"
            for name in query
            if name not in _OPTIONS and name != "contested"
        ]
        view = View()
        for name in ("population", "contested", *(n for n in _OPTIONS if n != "population")):
            if name in query:
                stop = _match(query[name], view.stops(name))
                if stop is None:
                    problems.append(_problem(name, query[name], view))
                else:
                    view = view.turned(name, stop)
        return view, tuple(f"{problem}." for problem in problems)


_OPTIONS: Mapping[str, tuple[str, ...] | tuple[int, ...]] = {
    "population": tuple(CONTESTED),
    "architecture": tuple(ARCHITECTURE.stops),
    "regularization": tuple(REGULARIZATION.stops),
    "dp": tuple(DP.stops),
    "noise": tuple(NOISE.stops),
    "attack": tuple(CATALOGUE),
    "models": tuple(WAVES),
    "sweep": SWEEPS,
}


def _match(text: str, stops: Collection[str | int]) -> str | int | None:
    """The stop that is written like this."""
    return next((stop for stop in stops if str(stop) == text), None)


def _shown(text: str) -> str:
    """A piece of a foreign URL, short enough for a sentence."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _rule(name: str, text: str, view: View) -> str:
    return f"{name} must be one of {', '.join(map(str, view.stops(name)))}, got {_shown(text)}"


def _problem(name: str, text: str, view: View) -> str:
    return f"{_rule(name, text, view)}; {getattr(view, name)} is shown instead"


@lru_cache(maxsize=65_536)
def point(view: View) -> Point:
    """The setting that a view asks for: the one place where dials become a recipe and a release."""
    sigma = NOISE.value(view.noise)
    return Point(
        recipe=_recipe(view),
        release=Release(weight_noise=WeightNoise(sigma=sigma) if sigma else None),
        attack=view.attack,
        waves=view.waves,
    )


def key(view: View, waves: int) -> str:
    """The key under which the assessment of the view's setting with that many waves is cached."""
    return _key(replace(view, sweep=View.sweep), waves)


@lru_cache(maxsize=65_536)
def _key(view: View, waves: int) -> str:
    return assessment_key(replace(point(view), waves=waves))


def _recipe(view: View) -> Recipe:
    plain = Recipe(
        population=PopulationChoice(name=view.population, contested=view.contested),
        architecture=ARCHITECTURE.value(view.architecture),
        optimizer=PLAIN_OPTIMIZER,
        epochs=EPOCHS,
        batch=min(PLAIN_BATCH, view.contested // 2),
    )
    strength = REGULARIZATION.value(view.regularization)
    privacy = DP.value(view.dp)
    if privacy is None:
        return replace(plain, mechanisms=_decay(strength))
    private = replace(plain, optimizer=DP_OPTIMIZER, privacy=privacy, batch=min(DP_BATCH, view.contested // 2))
    return replace(private, mechanisms=_decay(strength * _conversion(plain, private)))


def _conversion(plain: Recipe, private: Recipe) -> float:
    """What a strength is multiplied by so that the DP optimizer shrinks weights as much as Adam's."""
    of_plain = plain.optimizer.learning_rate * plain.steps
    return of_plain / (private.optimizer.learning_rate * private.steps)


def _decay(strength: float) -> tuple[DecoupledWeightDecay, ...]:
    return (DecoupledWeightDecay(strength=strength),) if strength else ()
