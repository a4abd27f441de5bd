"""The page Methods as chapters of entries, found by their words, and as escaped HTML with anchors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from engine.references import REFERENCES


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One definition.

    Attributes:
        anchor: its name in links.
        title: its heading.
        paragraphs: texts; one with several lines is a formula or a list and keeps them.
        facts: terms with their meanings; a term may be empty.
    """

    anchor: str
    title: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """All of its words."""
        return " ".join((self.title, *self.paragraphs, *(part for fact in self.facts for part in fact)))


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Definitions that belong together."""

    title: str
    entries: tuple[Entry, ...]

    @property
    def anchor(self) -> str:
        """Its name in links."""
        return f"chapter-{re.sub(r'[^a-z0-9]+', '-', self.title.lower()).strip('-')}"


def anchor(kind: str, name: str) -> str:
    """The anchor of an entry of a catalogue: "mechanism-label-smoothing"."""
    spelled = unicodedata.normalize("NFKD", name.replace("ε", "epsilon").replace("δ", "delta").replace("σ", "sigma"))
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", "".join(c for c in spelled if not unicodedata.combining(c)))
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}"


def matching(chapters: Sequence[Chapter], wanted: str) -> tuple[Chapter, ...]:
    """The entries that hold every word of a search, in any order and case; chapters without any are left out."""
    words = wanted.casefold().split()
    kept = (
        replace(
            chapter,
            entries=tuple(
                entry
                for entry in chapter.entries
                if all(word in f"{chapter.title} {entry.text}".casefold() for word in words)
            ),
        )
        for chapter in chapters
    )
    return tuple(chapter for chapter in kept if chapter.entries)


@lru_cache(maxsize=64)
def chapter_html(chapter: Chapter) -> str:
    """A chapter under its heading; every text is escaped."""
    return (
        f'<section class="pd-chapter" aria-labelledby="{chapter.anchor}">'
        f'<h2 class="pd-title" id="{chapter.anchor}">{escape(chapter.title)}</h2>'
        f"{''.join(map(_entry_html, chapter.entries))}</section>"
    )


def contents_html(chapters: Sequence[Chapter]) -> str:
    """Links to the chapters, with the number of entries in each."""
    links = "".join(
        f'<li><a href="#{chapter.anchor}">{escape(chapter.title)}</a> <span>{len(chapter.entries)}</span></li>'
        for chapter in chapters
    )
    return f'<nav class="pd-contents" aria-label="Chapters"><ul>{links}</ul></nav>'


def _entry_html(entry: Entry) -> str:
    facts = "".join(
        f"<div><dt>{_term_html(term)}</dt><dd>{_marked(meaning)}</dd></div>" for term, meaning in entry.facts
    )
    listed = f'<dl class="pd-facts">{facts}</dl>' if facts else ""
    body = "".join(f"<p>{_marked(text).replace(chr(10), '<br>')}</p>" for text in entry.paragraphs)
    return (
        f'<article class="pd-entry" id="{entry.anchor}" tabindex="-1">'
        f'<h3><a href="#{entry.anchor}">{escape(entry.title)}</a></h3>{body}{listed}</article>'
    )


_ANCHORS: Mapping[str, str] = {
    escape(cite): anchor("reference", reference.cites[0]) for reference in REFERENCES for cite in reference.cites
}
_CITED = re.compile("|".join(map(re.escape, sorted(_ANCHORS, key=len, reverse=True))))


def _marked(text: str) -> str:
    """A docstring's text, escaped, with what is code in it as code, and papers linked to the references."""
    linked = _CITED.sub(lambda found: f'<a href="#{_ANCHORS[found[0]]}">{found[0]}</a>', escape(text))
    return re.sub(r"``(.+?)``", r"<code>\1</code>", linked)


def _term_html(term: str) -> str:
    """The name of a fact: a field's name as code."""
    return f"<code>{escape(term)}</code>" if re.fullmatch(r"[a-z_]+", term) else escape(term) or "Result"
