"""A training by epoch: the figure, what it says, its table, and what a browser needs to walk through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cache.progress import TracePoint
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.words import short

HEIGHT = 240
_LOOKS = (
    ("train accuracy", "train_accuracy", "@soft", "dot"),
    ("test accuracy", "test_accuracy", "@member", "solid"),
    ("loss attack AUC", "loss_auc", "@outsider", "dash"),
)


def figure(trace: Sequence[TracePoint], epochs: int, *, kept: Sequence[int] = (), **look: Any) -> Figure:
    """Accuracies and the AUC of the loss threshold by epoch, on one scale; a dotted line at each epoch kept."""
    at = [point.epoch for point in trace]
    line = {"color": "@ghost", "width": 1, "dash": "dot"}
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": at,
                "y": [getattr(point, field) for point in trace],
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {"size": 4},
                "hovertemplate": f"{name} %{{y:.3f}}, epoch %{{x}}<extra></extra>",
            }
            for name, field, colour, dash in _LOOKS
        ],
        "layout": layout(
            **{
                "height": HEIGHT,
                "dragmode": False,
                "xaxis": axis("Epoch", range=[0, epochs + 0.5], tickvals=list(kept))
                if kept
                else axis("", range=[0, epochs]),
                "yaxis": axis("", range=[0, 1.02], tickformat=".1f", nticks=4),
                "shapes": [
                    {"type": "line", "x0": one, "x1": one, "yref": "paper", "y0": 0, "y1": 1, "line": line}
                    for one in kept
                ],
            }
            | look
        ),
    }


def finding(trace: Sequence[TracePoint], models: int) -> str:
    """How the training went, in two sentences."""
    last, best = trace[-1], max(trace, key=lambda point: point.test_accuracy)
    return (
        f"After the last epoch the first {models} models reach a train accuracy of {last.train_accuracy:.1%} and a "
        f"test accuracy of {last.test_accuracy:.1%}, and the loss threshold an AUC of {short(last.loss_auc)}. Test "
        f"accuracy was highest after epoch {best.epoch}, {best.test_accuracy:.1%}, with an AUC of "
        f"{short(best.loss_auc)}. Means over models, without intervals."
    )


def rows(trace: Sequence[TracePoint]) -> list[dict[str, str]]:
    """The numbers of every epoch."""
    return [
        {
            "Epoch": str(point.epoch),
            "Train accuracy": f"{point.train_accuracy:.1%}",
            "Test accuracy": f"{point.test_accuracy:.1%}",
            "AUC of the loss threshold": short(point.loss_auc),
        }
        for point in trace
    ]


def for_browser(trace: Sequence[TracePoint], kept: Sequence[int], chosen: int) -> dict[str, Any]:
    """The numbers of every epoch by column, the epochs whose weights were kept, and the one that is published."""
    return {
        "epoch": [point.epoch for point in trace],
        "train": [round(point.train_accuracy, 4) for point in trace],
        "test": [round(point.test_accuracy, 4) for point in trace],
        "auc": [round(point.loss_auc, 4) for point in trace],
        "kept": list(kept),
        "chosen": chosen,
    }
