"""Adversarial regularization: M inference networks that M models learn to deceive, trained beside them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.models.layers import Linear, Relu
from engine.models.network import Network
from engine.recipe import MODELS_PER_WAVE, Adam
from engine.training.clipping import sum_gradients
from engine.training.parameters import Parameters, Steps, left_alone, optimizer, parameters

_UNITS = 64


def inference_network(classes: int) -> Network:
    """h: probabilities and one-hot label, side by side (M, B, 2C), → the logit of being a member (M, B, 1)."""
    return Network(
        (
            Linear("inference1", 2 * classes, _UNITS),
            Relu(),
            Linear("inference2", _UNITS, _UNITS),
            Relu(),
            Linear("inference3", _UNITS, 1),
        ),
        "flat",
    )


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """The inference networks of one wave and what they learn from (Nasr, Shokri & Houmansadr 2018, algorithm 1).

    Attributes:
        strength: of the gain in the loss of the models.
        net: h.
        params: weights of the M inference networks; they change with every step.
        rule: their optimizer.
        labels: (N, C) one-hot labels of the contested records.
        others: (D, …) public records of the defender in the models' view.
        other_labels: (D, C) their one-hot labels.
        draws: CPU generator of the defender's batches.
    """

    strength: float
    net: Network
    params: Parameters
    rule: Steps
    labels: Tensor
    others: Tensor
    other_labels: Tensor
    draws: torch.Generator

    def pick(self, models: int, size: int) -> Tensor:
        """Positions of defender records, (M, B), each drawn from all of them alike."""
        return torch.randint(len(self.others), (models, size), generator=self.draws).to(self.others.device)

    def deceived(self, logits: Tensor, records: Tensor, real: Tensor, answers: Tensor, labels: Tensor) -> Tensor:
        """One step of h on a batch, then the gradients that deceive it.

        Args:
            logits: (M, B, C) of the members of a batch.
            records: (M, B) their positions among the contested records.
            real: (M, B), 1 for a record, 0 for padding.
            answers: (M, B′, C) logits of the defender's records.
            labels: (M, B′, C) their one-hot labels.

        Returns:
            (M, B, C), to be added to the gradients of each member's own loss with respect to its logits.
        """
        own = self.labels[records]
        self.learn(seen(logits, own), real, seen(answers, labels))
        return self.push(logits, own)

    def learn(self, members: Tensor, real: Tensor, others: Tensor) -> None:
        """One step of h up its gain ½ E[log h(members)] + ½ E[log(1 − h(others))]; without a member it rests.

        Args:
            members: (M, B, 2C) what h sees of each model's batch.
            real: (M, B), 1 for a record, 0 for padding.
            others: (M, B′, 2C) what h sees of the defender's records.
        """
        answers, saved = self.net.forward(self.params.weights, torch.cat([members, others], dim=1))
        public = real.new_ones(others.shape[:2])
        share = torch.cat([real / real.sum(dim=1, keepdim=True).clamp(min=1), public / others.shape[1]], dim=1)
        truth = torch.cat([torch.ones_like(real), 0 * public], dim=1)
        deltas = 0.5 * (share * (torch.sigmoid(answers.squeeze(2)) - truth)).unsqueeze(2)
        sum_gradients(self.net.backward(self.params.weights, saved, deltas), self.params.gradients)
        resting = (real.sum(dim=1) == 0).cpu().numpy()
        with left_alone(self.params, self.rule, resting) if resting.any() else nullcontext():
            self.rule.step()

    def push(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The gradients strength · ∂ log h(softmax(logits), labels) / ∂ logits of every record, (M, B, C)."""
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            answers, _ = self.net.forward(self.params.weights, seen(leaf, labels))
            gain = torch.nn.functional.logsigmoid(answers).sum()
            return self.strength * torch.autograd.grad(gain, leaf)[0]


def seen(logits: Tensor, labels: Tensor) -> Tensor:
    """What h sees of a record: the model's probabilities and the one-hot label, (M, B, 2C)."""
    return torch.cat([torch.softmax(logits, dim=2), labels], dim=2)


def adversary(
    strength: float,
    rng: np.random.Generator,
    *,
    labels: Tensor,
    others: Tensor,
    other_labels: Tensor,
    draws: torch.Generator,
) -> Adversary:
    """Untrained inference networks for the models of a wave, their initial weights as torch.nn draws them.

    ``rng`` is for the initial weights; the other arguments are the attributes of ``Adversary``.
    """
    net = inference_network(labels.shape[1])
    params = parameters(net.initial(MODELS_PER_WAVE, rng), device=str(others.device))
    rule = optimizer(params, Adam(learning_rate=1e-3), ())
    return Adversary(
        strength=strength,
        net=net,
        params=params,
        rule=rule,
        labels=labels,
        others=others,
        other_labels=other_labels,
        draws=draws,
    )
