"""From trained models to signals: what the released models of a cohort answer to what an attacker asks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    asked = queries(network(recipe.architecture, recipe.population.info), recipe, knows, device=device)
    parts = split(recipe.population)
    answers: list[list[Signals]] = []
    for number, wave in enumerate(waves):
        answers.append([])
        for model in _copies(recipe, release, wave, number, device=device):
            found = model.signals(asked, parts)
            answers[-1].append(model.inside(found, asked.contested) if "weights" in knows else found)
    return tuple(together(draw) for draw in zip(*answers, strict=True))


def released_logits(
    recipe: Recipe, release: Release, waves: Sequence[TrainedWave], *, device: str = "cpu"
) -> NDArray[np.float32]:
    """Logits (M, N, C) of the released models on the contested records, as an attacker can read them.

    Of a release with weight noise, those of the first released copy: the same that scores and confidences record by
    record are of. Where outputs are treated, a logit is the logarithm of the answered probability.

    Args:
        recipe: of the cohort.
        release: what its owner publishes.
        waves: waves 0, 1, … of the recipe, at least one.
        device: where to evaluate.
    """
    net = network(recipe.architecture, recipe.population.info)
    inputs = view_tensor(net, split(recipe.population).contested, device=device)
    models = (next(_copies(recipe, release, wave, number, device=device)) for number, wave in enumerate(waves))
    return np.concatenate([model.answers(inputs, "contested").astype(np.float32) for model in models])


def _copies(recipe: Recipe, release: Release, wave: TrainedWave, number: int, *, device: str) -> Iterator[_Released]:
    """The K released copies of the models of a wave."""
    net, parts, kept = (
        network(recipe.architecture, recipe.population.info),
        split(recipe.population),
        recipe.kept(release),
    )
    weights = wave.parameters if kept == recipe.epochs else wave.checkpoints[kept]
    for draw, copy in enumerate(released(weights, release, seed=recipe.seed, wave=number)):
        yield _released(net, tensors(copy, device=device), release, wave, parts, (recipe.seed, number, draw))


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
