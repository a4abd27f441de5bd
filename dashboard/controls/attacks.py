"""The choice of the attack: a list grouped by what the attacker must know, and whether he adapts to the defence."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

from dashboard.results.words import attack_title, refused
from dashboard.state.landscape import Landscape
from dashboard.state.view import View, attack_refusal
from dashboard.state.visit import turn
from engine.attacks.catalogue import CATALOGUE, AttackInfo, Knowledge

Group = Literal["labels", "outputs", "shadows", "public", "copies", "weights"]

GROUPS: Mapping[Group, tuple[str, str]] = {
    "labels": ("Labels only", "It is enough to see which class the model predicts."),
    "outputs": ("Answers", "The attacker reads the probabilities that the model answers with, and nothing else."),
    "shadows": ("Answers and shadow models", "The attacker also trains models of his own, to see how they differ."),
    "public": ("Answers and public records", "The attacker also has records that no model was trained on."),
    "copies": ("Answers on changed copies", "The attacker also asks about altered versions of a record."),
    "weights": ("The model itself", "The attacker holds the weights and can compute whatever he likes."),
}
"""What an attacker must know, from least to most: title and sentence of each group."""

_BY_PART: Mapping[Knowledge, Group] = {
    "weights": "weights",
    "augmented": "copies",
    "noisy": "copies",
    "public": "public",
    "shadows": "shadows",
    "outputs": "outputs",
}
"""The group of an attack is that of the first of these that it needs."""

_NOT_OFFERED = "it has not been measured on this setting"
_OPEN = "attacks-open"
_COLUMNS = 2


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One attack in the list.

    Attributes:
        info: the attack.
        refusal: why it cannot be made on the setting, None where it can.
        current: whether it is the one that is chosen.
    """

    info: AttackInfo
    refusal: str | None
    current: bool

    @property
    def words(self) -> str:
        """What stands under its name."""
        return self.info.about if self.refusal is None else refused(self.refusal)


def group_of(info: AttackInfo) -> Group:
    """What an attacker must know for it at most; shadow models of labels-only attacks are asked for labels, too."""
    if "outputs" not in info.knows and "weights" not in info.knows:
        return "labels"
    return next(group for part, group in _BY_PART.items() if part in info.knows)


def choices(view: View, offered: Collection[str | int] = tuple(CATALOGUE)) -> dict[Group, list[Choice]]:
    """All attacks by group, those that are not offered refused; groups without one are left out."""
    listed: dict[Group, list[Choice]] = {group: [] for group in GROUPS}
    for name, info in CATALOGUE.items():
        refusal = attack_refusal(view, name) or (None if name in offered else _NOT_OFFERED)
        one = Choice(info=info, refusal=refusal, current=name == view.attack)
        listed[group_of(info)].append(one)
    return {group: found for group, found in listed.items() if found}


def attack_control(found: Landscape) -> None:
    """The button in the rail that opens the list."""
    st.button(
        f"Attack: {attack_title(found.view.attack)}",
        key="control-attack",
        icon=":material/expand_content:",
        width="stretch",
        on_click=_open,
    )


def attack_list(found: Landscape) -> None:
    """The list over the page, as long as it is open; runs of the page in between do not close it."""
    if st.session_state.get(_OPEN):
        st.dialog("Which attack?", width="large", on_dismiss=_close)(_draw)(found)


def _draw(found: Landscape) -> None:
    st.html('<p class="pd-finding">From the attacker who knows least to the one who knows most.</p>')
    for group, listed in choices(found.view, found.offered("attack")).items():
        title, about = GROUPS[group]
        st.html(f'<h3 class="pd-title">{escape(title)}</h3><p class="pd-finding">{escape(about)}</p>')
        for at in range(0, len(listed), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), listed[at : at + _COLUMNS], strict=False):
                # The key of the one that is chosen gives it its look.
                with column, st.container(key="attack-chosen" if one.current else None, gap="small"):
                    _card(one)


def _card(one: Choice) -> None:
    chosen = st.button(
        one.info.title,
        key=f"attack-{one.info.name}",
        icon=":material/check:" if one.current else None,
        disabled=one.refusal is not None,
        width="stretch",
        on_click=_choose,
        args=(one.info.name,),
    )
    st.html(f'<p class="pd-caption">{escape(one.words)}</p>')
    if chosen:
        st.rerun()  # the whole page, without the list


def _open() -> None:
    st.session_state[_OPEN] = True


def _close() -> None:
    st.session_state[_OPEN] = False


def _choose(name: str) -> None:
    _close()
    turn("attack", name)


def needs_shadows(view: View) -> bool:
    """Whether the attack of the view reads shadow models, so that it matters what they are."""
    return "shadows" in CATALOGUE[view.attack].knows


def ways_out(view: View) -> str:
    """What a visitor can do about a combination that the engine refuses, one sentence."""
    ways = ["turn a dial"]
    if attack_refusal(view, view.attack) is not None:
        ways.append("choose another attack")
    if view.in_use:
        ways.append("remove a chip")
    *first, last = ways
    listed = f"{', '.join(first)}, or {last}" if first else last
    return f"Nothing is trained for this combination: {listed}."
