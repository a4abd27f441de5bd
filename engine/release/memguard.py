"""MemGuard: noise on answers that leaves a membership classifier in doubt and every predicted class as it is.

Jia et al. 2019, "MemGuard: defending against black-box membership inference attacks via adversarial examples",
sections 4.2 and 4.3, for M models at once. Each model's defender trains a classifier h on that model's answers: its
members against the defender's public records, never a contested non-member. Noise e on the logits z is then sought
for each answer by gradient descent on

    |h(z + e)| + 10 · max(0, max_{j≠l} (z + e)_j − (z + e)_l) + c · ‖softmax(z) − softmax(z + e)‖₁

with h on the logit scale, l the predicted class and c = .1, 1, 10 as long as a noise is found: the last one counts. A
search succeeds when h has crossed ½ and l is unchanged. The answer is changed with the probability p that brings the
expectation of h nearest to ½ within the utility budget ε: p · ‖softmax(z) − softmax(z + e)‖₁ ≤ ε.

The paper's defender has the classifier read sorted confidences; the authors' code sorts logits. Here h reads sorted
log-probabilities, at least −30, which hold the same numbers and no more than an answer tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models.layers import Linear, Relu
from engine.models.network import Network
from engine.recipe import Adam
from engine.release.outputs import keeping_labels
from engine.release.values import MemGuard
from engine.seeds import generator
from engine.training.batches import pad
from engine.training.clipping import sum_gradients
from engine.training.parameters import Parameters, optimizer, parameters

_UNITS = 32
_TRAINING_STEPS = 300
_LEARNING_RATE = 1e-2
_WEIGHTS = (0.1, 1.0, 10.0)  # c; the authors go on to 1e5: three bound the time of a defence
_PREDICTION_WEIGHT = 10.0
_STAGES = 8
_STEPS_IN_A_STAGE = 25
_STEP = 0.1
_LOWEST = -30.0  # of log-probabilities that h reads


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The defenders of M models.

    Attributes:
        choice: budget and seed.
        net: h, from sorted log-probabilities (M, B, C) to the logit of being a member (M, B, 1).
        weights: of the M classifiers.
        path: names that tell this guard's draws from those of others.
    """

    choice: MemGuard
    net: Network
    weights: dict[str, Tensor]
    path: tuple[str | int, ...]

    def answers(self, logits: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """Guarded log-probabilities from logits, both (M, n, C); asking again gives the same answers.

        Args:
            logits: of the M models on n records.
            name: which records these are; each set has draws of its own.
        """
        clean = torch.from_numpy(logits).float().log_softmax(dim=2)
        noisy = self.disguised(clean)
        chance = self._chance(clean, noisy).numpy()
        draws = generator(self.choice.seed, "memguard", *self.path, name).random(chance.shape)
        changed = (draws < chance)[..., None]
        return np.where(changed, keeping_labels(noisy.double().numpy(), logits), logits)

    @torch.no_grad()
    def suspicion(self, answers: Tensor) -> Tensor:
        """What h says on the logit scale, (M, B), of log-probabilities (M, B, C): positive for "member"."""
        return self.net.forward(self.weights, seen(answers))[0].squeeze(2)

    @torch.no_grad()
    def disguised(self, clean: Tensor) -> Tensor:
        """Log-probabilities (M, n, C) with the least noise that was found; as they were where none was."""
        found = clean.clone()
        searched = torch.ones(clean.shape[:2], dtype=torch.bool)
        for weight in _WEIGHTS:
            noise, searched = self._searched(clean, searched, weight)
            found = torch.where(searched.unsqueeze(2), (clean + noise).log_softmax(dim=2), found)
        return found

    def _searched(self, clean: Tensor, searched: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Noise (M, n, C) found at one c for the answers that are ``searched``, (M, n), and where a search succeeded.

        Most searches end soon: from time to time the others are put together.
        """
        side = self.suspicion(clean).sign()
        noise = torch.zeros_like(clean)
        waiting = searched
        for _ in range(_STAGES):
            if not waiting.any():
                break
            batch = pad(tuple(np.flatnonzero(row) for row in waiting.numpy()))
            places = torch.arange(len(clean)).unsqueeze(1), torch.from_numpy(batch.records)
            searching = torch.from_numpy(batch.real).bool()
            moved, still = self._descended(clean[places], noise[places], side[places], searching, weight)
            models, columns = waiting.nonzero(as_tuple=True)
            noise[models, columns] = moved[searching]
            waiting = waiting.index_put((models, columns), still[searching])
        return noise, searched & ~waiting

    def _descended(
        self, clean: Tensor, noise: Tensor, side: Tensor, waiting: Tensor, weight: float
    ) -> tuple[Tensor, Tensor]:
        """Noise (M, B, C) some steps further, and where it has not succeeded yet, (M, B)."""
        label = clean.argmax(dim=2, keepdim=True)
        for _ in range(_STEPS_IN_A_STAGE):
            now = clean + noise
            suspicion, slope = self._slope(clean, now, label, weight)
            kept = (now.argmax(dim=2, keepdim=True) == label).squeeze(2)
            waiting = waiting & ~(kept & (suspicion * side <= 0))
            if not waiting.any():
                break
            length = slope.norm(dim=2, keepdim=True).clamp_min(torch.finfo(slope.dtype).tiny)
            noise = torch.where(waiting.unsqueeze(2), noise - _STEP * slope / length, noise)
        return noise, waiting

    def _slope(self, clean: Tensor, now: Tensor, label: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """What h says, (M, B), and the gradient of what is minimized with respect to the noise, (M, B, C)."""
        with torch.enable_grad():
            leaf = now.detach().requires_grad_()
            answers = leaf.log_softmax(dim=2)
            suspicion = self.net.forward(self.weights, seen(answers))[0].squeeze(2)
            rivals = leaf.scatter(2, label, -torch.inf).amax(dim=2, keepdim=True)
            lost = (rivals - leaf.gather(2, label)).relu().sum()
            distance = (answers.exp() - clean.exp()).abs().sum()
            aim = suspicion.abs().sum() + _PREDICTION_WEIGHT * lost + weight * distance
            return suspicion.detach(), torch.autograd.grad(aim, leaf)[0]

    def _chance(self, clean: Tensor, noisy: Tensor) -> Tensor:
        """The probability p with which each answer is changed, (M, n); section 4.3, equation 13."""
        before, after = ((torch.sigmoid(self.suspicion(answers)) - 0.5).abs() for answers in (clean, noisy))
        distance = (noisy.exp() - clean.exp()).abs().sum(dim=2)
        affordable = (self.choice.budget / distance.clamp_min(torch.finfo(distance.dtype).tiny)).clamp_max(1.0)
        return torch.where(before > after, affordable, 0.0)


def seen(answers: Tensor) -> Tensor:
    """What h reads of log-probabilities (M, B, C): the largest first."""
    return answers.clamp_min(_LOWEST).sort(dim=2, descending=True).values


def guard(
    choice: MemGuard,
    members: NDArray[np.float64],
    masks: NDArray[np.bool_],
    others: NDArray[np.float64],
    *path: str | int,
) -> Guard:
    """The defenders of M models: classifiers trained on each model's own members and the defender's public records.

    h has one hidden layer and learns by Adam; members and others weigh the same, whatever their numbers.

    Args:
        choice: budget and seed.
        members: (M, N, C) logits on the contested records; rows of non-members are not looked at.
        masks: (M, N), the members of each model.
        others: (M, D, C) logits on the defender's public records.
        path: names of what is guarded, such as the wave.
    """
    classes = members.shape[2]
    net = Network((Linear("guard1", classes, _UNITS), Relu(), Linear("guard2", _UNITS, 1)), "flat")
    params = parameters(net.initial(len(masks), generator(choice.seed, "memguard", *path, "initial weights")))
    batch = pad(tuple(np.flatnonzero(row) for row in masks))
    own = np.take_along_axis(members, batch.records[..., None], axis=1)
    answers = torch.from_numpy(np.concatenate([own, others], axis=1)).float().log_softmax(dim=2)
    real = torch.from_numpy(batch.real)
    public = real.new_ones(others.shape[:2])
    share = 0.5 * torch.cat([real / real.sum(dim=1, keepdim=True), public / others.shape[1]], dim=1)
    truth = torch.cat([torch.ones_like(real), 0 * public], dim=1)
    _learn(net, params, seen(answers), truth, share)
    return Guard(choice=choice, net=net, weights=params.weights, path=path)


@torch.no_grad()
def _learn(net: Network, params: Parameters, inputs: Tensor, truth: Tensor, share: Tensor) -> None:
    """Bring the cross-entropy of h, in which every record has its share (M, B), down by Adam on all records."""
    rule = optimizer(params, Adam(learning_rate=_LEARNING_RATE), ())
    for _ in range(_TRAINING_STEPS):
        logits, saved = net.forward(params.weights, inputs)
        deltas = (share * (torch.sigmoid(logits.squeeze(2)) - truth)).unsqueeze(2)
        sum_gradients(net.backward(params.weights, saved, deltas), params.gradients)
        rule.step()
