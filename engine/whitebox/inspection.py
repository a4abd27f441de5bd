"""What goes on inside M models on the same records: activations before the last layer, and input sensitivity."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.models.layers import Weights
from engine.models.network import Network
from engine.whitebox.gradients import input_deltas

_RECORDS_AT_ONCE = 128


@torch.no_grad()
def penultimate(net: Network, weights: Weights, inputs: Tensor) -> NDArray[np.float32]:
    """Activations that the last layer reads, (M, n, d); of a network of one layer, its records as they are.

    Args:
        net: the network.
        weights: parameters of M models.
        inputs: (n, …), the records in the network's view.
    """
    models = len(next(iter(weights.values())))
    body = Network(net.layers[:-1], net.view)
    parts = []
    for chunk in inputs.split(_RECORDS_AT_ONCE):
        seen = body.forward(weights, chunk.clone())[0]
        parts.append(seen if body.layers else seen.expand(models, *seen.shape))
    return torch.cat(parts, dim=1).flatten(2).cpu().numpy()


@torch.no_grad()
def jacobian_norms(net: Network, weights: Weights, inputs: Tensor) -> NDArray[np.float64]:
    """Frobenius norm of ∂F(x)/∂x, the change of all probabilities with the record, (M, n).

    Source: Novak et al. 2018, section 3.1 ("Sensitivity and generalization in neural networks"). One backward pass
    for each class; that of class c starts from ∂p_c/∂z = p_c (e_c − p).

    Args:
        net: the network.
        weights: parameters of M models.
        inputs: (n, …), the records in the network's view.
    """
    models = len(next(iter(weights.values())))
    norms = []
    for chunk in inputs.split(_RECORDS_AT_ONCE):
        logits, saved = net.forward(weights, chunk.expand(models, *chunk.shape).contiguous())
        p = torch.softmax(logits, dim=2)
        total = torch.zeros(p.shape[:2], dtype=torch.float64, device=p.device)
        for index in range(p.shape[2]):
            slope = -p * p[..., index, None]
            slope[..., index] += p[..., index]
            total += input_deltas(net, weights, saved, slope).double().flatten(2).square().sum(dim=2)
        norms.append(total.sqrt())
    return torch.cat(norms, dim=1).cpu().numpy()
