"""Under what the two architectures are compared: no defence, and three sweeps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.mechanisms import DecoupledWeightDecay, Mechanism
from engine.recipe import DpSgd, Recipe, Sgd
from engine.release.values import Release, WeightNoise

WEIGHT_DECAYS = (0.3, 1.0, 3.0, 10.0)
NOISE_MULTIPLIERS = (0.0, 0.7, 1.0, 2.0)
WEIGHT_NOISES = (0.01, 0.03, 0.05, 0.1)
# Fixed by hand, the same for all populations, architectures and noise multipliers: not tuned.
DP_OPTIMIZER = Sgd(learning_rate=0.25, momentum=0.9)
DP_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Defence:
    """One row's protection, the same for both architectures.

    Attributes:
        title: in a table.
        mechanism: at work in training, or None.
        privacy: DP-SGD with ``DP_OPTIMIZER`` and batches of ``DP_BATCH``, or None.
        weight_noise: added to the released weights, or None.
    """

    title: str
    mechanism: Mechanism | None = None
    privacy: DpSgd | None = None
    weight_noise: WeightNoise | None = None

    def recipe(self, plain: Recipe) -> Recipe:
        """The recipe without defence, defended."""
        if self.privacy is not None:
            return replace(plain, privacy=self.privacy, optimizer=DP_OPTIMIZER, batch=DP_BATCH)
        return replace(plain, mechanisms=(self.mechanism,)) if self.mechanism else plain

    @property
    def release(self) -> Release:
        """What is published of the trained weights."""
        return Release(weight_noise=self.weight_noise)


DEFENCES: tuple[Defence, ...] = (
    Defence(title="no defence"),
    *(Defence(title=f"weight decay {s:g}", mechanism=DecoupledWeightDecay(strength=s)) for s in WEIGHT_DECAYS),
    *(
        Defence(title=f"DP-SGD, σ {s:g}" if s else "DP-SGD, clip only", privacy=DpSgd(noise_multiplier=s))
        for s in NOISE_MULTIPLIERS
    ),
    *(Defence(title=f"weight noise {s:g}", weight_noise=WeightNoise(sigma=s)) for s in WEIGHT_NOISES),
)
