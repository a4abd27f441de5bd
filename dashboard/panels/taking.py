"""Take it with you: settings and sweeps as files and commands, and what was measured of every record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape

import streamlit as st

from cache.keys import Point
from cache.records import records_npz, records_parquet
from cache.sweeps.values import Plan
from cache.sweeps.writing import plan_to_toml, point_to_toml, recipe_file, recipe_name, recipes_zip
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


def take_sweep(plan: Plan, *, key: str) -> None:
    """Draw the popover for a sweep.

    Args:
        plan: its settings.
        key: another one for each place of a page.
    """

    def draw() -> None:
        made = partial(plan_to_toml, plan)
        _file("The sweep", "All its settings, in a file that you can edit.", "Sweep file", made, "sweep", key)
        first = recipe_file(plan, 0)
        st.html(
            '<h2 class="pd-title">Every setting</h2><p class="pd-finding">A recipe file for each, numbered in the '
            "order of the sweep.</p>"
        )
        _download("Recipe files", partial(recipes_zip, plan), "sweep-recipes.zip", "application/zip", key)
        st.html('<p class="pd-finding">The command for the first of them:</p>')
        st.code(f"privacydial sweep {first}", language=None)

    _offer(draw, key=key)


def _offer(draw: Callable[[], None], *, key: str = "take") -> None:
    """A button over what can be taken, which is drawn when somebody opens it."""
    box = st.popover("Take it with you", icon=":material/download:", key=key, on_change="rerun")
    if box.open:
        with box:
            draw()


def _setting(title: str, point: Point, name: str, *, key: str) -> None:
    _file(title, "Every dial, in a file that you can edit.", "Recipe file", partial(point_to_toml, point), name, key)


def _file(title: str, words: str, label: str, made: partial[str], name: str, key: str) -> None:
    """A TOML file under a title, and the command that reads it."""
    st.html(f'<h2 class="pd-title">{escape(title)}</h2><p class="pd-finding">{escape(words)}</p>')
    _download(label, made, f"{name}.toml", "application/toml", key)
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
    if not (assessment.trained_with and all(assessment.trained_with)):
        return " and the versions of what attacked the models; not all of those that trained them were recorded"
    return " and the versions of what trained and attacked the models"


_BINARY = "application/octet-stream"


def _download(label: str, made: partial[str] | partial[bytes], name: str, mime: str, key: str) -> None:
    """A button whose file is made when it is pressed."""
    st.download_button(label, made, file_name=name, mime=mime, on_click="ignore", key=f"{key}-{label}")
