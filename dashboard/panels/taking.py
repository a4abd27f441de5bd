"""Take it with you: settings as files and commands, and what was measured of every record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape

import streamlit as st

from cache.keys import Point
from cache.records import records_npz, records_parquet
from cache.sweeps.writing import point_to_toml
from engine.assessment.values import Assessment


def take(point: Point, assessment: Assessment | None) -> None:
    """Draw the popover.

    Args:
        point: the setting, with as many waves as are shown.
        assessment: what was measured of it, None before anything was.
    """

    def draw() -> None:
        _setting("The setting", point, recipe_name(point), key="take")
        _records(point, assessment)

    _offer(draw)


def take_settings(settings: Mapping[str, Point]) -> None:
    """Draw the popover for several settings.

    Args:
        settings: by their letters.
    """

    def draw() -> None:
        for letter, point in settings.items():
            # Settings that differ in what is released only have one recipe, and files need two names.
            _setting(f"Setting {letter}", point, f"{letter}-{recipe_name(point)}", key=f"take-{letter}")

    _offer(draw)


def _offer(draw: Callable[[], None]) -> None:
    """A button over what can be taken, which is drawn when somebody opens it."""
    box = st.popover("Take it with you", icon=":material/download:", key="take", on_change="rerun")
    if box.open:
        with box:
            draw()


def recipe_name(point: Point) -> str:
    """A name for the files of a setting: its population, its attack and the beginning of its recipe's hash."""
    return f"{point.recipe.population.name}-{point.attack}-{point.recipe.hash[:8]}"


def _setting(title: str, point: Point, name: str, *, key: str) -> None:
    st.html(
        f'<h2 class="pd-title">{escape(title)}</h2><p class="pd-finding">Every dial, in a file that you can edit.</p>'
    )
    _download("Recipe file", partial(point_to_toml, point), f"{name}.toml", "application/toml", key)
    st.html('<p class="pd-finding">This command measures it again, or prints what is stored:</p>')
    st.code(f"privacydial sweep {name}.toml", language=None)


def _records(point: Point, assessment: Assessment | None) -> None:
    st.html('<h2 class="pd-title">Every record</h2>')
    if assessment is None:
        st.html('<p class="pd-finding">Nothing has been measured here yet.</p>')
        return
    if assessment.answers is None:
        st.html('<p class="pd-finding">With this attacker, scores are not kept record by record.</p>')
        return
    st.html(
        '<p class="pd-finding">Labels, who was a member of which model, attack scores and confidences φ, with the '
        f"recipe{_versions_words(assessment)}.</p>"
    )
    with st.container(horizontal=True, gap="small"):
        for label, made, ending in (("NumPy", records_npz, "npz"), ("Parquet", records_parquet, "parquet")):
            _download(label, partial(made, point, assessment), f"{recipe_name(point)}.{ending}", _BINARY, "take")
    st.html('<p class="pd-finding">With the logits of all classes, by the recipe file:</p>')
    st.code(f"privacydial records {recipe_name(point)}.toml {recipe_name(point)}.npz", language=None)


def _versions_words(assessment: Assessment) -> str:
    """What the files say of versions, which results do not name that were stored before they were recorded."""
    if not assessment.assessed_with:
        return "; the versions of what measured it were not recorded"
    return " and the versions of what trained and attacked the models"


_BINARY = "application/octet-stream"


def _download(label: str, made: partial[str] | partial[bytes], name: str, mime: str, key: str) -> None:
    """A button whose file is made when it is pressed."""
    st.download_button(label, made, file_name=name, mime=mime, on_click="ignore", key=f"{key}-{label}")
