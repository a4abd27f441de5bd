"""What a visitor asks for, and the keys under which its results are kept.

A key is the SHA-256 of the canonical JSON of everything that determines a number: the function that computes
it, its arguments and the engine's version. That JSON is the entry's question and stands beside the answer. What
is not in a key (device, workers, threads) changes no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from engine.attacks.catalogue import CATALOGUE
from engine.calibration import CALIBRATIONS, Calibration, shadow_recipe, why_not_calibrated
from engine.canonical import canonical_json
from engine.recipe import Recipe, recipe_from_json
from engine.release.knowledge import why_no_release, why_not
from engine.release.values import Release, release_from_json
from engine.validate import InvalidValueError, choice, whole
from engine.version import ENGINE_VERSION

MOST_WAVES = 64


@dataclass(frozen=True, kw_only=True)
class Point:
    """One setting of all dials, which an assessment measures.

    Attributes:
        recipe: how the models are trained.
        release: what their owner publishes.
        attack: a key of ``CATALOGUE``.
        calibration: what the attacker calibrates on, a key of ``CALIBRATIONS``.
        waves: waves of the cohort, four pairs each; 1 to 64.
    """

    recipe: Recipe
    release: Release
    attack: str = "lira"
    calibration: Calibration = "adaptive"
    waves: int = 2

    def __post_init__(self) -> None:
        for name, value, kind in (("recipe", self.recipe, Recipe), ("release", self.release, Release)):
            if not isinstance(value, kind):
                raise InvalidValueError(f"{name} must be of a known kind, got {value!r}")
        self.recipe.kept(self.release)
        choice("attack", self.attack, CATALOGUE)
        choice("calibration", self.calibration, CALIBRATIONS)
        whole("waves", self.waves, at_least=1, at_most=MOST_WAVES)
        refused = (
            why_no_release(self.recipe, self.release)
            or why_not(self.attack, self.recipe, self.release)
            or why_not_calibrated(self.attack, self.calibration)
        )
        if refused is not None:
            raise InvalidValueError(refused)

    @property
    def shadow_recipe(self) -> Recipe:
        """How the attacker's shadow models are trained; the recipe itself but where he does not adapt."""
        return shadow_recipe(self.recipe, self.calibration)

    def with_waves(self, waves: int) -> Point:
        """The same setting measured on more or fewer waves."""
        return replace(self, waves=waves)


@dataclass(frozen=True, kw_only=True)
class Versus:
    """Two settings that are compared pair by pair, because their models were trained on the same masks.

    Attributes:
        first: the one compared with.
        second: the other; differences are second minus first.
    """

    first: Point
    second: Point

    def __post_init__(self) -> None:
        for name in ("attack", "calibration", "waves"):
            one, other = (getattr(point, name) for point in (self.first, self.second))
            if one != other:
                raise InvalidValueError(f"{name} must be the same for both settings, got {one} and {other}")
        if self.first.calibration != "adaptive":
            raise InvalidValueError(f"calibration must be adaptive to compare settings, got {self.first.calibration}")
        if _masks_of(self.first.recipe) != _masks_of(self.second.recipe):
            raise InvalidValueError("settings to be compared must have the same records and seed")

    @property
    def recipe(self) -> Recipe:
        """How the models of the first are trained."""
        return self.first.recipe

    @property
    def shadow_recipe(self) -> Recipe:
        """How those of the second are trained: no shadows of the first, but waves that are needed like shadows."""
        return self.second.recipe

    @property
    def waves(self) -> int:
        """Waves of either cohort."""
        return self.first.waves

    def with_waves(self, waves: int) -> Versus:
        """The same settings measured on more or fewer waves."""
        return Versus(first=self.first.with_waves(waves), second=self.second.with_waves(waves))


def _masks_of(recipe: Recipe) -> tuple[object, int]:
    """What decides the masks."""
    return recipe.population, recipe.seed


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The logits of a point's released models on all contested records: too many numbers to be kept for every point.

    Attributes:
        point: whose; attack and calibration make no difference.
    """

    point: Point

    @property
    def recipe(self) -> Recipe:
        """How the models are trained."""
        return self.point.recipe

    @property
    def shadow_recipe(self) -> Recipe:
        """The same: no shadow models are needed."""
        return self.point.recipe

    @property
    def waves(self) -> int:
        """Waves of the cohort."""
        return self.point.waves

    def with_waves(self, waves: int) -> Outputs:
        """The same setting with more or fewer waves."""
        return Outputs(point=self.point.with_waves(waves))


Asked = Point | Versus | Outputs
"""What can be asked of the workers."""


def wave_question(recipe: Recipe, wave: int) -> str:
    """What wave ``wave`` (from 0) of a recipe answers, as canonical JSON."""
    return canonical_json({"function": "train_wave", "engine": ENGINE_VERSION, "recipe": recipe, "wave": wave})


def assessment_question(point: Point) -> str:
    """What the assessment of a point answers, as canonical JSON."""
    return canonical_json({"function": "assess", "engine": ENGINE_VERSION, "point": point})


def key_of(question: str) -> str:
    """The key of the answer to a question, 64 hexadecimal digits."""
    return hashlib.sha256(question.encode()).hexdigest()


@lru_cache(maxsize=4096)
def wave_key(recipe: Recipe, wave: int) -> str:
    """The key of wave ``wave`` (from 0) of a recipe, 64 hexadecimal digits."""
    return key_of(wave_question(recipe, wave))


def sensitivity_key(recipe: Recipe, release: Release) -> str:
    """The key of how far one record moves the weights that a release publishes, whatever is added to them then."""
    asked = {"function": "measured_sensitivity", "engine": ENGINE_VERSION, "recipe": recipe}
    return key_of(canonical_json({**asked, "epoch": recipe.kept(release)}))


@lru_cache(maxsize=4096)
def assessment_key(point: Point) -> str:
    """The key of the assessment of a point, 64 hexadecimal digits."""
    return key_of(assessment_question(point))


def comparison_question(versus: Versus) -> str:
    """What the comparison of two settings answers, as canonical JSON."""
    return canonical_json({"function": "compare", "engine": ENGINE_VERSION, "versus": versus})


@lru_cache(maxsize=4096)
def comparison_key(versus: Versus) -> str:
    """The key of the comparison of two settings, 64 hexadecimal digits."""
    return key_of(comparison_question(versus))


def outputs_key(outputs: Outputs) -> str:
    """The key of the logits of a point's models, 64 hexadecimal digits."""
    point = outputs.point
    asked = {"recipe": point.recipe, "release": point.release, "waves": point.waves}
    return key_of(canonical_json({"function": "logits", "engine": ENGINE_VERSION, **asked}))


def asked_key(asked: Asked) -> str:
    """The key of what answers it."""
    match asked:
        case Point():
            return assessment_key(asked)
        case Versus():
            return comparison_key(asked)
        case Outputs():
            return outputs_key(asked)


def engine_of(question: str) -> int:
    """The engine version that a question is for.

    Raises:
        InvalidValueError: when the text is not a question.
    """
    return whole("engine version", _parsed(question).get("engine"), at_least=1)


def asked(question: str) -> Point | tuple[Recipe, int]:
    """The point, or the recipe and the number of its wave, that a question of this engine version asks for.

    Raises:
        InvalidValueError: when the text is not such a question.
    """
    match _parsed(question):
        case {"function": "train_wave", "engine": _, "recipe": recipe, "wave": wave, **rest} if not rest:
            return recipe_from_json(recipe), whole("wave", wave, at_least=0, at_most=MOST_WAVES - 1)
        case {"function": "assess", "engine": _, "point": dict(point), **rest} if not rest:
            return _point_from_json(point)
    raise InvalidValueError("a question must be that of a wave or of an assessment")


def _point_from_json(data: dict[str, Any]) -> Point:
    """The point that ``plain(point)`` wrote, validated again."""
    readers: dict[str, Callable[[Any], Any]] = {"recipe": recipe_from_json, "release": release_from_json}
    if data.keys() != {"kind", *(field.name for field in fields(Point))} or data["kind"] != Point.__name__:
        raise InvalidValueError("a question must be about a point with all of its fields")
    return Point(**{name: readers.get(name, _itself)(value) for name, value in data.items() if name != "kind"})


def _itself(value: Any) -> Any:
    return value


def _parsed(question: str) -> dict[str, Any]:
    try:
        data = json.loads(question)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("a question must be JSON") from error
    if not isinstance(data, dict):
        raise InvalidValueError("a question must be a JSON object")
    return data
