"""The mechanisms of a recipe at work on the batches of one wave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from scipy.special import betaincinv
from torch import Tensor

from engine.mechanisms import (
    AdversarialRegularization,
    Cutout,
    DisturbLabel,
    Dropout,
    GaussianInput,
    LabelSmoothing,
    Mechanism,
    Mixup,
    RandomCrop,
    RelaxLoss,
    SpatialDropout,
)
from engine.models.dropout import DropoutLayer, with_dropout
from engine.models.evaluation import view_tensor
from engine.models.network import Network, network
from engine.populations.records import Split
from engine.recipe import MODELS_PER_WAVE, Recipe
from engine.seeds import entropy, generator
from engine.training.adversary import Adversary, adversary
from engine.training.augmentation import cropped, cut_out, mixed, noisy
from engine.training.labels import disturbed, one_hot, probabilities, smoothed
from engine.training.relaxation import relaxed

_ON_EXAMPLES = (RandomCrop, GaussianInput, Cutout, DisturbLabel, LabelSmoothing, Mixup)
"""The mechanisms that change inputs or targets, in the order in which they act."""


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """What is done to examples and loss gradients; as it stands, nothing.

    Attributes:
        steps: the mechanisms that change inputs or targets, in order, each with the CPU generator it draws from.
        picture: (rows, columns) of a record.
        relaxation: RelaxLoss, or None.
        adversary: the inference networks of adversarial regularization, or None; they learn with every batch.
        copied: where all models are copies of one of a wave and share its batches, which of its eight: then all are
            shown what that one is shown. None is models that draw for themselves.
    """

    steps: tuple[tuple[Mechanism, torch.Generator], ...] = ()
    picture: tuple[int, int] = (1, 1)
    relaxation: RelaxLoss | None = None
    adversary: Adversary | None = None
    copied: int | None = None

    def examples(self, inputs: Tensor, targets: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """The inputs (M, B, …) and targets (M, B, C) that the models train on.

        Only mixup looks beyond single records, and at those alone that are ``real``, (M, B).
        """
        for mechanism, draws in self.steps:
            match mechanism:
                case RandomCrop(padding=padding):
                    shifts = self._drawn(
                        partial(torch.randint, -padding, padding + 1, generator=draws), (*real.shape, 2)
                    )
                    inputs = cropped(inputs, shifts.to(inputs.device), self.picture)
                case GaussianInput(sigma=sigma):
                    noise = self._drawn(partial(torch.randn, generator=draws, dtype=inputs.dtype), inputs.shape)
                    inputs = noisy(inputs, noise.to(inputs.device), sigma)
                case Cutout(size=size):
                    places = [
                        self._drawn(partial(torch.randint, length, generator=draws), real.shape)
                        for length in self.picture
                    ]
                    inputs = cut_out(inputs, torch.stack(places, dim=-1).to(inputs.device), size, self.picture)
                case DisturbLabel(theta=theta):
                    replaced = self._drawn(partial(torch.rand, generator=draws), real.shape) < theta
                    classes = self._drawn(partial(torch.randint, targets.shape[-1], generator=draws), real.shape)
                    targets = disturbed(targets, replaced.to(targets.device), classes.to(targets.device))
                case LabelSmoothing(alpha=alpha):
                    targets = smoothed(targets, alpha)
                case Mixup(alpha=alpha):
                    weights, partners = beta(alpha, len(real), draws), permutations(real.cpu(), draws)
                    inputs, targets = (
                        mixed(values, partners.to(values.device), weights.to(values.device))
                        for values in (inputs, targets)
                    )
        return inputs, targets

    def _drawn(self, draw: Callable[[tuple[int, ...]], Tensor], shape: tuple[int, ...]) -> Tensor:
        """Random numbers (M, B, …), drawn by shape; copies of a model of a wave all get what it is given there."""
        if self.copied is None:
            return draw(shape)
        return draw((MODELS_PER_WAVE, *shape[1:]))[self.copied].expand(shape)

    def deltas(self, logits: Tensor, targets: Tensor, real: Tensor, epoch: int) -> Tensor:
        """Gradients (M, B, C) of each record's own loss with respect to its logits, in an epoch counted from 1."""
        if self.relaxation is None:
            return probabilities(logits).sub_(targets)
        return relaxed(logits, targets, real, self.relaxation.alpha, ascend=epoch % 2 == 1)

    def public_examples(self, against: Adversary, real: Tensor) -> tuple[Tensor, Tensor]:
        """A batch of the defender's records, (M, B, …), and their labels, (M, B, C).

        They are treated as the members are, so that a treatment does not tell them apart.
        """
        picked = against.pick(*real.shape)
        labels = against.other_labels[picked]
        return self.examples(against.others[picked], labels, torch.ones_like(real))[0], labels


def regularization(recipe: Recipe, wave: int, parts: Split, *, device: str = "cpu") -> Regularization:
    """The mechanisms of a recipe that act on examples and losses, with fresh generators for a wave."""
    by_kind = {type(mechanism): mechanism for mechanism in recipe.mechanisms}
    relaxation, against = by_kind.get(RelaxLoss), by_kind.get(AdversarialRegularization)
    return Regularization(
        steps=tuple((by_kind[kind], draws(recipe, wave, kind)) for kind in _ON_EXAMPLES if kind in by_kind),
        picture=recipe.population.info.picture or (1, 1),  # what looks at it is refused without one
        relaxation=relaxation if isinstance(relaxation, RelaxLoss) else None,
        adversary=_adversary(against, recipe, wave, parts, device)
        if isinstance(against, AdversarialRegularization)
        else None,
    )


def _adversary(
    mechanism: AdversarialRegularization, recipe: Recipe, wave: int, parts: Split, device: str
) -> Adversary:
    """Untrained inference networks; the others they see are the defender's public records, and nobody else."""
    classes, others = recipe.population.info.classes, parts.public["defender"]
    view = view_tensor(network(recipe.architecture, recipe.population.info), others, device=device)
    return adversary(
        mechanism.strength,
        generator(recipe.seed, "inference networks", wave),
        labels=one_hot(parts.contested.labels, classes, device=device),
        others=view,
        other_labels=one_hot(others.labels, classes, device=device),
        draws=draws(recipe, wave, AdversarialRegularization),
    )


def training_network(net: Network, recipe: Recipe, wave: int) -> Network:
    """The network as it trains: with the recipe's dropout, which evaluation does without."""
    for mechanism in recipe.mechanisms:
        if isinstance(mechanism, Dropout | SpatialDropout):
            channels = isinstance(mechanism, SpatialDropout)
            layer = DropoutLayer(mechanism.rate, draws(recipe, wave, type(mechanism)), channels)
            net = with_dropout(net, layer)
    return net


def draws(recipe: Recipe, wave: int, kind: type[Mechanism]) -> torch.Generator:
    """The CPU generator of one mechanism in one wave."""
    return torch.Generator().manual_seed(entropy(recipe.seed, kind.__name__, wave) % 2**63)


def beta(alpha: float, models: int, draws: torch.Generator) -> Tensor:
    """λ ~ Beta(α, α) for each model, (M,) float64, by its inverse distribution function.

    Source: Zhang et al. 2018, section 2.
    """
    uniform = torch.rand(models, generator=draws, dtype=torch.float64)
    return torch.from_numpy(betaincinv(alpha, alpha, uniform.numpy()))


def permutations(real: Tensor, draws: torch.Generator) -> Tensor:
    """(M, B) positions: for each model a permutation of its real records, which come first, then the padding."""
    return torch.argsort(torch.rand(real.shape, generator=draws) + (1 - real), dim=1)
