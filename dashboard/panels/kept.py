"""What browsers keep beside scripts: the style sheet of all pages, and data of components that rarely change.

Streamlit sends styles and data again with every visit. What stands here goes out as its address, which changes with
its content, so that a visitor who comes again has it already. These files stand behind the entrance like everything
else, and nothing belongs in them that one visitor may see and another may not.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

FOLDER = "/assets/kept"
MOST = 64  # contents of components that are held at once; a page that opens hands in its own again

_DASHBOARD = Path(__file__).parents[1]
_KINDS = {".css": "text/css", ".json": "application/json"}

_SHEETS = (
    _DASHBOARD / "app.css",
    *(sheet for folder in ("controls", "panels") for sheet in sorted((_DASHBOARD / folder).glob("*.css"))),
)
_STYLE = "\n".join(sheet.read_text(encoding="utf-8") for sheet in _SHEETS)


def _address(name: str, content: str, ending: str) -> str:
    return f"{FOLDER}/{name}-{hashlib.sha256(content.encode()).hexdigest()[:32]}{ending}"


STYLE = _address("look", _STYLE, ".css")
"""The address of the style sheet."""

_data: OrderedDict[str, str] = OrderedDict()
_lock = Lock()


def kept(name: str, data: Mapping[str, object]) -> dict[str, object]:
    """What a component is told in place of its data: where they are; ``kept.js`` fetches them.

    Args:
        name: the beginning of the file's name, small letters.
        data: what JSON can say, the same for all visitors.
    """
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    address = _address(name, content, ".json")
    with _lock:
        _data[address] = content
        _data.move_to_end(address)
        while len(_data) > MOST:
            _data.popitem(last=False)
    return {"kept": address}


def served(file: str) -> tuple[str, str] | None:
    """The content of a file and its media type, None where there is none of that name."""
    address = f"{FOLDER}/{file}"
    content = _STYLE if address == STYLE else _data.get(address)
    return None if content is None else (content, _KINDS[Path(file).suffix])
