"""How far a job is: frozen values for a page that polls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["queued", "elsewhere", "training", "assessing", "done", "failed", "cancelled", "refused"]


@dataclass(frozen=True, kw_only=True)
class TracePoint:
    """The models of a wave after an epoch, means over the models; all values in [0, 1]."""

    epoch: int
    train_accuracy: float
    test_accuracy: float
    loss_auc: float


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the measurement of a point is.

    Attributes:
        state: "queued" until a worker takes up the wave in work; "elsewhere" while another program on the same cache
            has it to train.
        wave: the wave in work, from 1.
        waves: waves asked for.
        epoch: epochs done of the wave in work.
        epochs: epochs of a wave.
        waves_assessed: the assessment of this many waves can be read from the store.
        trace: the wave in work, after those of its epochs that the engine reports.
        message: one sentence on what happened: why a job failed, was refused or stopped, or what it goes on after.
        ahead: trainings that workers take up before the wave in work, while it is queued.
        teachers: epochs done of the teachers of the wave in work, which train first where its models learn soft
            labels; none of the other numbers is about them.
        everywhere: whether a job failed for a reason that other settings would fail for, too.
    """

    state: State
    wave: int
    waves: int
    epoch: int
    epochs: int
    waves_assessed: int
    trace: tuple[TracePoint, ...] = ()
    message: str = ""
    ahead: int = 0
    teachers: int = 0
    everywhere: bool = False

    @property
    def active(self) -> bool:
        """Whether something is still to come."""
        return self.state in {"queued", "elsewhere", "training", "assessing"}

    @property
    def train_accuracy(self) -> float | None:
        """On members, after the latest epoch; None before the first."""
        return self.trace[-1].train_accuracy if self.trace else None

    @property
    def test_accuracy(self) -> float | None:
        """On contested non-members, after the latest epoch; None before the first."""
        return self.trace[-1].test_accuracy if self.trace else None

    @property
    def loss_auc(self) -> float | None:
        """AUC of the loss threshold after the latest epoch; None before the first."""
        return self.trace[-1].loss_auc if self.trace else None
