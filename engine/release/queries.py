"""What an attacker asks a model: the contested records, copies of them that were changed, and records of his own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.attacks.catalogue import Knowledge
from engine.models.evaluation import view_tensor
from engine.models.network import Network
from engine.populations.records import split
from engine.recipe import Recipe
from engine.release.knowledge import OWN_CHANGES
from engine.seeds import entropy
from engine.training.augmentation import cropped
from engine.training.regularization import Regularization

COPIES = 8
SHIFTS = tuple((row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0))
NOISE_LEVELS = (0.05, 0.1, 0.2, 0.4)
NOISE_DRAWS = 4


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Records in the view of a network, (n, …) each, on the device where models are evaluated.

    Attributes:
        contested: the N contested records.
        public: the attacker's part of the public records, or None.
        augmented: changed copies of the contested records, the unchanged first; empty where nobody asks.
        noisy: copies of the contested records with noise, the least first; empty where nobody asks.
    """

    contested: Tensor
    public: Tensor | None
    augmented: tuple[Tensor, ...]
    noisy: tuple[Tensor, ...]


def queries(net: Network, recipe: Recipe, knows: Collection[Knowledge], *, device: str = "cpu") -> Queries:
    """What an attacker asks who knows what ``knows`` says; the same of every model of a cohort."""
    parts = split(recipe.population)
    contested = view_tensor(net, parts.contested, device=device)
    return Queries(
        contested=contested,
        public=view_tensor(net, parts.public["attacker"], device=device) if "public" in knows else None,
        augmented=(contested, *changed(contested, recipe)) if "augmented" in knows else (),
        noisy=noisy(contested, recipe) if "noisy" in knows else (),
    )


def changed(contested: Tensor, recipe: Recipe) -> list[Tensor]:
    """``COPIES`` copies of records (n, …), changed as the recipe changes them in training.

    A recipe that changes no inputs leaves the attacker the smallest change of a picture: a shift by one pixel in one
    of the eight directions, with black where it has left (Choquette-Choo et al. 2021). What
    ``engine.release.knowledge.why_not`` refuses must not be asked for here.
    """
    own = tuple(mechanism for mechanism in recipe.mechanisms if isinstance(mechanism, OWN_CHANGES))
    picture = recipe.population.info.picture or (1, 1)
    here = contested.unsqueeze(0)
    if not own:
        shifts = torch.tensor(SHIFTS, device=contested.device)
        return [cropped(here, shift.expand(1, len(contested), 2), picture)[0] for shift in shifts]
    steps = tuple((mechanism, _draws(recipe, type(mechanism).__name__)) for mechanism in own)
    means = Regularization(steps=steps, picture=picture)
    real = contested.new_ones(here.shape[:2])
    return [means.examples(here, real.unsqueeze(2), real)[0][0] for _ in range(COPIES)]


def noisy(contested: Tensor, recipe: Recipe) -> tuple[Tensor, ...]:
    """``NOISE_DRAWS`` copies at each of ``NOISE_LEVELS``, N(0, σ²) on every feature, not cut to any range.

    Levels are in the units of the features: [0, 1] for pixels and bits, standard deviations for standardized tables
    (Choquette-Choo et al. 2021). Draws of all levels are the same but for σ.
    """
    shape = (NOISE_DRAWS, *contested.shape)
    noise = torch.randn(shape, generator=_draws(recipe, "noise"), dtype=contested.dtype).to(contested.device)
    return tuple(contested + level * draw for level in NOISE_LEVELS for draw in noise)


def _draws(recipe: Recipe, name: str) -> torch.Generator:
    """The CPU generator of one kind of change; it depends on the population alone."""
    return torch.Generator().manual_seed(entropy(recipe.population.seed, "queries", name) % 2**63)
