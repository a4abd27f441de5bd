"""How far one record moves the trained weights, by retraining: a measured sensitivity, not a proof.

Yang, Gohari & Topcu 2022 calibrate noise on trained weights to a sensitivity that they sample: train once, train
again without one record, with the same seed and the same batches, and take the largest distance seen. A record that
was not tried, or another training set, may move the weights further; an ε that rests on such a sensitivity is
therefore no guarantee. Here all neighbours are trained as one stack, and the distance is the joint L2 norm over all
weights, which is what the Gaussian mechanism asks for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.models.evaluation import view_tensor
from engine.models.network import Network, network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import MODELS_PER_WAVE, Recipe
from engine.release.gaussian import sigma_for
from engine.release.knowledge import LABEL, why_not_measured
from engine.release.values import NEIGHBOURS, WeightNoise
from engine.seeds import generator
from engine.training.batches import Batch, epochs
from engine.training.labels import one_hot
from engine.training.loop import train
from engine.training.parameters import Parameters, parameters
from engine.training.regularization import regularization
from engine.validate import InvalidValueError, whole

MOST_NEIGHBOURS = 512


@dataclass(frozen=True, kw_only=True)
class MeasuredSensitivity:
    """What K neighbours of one model show.

    Attributes:
        label: to be shown wherever a number of this is.
        members: how many records the model was trained on; each could have been dropped.
        dropped: (K,) the contested record that each neighbour did without.
        by_tensor: by parameter name, (K,) L2 distances from the model.
    """

    label: str = LABEL
    members: int
    dropped: NDArray[np.int64]
    by_tensor: dict[str, NDArray[np.float64]]

    @property
    def changes(self) -> NDArray[np.float64]:
        """Joint L2 distances of all weights from the model, (K,)."""
        return np.sqrt(np.sum([np.square(change) for change in self.by_tensor.values()], axis=0))

    @property
    def largest(self) -> float:
        """Δ, the largest distance seen; the true sensitivity is at least this."""
        return float(self.changes.max())


def measured_sensitivity(
    recipe: Recipe,
    *,
    wave: int = 0,
    model: int = 0,
    neighbours: int = NEIGHBOURS,
    epoch: int | None = None,
    check: Callable[[], None] | None = None,
    device: str = "cpu",
) -> MeasuredSensitivity:
    """Retrain one model of a wave without one record, for some of its records, drawn by the recipe's seed.

    The neighbours have the model's initial weights and batches, and records and labels are changed at random as the
    model's are; in each batch the dropped record's gradient is left out of the sum, which is still divided by the
    size that the batch had with it.

    Args:
        recipe: how to train.
        wave: which wave, from 0.
        model: which of its eight models.
        neighbours: K, how many different records are dropped, one each; all models are trained as one stack.
        epoch: the epoch that is kept, from 1; None is the last.
        check: called after every step and must be cheap; what it raises ends the training.
        device: where to train.

    Raises:
        InvalidValueError: for more neighbours than members, or a recipe with which neighbours would differ by more
            than the record.
    """
    refused = why_not_measured(recipe)
    if refused is not None:
        raise InvalidValueError(refused)
    whole("model of a wave", model, at_least=0, at_most=MODELS_PER_WAVE - 1)
    kept = recipe.epochs if epoch is None else whole("kept epoch", epoch, at_least=1, at_most=recipe.epochs)
    member = masks(recipe.population, recipe.seed, wave)
    own = np.flatnonzero(member[model])
    whole("neighbours", neighbours, at_least=1, at_most=min(len(own), MOST_NEIGHBOURS))
    rng = generator(recipe.seed, "neighbours", wave, model)
    dropped = np.sort(rng.choice(own, neighbours, replace=False))

    net = network(recipe.architecture, recipe.population.info)
    parts = split(recipe.population)
    records = parts.contested
    params = _alike(net, recipe, wave, model, 1 + neighbours, device=device)
    batches = itertools.islice(epochs(recipe, wave, member), kept)
    train(
        net,
        recipe,
        params,
        view_tensor(net, records, device=device),
        one_hot(records.labels, records.info.classes, device=device),
        _without(dropped, model, batches),
        regularization=replace(regularization(recipe, wave, parts), copied=model),
        after_step=check,
    )
    return MeasuredSensitivity(members=len(own), dropped=dropped, by_tensor=_distances(params))


def noise_for_measured(found: MeasuredSensitivity, *, epsilon: float, delta: float) -> WeightNoise:
    """Noise on all weights that would give (ε, δ)-DP if no record moved them further than the largest change seen.

    By the analytic Gaussian mechanism (Balle & Wang 2018). The premise is measured, so this is not a proof: show
    ``found.label`` beside it. There is no such noise for the output layer alone, since the other weights are then
    published as they are, nor relative to tensors, whose norms depend on the records themselves.

    Raises:
        InvalidValueError: when ε or δ is out of range, nothing moved at all, or σ would be above the limit.
    """
    return WeightNoise(sigma=sigma_for(epsilon, delta=delta, sensitivity=found.largest))


def _alike(net: Network, recipe: Recipe, wave: int, model: int, copies: int, *, device: str) -> Parameters:
    """The initial weights of one model of a wave, as often as there are copies."""
    initial = net.initial(MODELS_PER_WAVE, generator(recipe.seed, "initial weights", wave))
    return parameters({name: np.stack([value[model]] * copies) for name, value in initial.items()}, device=device)


def _without(dropped: NDArray[np.int64], model: int, wave: Iterator[list[Batch]]) -> Iterator[list[Batch]]:
    """The batches of one model for itself, in row 0, and for its neighbours, each without its dropped record."""
    nobody = np.concatenate([[-1], dropped])[:, None]
    for batches in wave:
        yield [_neighbours(batch.records[model], batch.real[model], nobody) for batch in batches]


def _neighbours(records: NDArray[np.int64], real: NDArray[np.float32], nobody: NDArray[np.int64]) -> Batch:
    """One batch of a model (B,) for all rows (K + 1, 1) of dropped records, its size kept."""
    shape = (len(nobody), len(records))
    return Batch(
        records=np.broadcast_to(records, shape).copy(),
        real=real * (records != nobody).astype(np.float32),
        sizes=np.full(len(nobody), real.sum(), dtype=np.float32),
    )


def _distances(params: Parameters) -> dict[str, NDArray[np.float64]]:
    """L2 distances of rows 1, 2, … of every parameter from row 0."""
    weights = {name: value.flatten(1).double() for name, value in params.weights.items()}
    return {name: (value[1:] - value[:1]).norm(dim=1).cpu().numpy() for name, value in weights.items()}
