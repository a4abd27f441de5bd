"""The view: everything a visitor has chosen, as one frozen value that lives in the URL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from urllib.parse import urlencode

from cache.keys import Point, assessment_key
from dashboard.results.words import quoted
from dashboard.state.budget import LIMITS, Budget
from dashboard.state.stops import (
    ARCHITECTURE,
    CONTESTED,
    DEFAULT_CONTESTED,
    DIALS,
    DP,
    MECHANISMS,
    NOISE,
    NOISE_ON,
    OFF,
    OUTPUTS,
    REGULARIZATION,
    STOP_AFTER,
    WAVES,
)
from engine.attacks.catalogue import CATALOGUE
from engine.calibration import CALIBRATIONS, Calibration, calibrations
from engine.mechanisms import DecoupledWeightDecay, Mechanism
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.knowledge import LABEL, why_not, why_not_measured
from engine.release.values import Release, WeightNoise
from engine.tuning.table import tuned, with_tuned_dp
from engine.validate import InvalidValueError
from engine.written import spelled

EPOCHS = 30
PLAIN_OPTIMIZER = Adam(learning_rate=1e-3)
PLAIN_BATCH = 32
DP_OPTIMIZER = Sgd(learning_rate=0.25, momentum=0.9)
DP_BATCH = 64

BESIDE = frozenset(
    {"pin", "hide", "embed", "embed_options", "lesson", "step", "record"}
    | {"class", "above", "show", "between", "prior", "other", "drawn", "tab", "page"}
    | {"section", "axes", "threshold", "find"}
)
"""Parts of a URL that stand beside the view and have readers of their own."""

SWEEPS = (*DIALS, "contested")
"""The dials that a path can be traced along."""

NO_NUMBERS = ("sweep", *LIMITS)
"""The fields of a view that no measured number depends on."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the visitor has chosen: every control is at one of its stops, but the engine may refuse the combination.

    Every dial has a field of its own name that holds a token.

    Attributes:
        population: a key of ``CONTESTED``.
        contested: N, one of the population's stops.
        attack: a key of the attacks' catalogue.
        calibration: what the attacker calibrates on, one of ``calibrations`` of the attack.
        models: how many models are trained and attacked, a key of ``WAVES``.
        sweep: the dial along which the path is traced.
        most_auc: a limit of the budget, as are the next two; tokens.
    """

    population: str = "mnist5k"
    contested: int = DEFAULT_CONTESTED["mnist5k"]
    architecture: str = "mlp-128"
    regularization: str = "0"
    dp: str = "off"
    noise: str = "0"
    noise_on: str = "all"
    l2_penalty: str = OFF
    l1_penalty: str = OFF
    dropout: str = OFF
    spatial_dropout: str = OFF
    label_smoothing: str = OFF
    disturb_label: str = OFF
    soft_labels: str = OFF
    input_noise: str = OFF
    random_crop: str = OFF
    cutout: str = OFF
    mixup: str = OFF
    relax_loss: str = OFF
    adversarial: str = OFF
    stop_after: str = OFF
    outputs: str = OFF
    attack: str = "lira"
    calibration: Calibration = "adaptive"
    models: int = 16
    sweep: str = "regularization"
    most_auc: str = OFF
    least_accuracy: str = OFF
    most_epsilon: str = OFF

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) not in self.stops(field.name):
                raise InvalidValueError(_rule(field.name, str(getattr(self, field.name)), self))

    @property
    def stopped(self) -> bool:
        """Whether an early epoch is kept, which may have been chosen by looking at private accuracy."""
        return self.stop_after != OFF

    @property
    def waves(self) -> int:
        """Waves of four pairs."""
        return WAVES[self.models]

    @property
    def budget(self) -> Budget:
        """What the visitor allows."""
        asked = {name: getattr(self, name) for name in LIMITS}
        return Budget(**{name: float(stop) for name, stop in asked.items() if stop != OFF})

    @property
    def in_use(self) -> tuple[str, ...]:
        """The dials of protections that are not off: all but the architecture, and where no noise goes."""
        idle = {ARCHITECTURE.name} if NOISE.value(self.noise) else {ARCHITECTURE.name, NOISE_ON.name}
        return tuple(name for name in DIALS if name not in idle and getattr(self, name) != getattr(View, name))

    def without(self, name: str) -> View:
        """The view with a dial back at its default."""
        return self.turned(name, getattr(View, name))

    def turned(self, name: str, stop: str | int) -> View:
        """The view with one control at another stop.

        A new population brings its own default N, and with an attack that cannot be calibrated as before the attacker
        adapts.
        """
        if name == "population" and stop != self.population:
            return replace(self, population=str(stop), contested=DEFAULT_CONTESTED[str(stop)])
        if name == "attack" and self.calibration not in calibrations(str(stop)):
            return replace(self, attack=str(stop), calibration=View.calibration)
        return replace(self, **{name: stop})

    def stops(self, name: str) -> tuple[str, ...] | tuple[int, ...]:
        """The values that a control can take in this view, in order."""
        if name == "contested":
            return CONTESTED[self.population]
        if name == ARCHITECTURE.name:
            return ARCHITECTURE.tokens(self.architecture)
        if name == "calibration":
            return calibrations(self.attack)
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
            f"{quoted(name)} is not part of a view; it was ignored"
            for name in query
            if name not in _OPTIONS and name != "contested" and name not in BESIDE
        ]
        view = View()
        for name in ("population", "contested", *(n for n in _OPTIONS if n != "population")):
            if name in query:
                stop = _match(query[name], _asked(view, name, query[name]))
                if stop is None:
                    problems.append(_problem(name, query[name], view))
                else:
                    view = view.turned(name, stop)
        return view, tuple(f"{problem}." for problem in problems)


_OPTIONS: Mapping[str, tuple[str, ...] | tuple[int, ...]] = {
    "population": tuple(CONTESTED),
    **{name: tuple(dial.stops) for name, dial in DIALS.items()},
    "attack": tuple(CATALOGUE),
    "calibration": tuple(CALIBRATIONS),
    "models": tuple(WAVES),
    "sweep": SWEEPS,
    **LIMITS,
}


_MOST_LISTED, _FIRST = 14, 6


def _asked(view: View, name: str, text: str) -> Collection[str | int]:
    """The values that a control can take when a URL asks for one: of architectures all have a name."""
    return ARCHITECTURE.tokens(text) if name == ARCHITECTURE.name else view.stops(name)


def _match(text: str, stops: Collection[str | int]) -> str | int | None:
    """The stop that is written like this."""
    return next((stop for stop in stops if str(stop) == text), None)


def _rule(name: str, text: str, view: View) -> str:
    return f"{name} must be one of {_listed(view.stops(name))}{_further(name)}, got {quoted(text)}"


def _listed(stops: Collection[str | int]) -> str:
    """The stops of a control; of very many only the first."""
    first = list(map(str, stops))[: len(stops) if len(stops) <= _MOST_LISTED else _FIRST]
    return ", ".join(first) + ("" if len(first) == len(stops) else f" and {len(stops) - len(first)} more")


def _further(name: str) -> str:
    """What a control takes beside its stops."""
    return (
        ", or a family with a size and options such as lstm-37 or lstm-37x2-mean" if name == ARCHITECTURE.name else ""
    )


def _problem(name: str, text: str, view: View) -> str:
    return f"{_rule(name, text, view)}; {getattr(view, name)} is shown instead"


def point(view: View) -> Point:
    """The setting that a view asks for: the one place where dials become a recipe and a release.

    Raises:
        InvalidValueError: when the engine refuses the combination, with one sentence that says why.
    """
    made = _made(view)
    if isinstance(made, Point):
        return made
    raise InvalidValueError(made)


def refusal(view: View) -> str | None:
    """The engine's own sentence on why it refuses the view's combination, None when it does not."""
    made = _made(view)
    return made if isinstance(made, str) else None


@lru_cache(maxsize=65_536)
def _made(view: View) -> Point | str:
    """The setting, or the sentence of its refusal: a cache keeps no exceptions."""
    try:
        return Point(
            recipe=_recipe(view),
            release=_release(view),
            attack=view.attack,
            calibration=view.calibration,
            waves=view.waves,
        )
    except InvalidValueError as error:
        return str(error)


@lru_cache(maxsize=4096)
def attack_refusal(view: View, attack: str) -> str | None:
    """Why an attack cannot be made on what the view releases; None where it can, or where the engine refuses more."""
    try:
        return why_not(attack, _recipe(view), _release(view))
    except InvalidValueError:
        return None


def _release(view: View) -> Release:
    return Release(
        epoch=STOP_AFTER.value(view.stop_after),
        weight_noise=_weight_noise(view),
        outputs=OUTPUTS.value(view.outputs),
    )


def _weight_noise(view: View) -> WeightNoise | None:
    """The noise of the dial's strength, in the place that the other dial says."""
    sigma = NOISE.value(view.noise)
    return replace(NOISE_ON.value(view.noise_on), sigma=sigma) if sigma else None


def key(view: View, waves: int) -> str:
    """The key under which the assessment of the view's setting with that many waves is cached.

    Raises:
        InvalidValueError: when the engine refuses the combination.
    """
    return _key(setting(view), waves)


@lru_cache(maxsize=65_536)
def setting(view: View) -> View:
    """The view with all that no measured number depends on at its default: two views with one setting show one."""
    return replace(view, **{name: getattr(View, name) for name in NO_NUMBERS})


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
        return replace(plain, mechanisms=_mechanisms(view, strength))
    private = _private(plain, privacy)
    return replace(private, mechanisms=_mechanisms(view, strength * _conversion(plain, private)))


def _private(plain: Recipe, privacy: DpSgd) -> Recipe:
    """The recipe with the DP optimizer: tuned for this noise on public records, or as it comes where not tuned.

    Without a clip the rate and the batch are those tuned for a clip without noise, so that the step from one stop
    to the next is the clip.
    """
    row = tuned(plain.population.name, plain.architecture, privacy.noise_multiplier)
    if row is None:
        batch = min(DP_BATCH, plain.population.contested // 2)
        return replace(plain, optimizer=DP_OPTIMIZER, privacy=privacy, batch=batch)
    recipe = with_tuned_dp(plain, row)
    return recipe if privacy.clip is not None else replace(recipe, privacy=privacy)


def release_words(view: View) -> str:
    """What noise after training proves, and the command that measures what it could; empty without it."""
    if not NOISE.value(view.noise):
        return ""
    asked = point(view)
    recipe, epoch = asked.recipe, asked.release.epoch
    refused = why_not_measured(recipe)
    if refused is not None:
        return (
            f"Noise after training has no proof. How far one record moves these weights is not measured: {refused}."
        )
    return (
        "Noise after training has no proof. How far one record moves the weights of this training can be measured "
        f"(a {LABEL}): python -m engine sensitivity --population {view.population} --contested {view.contested} "
        f"--epochs {recipe.epochs}{f' --epoch {epoch}' if epoch else ''} --batch {recipe.batch} "
        f'--setting "{spelled(recipe)}".'
    )


def _conversion(plain: Recipe, private: Recipe) -> float:
    """What a strength is multiplied by so that the DP optimizer shrinks weights as much as Adam's."""
    of_plain = plain.optimizer.learning_rate * plain.steps
    return of_plain / (private.optimizer.learning_rate * private.steps)


def _mechanisms(view: View, decay: float) -> tuple[Mechanism, ...]:
    """The mechanisms in use, weight decay of this strength among them."""
    others = (dial.value(getattr(view, name)) for name, dial in MECHANISMS.items())
    in_use = tuple(mechanism for mechanism in others if mechanism is not None)
    return (DecoupledWeightDecay(strength=decay), *in_use) if decay else in_use
