"""What mechanisms do to inputs: pure functions on records of shape (M, B, …), every view.

The random numbers are arguments, so that each function can be checked by hand.
"""

from __future__ import annotations

import torch
from torch import Tensor


def noisy(inputs: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """X + σ · noise, cut to [0, 1] (Bishop 2006, section 5.5.5; Kaya & Dumitras 2021).

    Args:
        inputs: (M, B, …), within [0, 1].
        noise: standard normal, of the same shape.
        sigma: the standard deviation σ.
    """
    return (inputs + sigma * noise).clamp(0.0, 1.0)


def cropped(inputs: Tensor, shifts: Tensor, picture: tuple[int, int]) -> Tensor:
    """Pictures read at (row + shift, column + shift), 0 outside: zero-padded by P and cropped back.

    Source: He et al. 2016, section 4.2.

    Args:
        inputs: (M, B, …), rows · columns numbers a record.
        shifts: (M, B, 2) int64 within [−P, P].
        picture: (rows, columns).
    """
    rows, columns = (
        torch.arange(size, device=inputs.device) + shift.flatten().unsqueeze(1)
        for size, shift in zip(picture, shifts.unbind(dim=-1), strict=True)
    )
    inside = _inside(rows, picture[0]).unsqueeze(2) & _inside(columns, picture[1]).unsqueeze(1)
    places = rows.unsqueeze(2) * picture[1] + columns.unsqueeze(1)
    pixels = inputs.reshape(len(places), -1).gather(1, (places * inside).flatten(1))
    return (pixels * inside.flatten(1)).view(inputs.shape)


def _inside(places: Tensor, size: int) -> Tensor:
    """Where 0 ≤ place < size."""
    return (places >= 0) & (places < size)


def cut_out(inputs: Tensor, centres: Tensor, size: int, picture: tuple[int, int]) -> Tensor:
    """Pictures with the pixels of a square set to 0; what lies outside is lost (DeVries & Taylor 2017, section 3).

    Args:
        inputs: (M, B, …), rows · columns numbers a record.
        centres: (M, B, 2) int64, row and column; the square begins ``size // 2`` before them.
        size: pixels along a side.
        picture: (rows, columns).
    """
    rows, columns = (
        _inside(torch.arange(length, device=inputs.device) - centre.unsqueeze(-1) + size // 2, size)
        for length, centre in zip(picture, centres.unbind(dim=-1), strict=True)
    )
    square = rows.unsqueeze(-1) & columns.unsqueeze(-2)
    return inputs.masked_fill(square.view(inputs.shape), 0.0)


def mixed(values: Tensor, partners: Tensor, weights: Tensor) -> Tensor:
    """λ vᵢ + (1 − λ) vⱼ along the records of each model (Zhang et al. 2018, section 2).

    Args:
        values: (M, B, …), inputs or targets.
        partners: (M, B) int64, the position j of each record's partner.
        weights: (M,) λ.
    """
    models = torch.arange(len(values), device=values.device).unsqueeze(1)
    share = weights.to(values).view(-1, *[1] * (values.dim() - 1))
    return share * values + (1 - share) * values[models, partners]
