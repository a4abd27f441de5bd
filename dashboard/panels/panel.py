"""A figure with its title, its finding in words, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from dashboard.panels.plot import epochs_plot, plot, threshold_plot
from dashboard.results import people, tables
from dashboard.results.exports import file_name, table_csv
from dashboard.results.figures import Figure
from dashboard.results.links import About, how_html
from dashboard.results.previews import Previews
from dashboard.results.thresholds import Cuts
from engine.assessment.values import GroupRisk

Row = Mapping[str, str]


def panel(
    name: str,
    title: str,
    figure: Figure,
    *,
    finding: str,
    rows: Callable[[], Sequence[Row]],
    about: About,
    called: str = "",
    on_pick: Callable[[str], None] | None = None,
    dials: Previews | None = None,
    lasting: bool = False,
) -> None:
    """Draw a figure; its table is made when somebody opens it.

    Args:
        name: the figure's name in keys.
        title: its heading.
        figure: the figure.
        finding: what it shows, in words; also read out in place of the picture.
        rows: makes the numbers behind it, one mapping from column to text for each row.
        about: the entries of the page Methods that say how it is measured.
        called: its name in files, where the heading stands elsewhere and ``title`` is empty.
        on_pick: called with the ``customdata`` of a chosen point.
        dials: what the page shows while one of these dials is dragged.
        lasting: as in ``plot``.
    """
    with _panel(name, title, finding, rows, about, called):
        plot(
            figure,
            key=f"figure-{name}",
            alt=finding,
            title=title or called,
            on_pick=on_pick,
            dials=dials,
            lasting=lasting,
        )


def epochs_panel(
    name: str,
    title: str,
    figure: Figure,
    *,
    traced: Mapping[str, Any],
    finding: str,
    rows: Callable[[], Sequence[Row]],
    about: About,
    on_pick: Callable[[str], None] | None,
) -> None:
    """Draw a training by epoch with what walks through it; ``on_pick`` is as in ``epochs_plot``."""
    with _panel(name, title, finding, rows, about):
        epochs_plot(figure, traced, key=f"figure-{name}", alt=finding, title=title, on_pick=on_pick)


def threshold_panel(
    name: str,
    title: str,
    figure: Figure,
    made: Cuts,
    *,
    finding: str,
    attack: str,
    at: tuple[float, float],
    on_move: Callable[[str, str], None],
) -> None:
    """Draw the histogram of scores with its movable threshold; all as in ``panel`` and in ``threshold_plot``."""
    with _panel(name, title, finding, lambda: tables.scores(made), "scores"):
        key = f"figure-{name}"
        threshold_plot(figure, made, at, key=key, alt=finding, title=title, attack=attack, on_move=on_move)


@contextmanager
def _panel(
    name: str, title: str, finding: str, rows: Callable[[], Sequence[Row]], about: About, called: str = ""
) -> Iterator[None]:
    """What stands around a figure: heading, finding, table."""
    with st.container(key=f"panel-{name}", gap="small"):
        if title:
            st.html(f'<h2 class="pd-title">{escape(title)}</h2>')
        yield
        st.html(f'<p class="pd-finding">{escape(finding)} {how_html(about, title or called)}</p>')
        table_behind(name, title or called, rows)


def table_behind(
    name: str, title: str, rows: Callable[[], Sequence[Row]], *, picture: Callable[[], bytes] | None = None
) -> None:
    """Draw the way to the numbers behind a figure, which are made when somebody opens it.

    Args:
        name: the figure's name in keys.
        title: what the files are called after.
        rows: makes the numbers, as in ``panel``.
        picture: makes the figure as an SVG file, where it is none of Plotly's, which save themselves.
    """
    table = st.expander("Show the numbers as a table", key=f"table-{name}", on_change="rerun")
    if table.open:
        with table:
            _downloadable(name, title, rows())
            if picture is not None:
                st.download_button(
                    "Download the picture as SVG",
                    picture,
                    file_name=file_name(title, ".svg"),
                    mime="image/svg+xml",
                    on_click="ignore",
                    key=f"svg-{name}",
                )


def _downloadable(name: str, title: str, rows: Sequence[Row]) -> None:
    """Draw a table, and a button that downloads it as CSV.

    Args:
        name: the table's name in keys.
        title: what the file is called after.
        rows: one mapping from column to text for each row.
    """
    st.html(table_html(rows))
    if rows:
        st.download_button(
            "Download as CSV",
            partial(table_csv, rows),
            file_name=file_name(title, ".csv"),
            mime="text/csv",
            on_click="ignore",
            key=f"csv-{name}",
        )


def table_html(rows: Sequence[Row]) -> str:
    """Rows as a table; every text is escaped."""
    if not rows:
        return '<p class="pd-finding">Nothing has been measured here yet.</p>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row.values()) + "</tr>" for row in rows)
    return (
        f'<div class="pd-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def facts_html(title: str, listed: Sequence[tuple[str, str]], *, about: About) -> str:
    """Terms and their sentences under a heading, and how they are measured; every text is escaped."""
    body = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in listed)
    return f'<h2 class="pd-title">{escape(title)}</h2><dl class="pd-facts">{body}</dl>{how_html(about, title)}'


def table_panel(name: str, title: str, listed: Sequence[Row], *, about: About, finding: str = "") -> None:
    """A table under a heading; nothing where there is nothing to say.

    Args:
        name: the table's name in keys.
        title: its heading.
        listed: its rows.
        about: the entries of the page Methods that say how it is measured.
        finding: what to know before reading it.
    """
    if listed:
        with st.container(key=f"list-{name}"):
            said = f'<p class="pd-finding">{escape(finding)}</p>' if finding else ""
            st.html(f'<h2 class="pd-title">{escape(title)}</h2>{said}{how_html(about, title)}')
            _downloadable(name, title, listed)


def group_panel(group: GroupRisk) -> None:
    """Draw the risk of groups of records."""
    panel(
        f"group-{group.by.replace(' ', '-')}",
        f"Risk by {group.by}",
        people.groups(group),
        finding=people.groups_words(group),
        rows=lambda: people.groups_rows(group),
        about="group-risk",
    )
