"""Ready-made comparisons: questions that people ask, each as the settings that answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from dashboard.state.families import token_of
from dashboard.state.view import View
from engine.architectures import Lstm, Mlp, why_not
from engine.matching import match_both
from engine.populations.catalogue import POPULATIONS

_MATCHED = 64  # choices of records whose networks are remembered: they are matched by trying sizes


@dataclass(frozen=True, kw_only=True)
class ReadyMade:
    """A comparison that somebody prepared.

    Attributes:
        name: in keys.
        title: the question in a few words.
        about: what is compared and what is the same, one sentence.
        matched: whether the sentence has the numbers of parameters of two families.
        pins: the settings, the one compared with first; none where these records do not allow it.
    """

    name: str
    title: str
    about: str
    matched: bool = False
    pins: tuple[View, ...]


def ready_made(view: View) -> tuple[ReadyMade, ...]:
    """The comparisons on the records of a view, with as many models."""
    plain = replace(View(), population=view.population, contested=view.contested, models=view.models)
    return (
        _recurrent(plain),
        ReadyMade(
            name="smoothing",
            title="Label smoothing: off or on",
            about="The same network with softened labels (.3): more accurate at times, and easier to attack?",
            pins=(plain, plain.turned("label_smoothing", "0.3")),
        ),
        ReadyMade(
            name="decay-dp",
            title="Weight decay against DP",
            about="A strong weight decay (10) has no proof; DP noise of multiplier σ 1 has one. Which costs less?",
            pins=(plain.turned("regularization", "10"), plain.turned("dp", "1")),
        ),
    )


@lru_cache(maxsize=_MATCHED)
def _recurrent(plain: View) -> ReadyMade:
    """An LSTM beside the perceptron of the width whose number of parameters comes nearest to it."""
    info = POPULATIONS[plain.population]
    name, title = "recurrent", "Recurrent against feed-forward"
    refused = why_not(Lstm(), info)
    if refused is not None:
        return ReadyMade(name=name, title=title, about=f"Not on these records: {refused}.", pins=())
    found = match_both(Lstm(), Mlp(), info)
    feed_forward, recurrent = (plain.turned("architecture", token_of(of)) for of in (found.second, found.first))
    return ReadyMade(
        name=name,
        title=title,
        about=(
            f"An LSTM that reads the record step by step and a network with one hidden layer, matched by their "
            f"number of parameters: {found.first_parameters:,} and {found.second_parameters:,}."
        ),
        matched=True,
        pins=(feed_forward, recurrent),
    )
