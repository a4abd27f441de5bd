"""Distance-to-confident: how far a record must move before a model is confident of its label.

This is our reading of Kaya, Hong & Dumitras 2020, "On the effectiveness of regularization against membership
inference attacks", whose abstract names a white-box metric "based on adversarial sample crafting" that still tells
members apart where other attacks fail; the paper's own algorithm is not public, and this is not it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit
from torch import Tensor

from engine.assessment.parts import DistanceSearch
from engine.models.layers import Weights
from engine.models.network import Network
from engine.signals import Signals
from engine.training.batches import pad
from engine.validate import number
from engine.whitebox.gradients import confidence, confidence_slope

Norm = Literal["l2", "linf"]
_NORMS: tuple[Norm, ...] = ("l2", "linf")
_NORM_OF: Mapping[str, Norm] = {
    "distance_l2": "l2",
    "distance_linf": "linf",
}  # by attack, which its signal is named as

TAU = 0.99
_ASCENTS = 10
_BISECTIONS = 8
_OVERSHOOT = 0.05  # of φ: ascents end a little beyond the goal, and the way back is exact
_REACH = 4.0  # a search ends where every feature has moved by this much
_RECORDS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Distance-to-confident of N records for M models, in the units of the records' features.

    Attributes:
        tau: τ, the confidence in the true class at which a model counts as confident.
        l2: (M, N) least L2 norm of the change that was found; 0 where the model is confident as it is.
        linf: (M, N) likewise, the largest change of one feature.
        failed_l2: how many of the M · N searches found nothing; their distance is the end of the search.
        failed_linf: likewise.
    """

    tau: float
    l2: NDArray[np.float64]
    linf: NDArray[np.float64]
    failed_l2: int
    failed_linf: int


@torch.no_grad()
def distances_to_confident(
    net: Network, weights: Weights, inputs: Tensor, labels: NDArray[np.int64], *, tau: float = TAU
) -> Distances:
    """The least change of each record after which each model gives its true class a confidence of at least τ.

    Batched gradient ascent on φ, the confidence on the logit scale. Each ascent goes to the nearest point at which
    φ, made linear where the last one ended, reaches its goal log τ/(1 − τ): along g/‖g‖₂ for L2, along sign g for
    L∞, as DeepFool does for the way out of a class (Moosavi-Dezfooli et al. 2016, section 3). Of the points that
    reach the goal the nearest counts, drawn back towards the record until φ is at the goal. Features are not kept
    within bounds. Where φ is linear, as for two classes of a logistic regression, the answer is exact:
    (goal − φ)/‖w‖₂ and (goal − φ)/‖w‖₁.

    Args:
        net: the network.
        weights: parameters of M models.
        inputs: (n, …), the records in the network's view.
        labels: (n,) their true classes.
        tau: τ in (0, 1).

    Raises:
        InvalidValueError: when τ is out of range.
    """
    goal = float(logit(number("τ", tau, above=0, below=1)))
    truth = torch.from_numpy(labels).to(inputs.device)
    models = len(next(iter(weights.values())))
    logits = torch.cat([net.forward(weights, part)[0] for part in inputs.split(_RECORDS_AT_ONCE)], dim=1)
    short = (confidence(logits, truth.expand(models, -1)) < goal).cpu().numpy()
    wanted = pad(tuple(np.flatnonzero(row) for row in short))
    parts = [
        _least_changes(net, weights, inputs[part], truth[part], goal)
        for part in torch.from_numpy(wanted.records).to(inputs.device).split(_RECORDS_AT_ONCE, dim=1)
    ]
    found = torch.cat(parts, dim=2).cpu().double().numpy()[:, wanted.real.astype(bool)]
    distances = np.zeros((len(_NORMS), *short.shape))
    ends = np.array([[_furthest(inputs[0].numel(), norm)] for norm in _NORMS])
    distances[:, short] = np.where(np.isinf(found), ends, found)
    failed_l2, failed_linf = np.isinf(found).sum(axis=1).tolist()
    return Distances(tau=tau, l2=distances[0], linf=distances[1], failed_l2=failed_l2, failed_linf=failed_linf)


def search_of(attack: str, found: Signals, features: int) -> DistanceSearch | None:
    """How the distances that a distance attack reads were found; None for another attack.

    Args:
        attack: a name in the catalogue of attacks.
        found: signals with distances at ``TAU``.
        features: of a record.
    """
    norm = _NORM_OF.get(attack)
    distances = None if norm is None else getattr(found, attack)
    if norm is None or distances is None:
        return None
    failed = distances == _furthest(features, norm)
    return DistanceSearch(tau=TAU, confident=float((distances == 0).mean()), failed=float(failed.mean()))


def _least_changes(net: Network, weights: Weights, start: Tensor, labels: Tensor, goal: float) -> Tensor:
    """The least changes of records (M, B, …) in each norm, (2, M, B); infinite where none was found.

    A change that was found for one norm counts for the other, too.
    """
    searches = [_Search(net, weights, start, labels, goal, norm) for norm in _NORMS]
    found = [search.least_change() for search in searches]
    lengths = [
        torch.stack([torch.where(reached, _length(change, norm), torch.inf) for change, reached in found])
        for norm in _NORMS
    ]
    return torch.stack([each.amin(dim=0) for each in lengths])


def _length(change: Tensor, norm: Norm) -> Tensor:
    """The norm of changes (M, B, …), (M, B)."""
    flat = change.flatten(2)
    return flat.norm(dim=2) if norm == "l2" else flat.abs().amax(dim=2)


def _furthest(features: int, norm: Norm) -> float:
    """How far a search for a record of so many features goes in a norm."""
    return _REACH * (math.sqrt(features) if norm == "l2" else 1.0)


@dataclass(frozen=True)
class _Search:
    """The search from records (M, B, …) of M models, with labels (M, B), for the goal φ in a norm."""

    net: Network
    weights: Weights
    start: Tensor
    labels: Tensor
    goal: float
    norm: Norm

    def least_change(self) -> tuple[Tensor, Tensor]:
        """The least changes that were found, (M, B, …), and whether they reach the goal, (M, B)."""
        moved = torch.zeros_like(self.start)
        nearest = moved
        least = torch.full(self.labels.shape, torch.inf, device=moved.device)
        for ascent in range(_ASCENTS):
            # Half the way: across the folds of a network whole steps may jump to and fro for ever.
            moved = torch.lerp(moved, self._ascended(moved), 0.5 if ascent else 1.0)
            length = _length(moved, self.norm)
            nearer = (self._phi(moved) >= self.goal) & (length < least)
            least = torch.where(nearer, length, least)
            nearest = torch.where(self._wide(nearer), moved, nearest)
        ray, reached = self._stretched(torch.where(self._wide(least.isinf()), moved, nearest))
        return ray * self._wide(self._share(ray)), reached

    def _ascended(self, moved: Tensor) -> Tensor:
        """The least change at which φ, made linear at a change, is a little beyond the goal."""
        phi, slope = confidence_slope(self.net, self.weights, self.start + moved, self.labels)
        flat = slope.flatten(2)
        needed = self.goal + _OVERSHOOT - phi + (flat * moved.flatten(2)).sum(dim=2)
        if self.norm == "l2":
            steepness = flat.norm(dim=2).clamp_min(torch.finfo(flat.dtype).tiny)
            direction = slope / self._wide(steepness)
        else:
            steepness = flat.abs().sum(dim=2).clamp_min(torch.finfo(flat.dtype).tiny)
            direction = slope.sign()
        furthest = _furthest(self.start[0, 0].numel(), self.norm)
        return direction * self._wide((needed / steepness).clamp(-furthest, furthest))

    def _stretched(self, ray: Tensor) -> tuple[Tensor, Tensor]:
        """The changes, those short of the goal doubled until they reach it or the search ends; whether they do."""
        furthest = _furthest(self.start[0, 0].numel(), self.norm)
        while True:
            reached = self._phi(ray) >= self.goal
            length = _length(ray, self.norm)
            again = ~reached & (length > 0) & (length < 0.999 * furthest)  # floats stop short of the end
            if not again.any():
                return ray, reached
            factor = torch.where(again, (furthest / length).clamp_max(2.0), 1.0)
            ray = ray * self._wide(factor)

    def _share(self, ray: Tensor) -> Tensor:
        """The share of a change that reaches the goal at which φ crosses it, (M, B), from its far side.

        By false position, in which an end that stays weighs half as much each time (the Illinois rule).
        """
        low, high = torch.zeros_like(self.labels, dtype=ray.dtype), torch.ones_like(self.labels, dtype=ray.dtype)
        below = self._phi(torch.zeros_like(ray)) - self.goal
        above = self._phi(ray) - self.goal
        for _ in range(_BISECTIONS):
            middle = (low - (high - low) * below / (above - below)).clamp(low, high)
            here = self._phi(ray * self._wide(middle)) - self.goal
            beyond = here >= 0
            below, above = torch.where(beyond, below / 2, here), torch.where(beyond, here, above / 2)
            low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
        return high

    def _phi(self, moved: Tensor) -> Tensor:
        return confidence(self.net.forward(self.weights, self.start + moved)[0], self.labels)

    def _wide(self, values: Tensor) -> Tensor:
        """(M, B) in the number of dimensions of the records."""
        return values.view(*values.shape, *[1] * (self.start.dim() - 2))
