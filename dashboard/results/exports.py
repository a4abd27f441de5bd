"""Tables as files that do no harm where they are opened, and names for files."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

_LONGEST = 60  # letters of a name: every file system takes that many, whatever they are encoded in
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d*\.?\d+(e[+-]?\d+)?( %)?(?: \([-+\d., %–]+(?:to [-+\d., %–]+)?\))?", flags=re.ASCII)


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe goes before one that begins like it.

    Numbers, with their intervals, keep their signs.
    """
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) and not _NUMBER.fullmatch(text) else text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180) whose texts are harmless in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([plain_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def table_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A table of a page as CSV: its columns, then its rows, in UTF-8 with the mark that spreadsheets look for."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []
    return csv_lines(lines).encode("utf-8-sig")


def file_name(title: str, ending: str = "") -> str:
    """A name for a file from any title: its letters and digits, joined by hyphens, and the ending.

    Letters of all alphabets stay; what could mean something to a file system or a shell, or turn the direction of
    reading, does not.
    """
    words = "".join(letter if letter.isalnum() else " " for letter in unicodedata.normalize("NFKC", title)).split()
    return f"{'-'.join(words).lower()[:_LONGEST].rstrip('-') or 'table'}{ending}"
