"""From trained models to signals: what the released models of a cohort answer to what an attacker asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.attacks.catalogue import Knowledge
from engine.models.evaluation import logits, view_tensor
from engine.models.layers import Weights
from engine.models.network import Network, network, tensors
from engine.populations.records import Split, split
from engine.recipe import Recipe
from engine.release.memguard import Guard, guard
from engine.release.outputs import treated
from engine.release.queries import Queries, queries
from engine.release.values import MemGuard, Reduction, Release
from engine.release.weights import released
from engine.signals import Signals, signals, together
from engine.training.values import TrainedWave
from engine.whitebox.distance import distances_to_confident
from engine.whitebox.gradients import gradient_norms


def release_signals(
    recipe: Recipe,
    release: Release,
    waves: Sequence[TrainedWave],
    *,
    knows: Collection[Knowledge] = (),
    device: str = "cpu",
) -> tuple[Signals, ...]:
    """What the released models of a cohort answer on the contested records, one value for each of the K draws.

    Args:
        recipe: of the cohort.
        release: what its owner publishes.
        waves: waves 0, 1, … of the recipe, at least one.
        knows: what the attack must know; signals that cost more than one evaluation are there only for those who
            know of them.
        device: where to evaluate.
    """
    net = network(recipe.architecture, recipe.population.info)
    asked = queries(net, recipe, knows, device=device)
    parts = split(recipe.population)
    kept = recipe.kept(release)
    answers: list[list[Signals]] = []
    for number, wave in enumerate(waves):
        weights = wave.parameters if kept == recipe.epochs else wave.checkpoints[kept]
        answers.append([])
        for draw, copy in enumerate(released(weights, release, seed=recipe.seed, wave=number)):
            model = _released(net, tensors(copy, device=device), release, wave, parts, (recipe.seed, number, draw))
            found = model.signals(asked, parts)
            answers[-1].append(model.inside(found, asked.contested) if "weights" in knows else found)
    return tuple(together(draw) for draw in zip(*answers, strict=True))


@dataclass(frozen=True)
class _Released:
    """One released copy of the models of a wave."""

    net: Network
    weights: Weights
    treatment: Reduction | Guard | None

    def answers(self, inputs: Tensor, name: str) -> NDArray[np.float64]:
        """Logits (M, n, C) as an attacker can read them of the answers to a named set of queries (n, …)."""
        clean = logits(self.net, self.weights, inputs)
        if isinstance(self.treatment, Guard):
            return self.treatment.answers(clean, name)
        return treated(clean, self.treatment)

    def signals(self, asked: Queries, parts: Split) -> Signals:
        """The answers to all queries as signals."""
        labels = parts.contested.labels

        def copies(kind: str, inputs: Sequence[Tensor]) -> tuple[Signals, ...]:
            return tuple(signals(self.answers(copy, f"{kind} {i}"), labels) for i, copy in enumerate(inputs))

        contested = signals(self.answers(asked.contested, "contested"), labels)
        return replace(
            contested,
            public=None
            if asked.public is None
            else signals(self.answers(asked.public, "public"), parts.public["attacker"].labels),
            augmented=(contested, *copies("augmented", asked.augmented[1:])) if asked.augmented else (),
            noisy=copies("noisy", asked.noisy),
        )

    def inside(self, found: Signals, contested: Tensor) -> Signals:
        """The signals with what only the weights tell."""
        distances = distances_to_confident(self.net, self.weights, contested, found.labels)
        return replace(
            found,
            gradient_norm=gradient_norms(self.net, self.weights, contested, found.labels),
            distance_l2=distances.l2,
            distance_linf=distances.linf,
        )


def _released(
    net: Network, weights: Weights, release: Release, wave: TrainedWave, parts: Split, path: tuple[int, ...]
) -> _Released:
    """The models with their guard, if the release has one; ``path`` is the seed, the wave and the draw."""
    if not isinstance(release.outputs, MemGuard):
        return _Released(net, weights, release.outputs)
    device = str(next(iter(weights.values())).device)
    members, others = (
        logits(net, weights, view_tensor(net, records, device=device))
        for records in (parts.contested, parts.public["defender"])
    )
    return _Released(net, weights, guard(release.outputs, members, wave.masks, others, *path))
