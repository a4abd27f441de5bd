"""A figure with its title, its finding in words, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import streamlit as st

from dashboard.panels.plot import epochs_plot, plot, threshold_plot
from dashboard.results import details, findings, tables
from dashboard.results.figures import Figure
from dashboard.results.previews import Previews
from dashboard.results.thresholds import cuts
from engine.assessment.values import Assessment

Row = Mapping[str, str]


def panel(
    name: str,
    title: str,
    figure: Figure,
    *,
    finding: str,
    rows: Callable[[], Sequence[Row]],
    on_pick: Callable[[str], None] | None = None,
    dials: Previews | None = None,
) -> None:
    """Draw a figure; its table is made when somebody opens it.

    Args:
        name: the figure's name in keys.
        title: its heading.
        figure: the figure.
        finding: what it shows, in words; also read out in place of the picture.
        rows: makes the numbers behind it, one mapping from column to text for each row.
        on_pick: called with the ``customdata`` of a chosen point.
        dials: what the page shows while one of these dials is dragged.
    """
    with _panel(name, title, finding, rows):
        plot(figure, key=f"figure-{name}", alt=finding, on_pick=on_pick, dials=dials)


def epochs_panel(
    name: str,
    title: str,
    figure: Figure,
    *,
    traced: Mapping[str, Any],
    finding: str,
    rows: Callable[[], Sequence[Row]],
    on_pick: Callable[[str], None],
) -> None:
    """Draw a training by epoch with what walks through it; ``on_pick`` is called with an epoch as text."""
    with _panel(name, title, finding, rows):
        epochs_plot(figure, traced, key=f"figure-{name}", alt=finding, on_pick=on_pick)


def threshold_panel(name: str, title: str, found: Assessment) -> None:
    """Draw the histogram of scores with its movable threshold."""
    finding = findings.scores(found)
    with _panel(name, title, finding, lambda: tables.scores(found)):
        threshold_plot(details.scores(found), cuts(found), key=f"figure-{name}", alt=finding)


@contextmanager
def _panel(name: str, title: str, finding: str, rows: Callable[[], Sequence[Row]]) -> Iterator[None]:
    """What stands around a figure: heading, finding, table."""
    with st.container(key=f"panel-{name}", gap="small"):
        if title:
            st.html(f'<h2 class="pd-title">{escape(title)}</h2>')
        yield
        st.html(f'<p class="pd-finding">{escape(finding)}</p>')
        table = st.expander("Show the numbers as a table", key=f"table-{name}", on_change="rerun")
        if table.open:
            table.html(table_html(rows()))


def table_html(rows: Sequence[Row]) -> str:
    """Rows as a table; every text is escaped."""
    if not rows:
        return '<p class="pd-finding">Nothing has been measured here yet.</p>'
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row.values()) + "</tr>" for row in rows)
    return (
        f'<div class="pd-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
