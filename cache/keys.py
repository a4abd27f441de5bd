"""What a visitor asks for, and the keys under which its results are kept.

A key is the SHA-256 of the canonical JSON of everything that determines a number: the function that computes
it, its arguments and the engine's version. What is not in a key (device, workers, threads) changes no number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from engine.attacks.catalogue import CATALOGUE
from engine.calibration import CALIBRATIONS, Calibration, shadow_recipe
from engine.canonical import digest
from engine.recipe import Recipe
from engine.release.knowledge import why_no_release, why_not
from engine.release.values import Release
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
        calibration: what the attacker's shadow models are, a key of ``CALIBRATIONS``.
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
        refused = why_no_release(self.recipe, self.release) or why_not(self.attack, self.recipe, self.release)
        if refused is not None:
            raise InvalidValueError(refused)

    @property
    def shadow_recipe(self) -> Recipe:
        """How the attacker's shadow models are trained; the recipe itself where he adapts."""
        return shadow_recipe(self.recipe, self.calibration)

    def with_waves(self, waves: int) -> Point:
        """The same setting measured on more or fewer waves."""
        return replace(self, waves=waves)


@lru_cache(maxsize=4096)
def wave_key(recipe: Recipe, wave: int) -> str:
    """The key of wave ``wave`` (from 0) of a recipe, 64 hexadecimal digits."""
    return digest({"function": "train_wave", "engine": ENGINE_VERSION, "recipe": recipe, "wave": wave})


@lru_cache(maxsize=4096)
def assessment_key(point: Point) -> str:
    """The key of the assessment of a point, 64 hexadecimal digits."""
    return digest({"function": "assess", "engine": ENGINE_VERSION, "point": point})
