"""Properties of records that may go with their risk, measured inside the models: the analyst's own look, no attack.

Shapes: P pairs, M = 2P models, N contested records.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assessment.reasons import NEIGHBOURS, class_gap, neighbourhood, sensitivity
from engine.models.evaluation import view_tensor
from engine.models.network import network, tensors
from engine.populations.records import split
from engine.recipe import Recipe
from engine.release.values import Release
from engine.release.weights import released
from engine.signals import Signals
from engine.training.values import TrainedWave
from engine.whitebox.inspection import jacobian_norms, penultimate


def record_properties(
    recipe: Recipe,
    release: Release,
    waves: Sequence[TrainedWave],
    signals: Signals,
    masks: NDArray[np.bool_],
    *,
    device: str = "cpu",
) -> dict[str, NDArray[np.float64]]:
    """What may go with the risk of records, (P, N) by name, after Song & Mittal 2021, section 6.

    The gap of a class is that of each pair. What takes a look inside comes from the first pair of the cohort and
    counts as a fixed property of the record, the same in every row: at the default view sensitivity then goes with
    risk about as closely as if all models were looked into, which takes far longer, most of all for
    two-dimensional convolutions. Neighbours are those in the embedding of the first model.

    Args:
        recipe: of the cohort.
        release: of its owner; weights are those of the first released copy.
        waves: of the cohort, at least one.
        signals: of the M released models, one draw.
        masks: (M, N).
        device: where to evaluate.
    """
    net = network(recipe.architecture, recipe.population.info)
    records = split(recipe.population).contested
    inputs = view_tensor(net, records, device=device)
    first, kept = waves[0], recipe.kept(release)
    trained = first.parameters if kept == recipe.epochs else first.checkpoints[kept]
    copy = released(trained, release, seed=recipe.seed, wave=0)[0]
    pair = tensors({name: value[:2] for name, value in copy.items()}, device=device)
    model = {name: value[:1] for name, value in pair.items()}
    distance, disagreement = neighbourhood(penultimate(net, model, inputs)[0], records.labels)
    inside = {
        "Sensitivity of the answers to small changes of it": sensitivity(
            jacobian_norms(net, pair, inputs), first.masks[:2]
        )[0],
        f"Distance to its {NEIGHBOURS} nearest records, as the model sees them": distance,
        f"Share of those {NEIGHBOURS} with another label": disagreement,
    }
    return {
        "Generalization gap of its class": class_gap(signals.correct, masks, records.labels),
        **{name: np.tile(values, (len(masks) // 2, 1)) for name, values in inside.items()},
    }
