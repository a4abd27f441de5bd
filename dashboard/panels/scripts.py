"""Scripts of components as files of the dashboard's own, which browsers keep.

Streamlit sends a component's script with every message to it. What is registered here sends two lines instead, which
import the script from an address that changes with its content.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = "/assets/scripts"

_HERE = Path(__file__).parent
_served: dict[str, str] = {}


def script(name: str, *parts: str) -> str:
    """The lines that import a script; its default export becomes the component's.

    Args:
        name: the beginning of its file's name.
        parts: what the script is made of: files of this folder by their names, or the text itself.
    """
    content = "\n".join(
        (_HERE / part).read_text(encoding="utf-8") if part.endswith(".js") and "\n" not in part else part
        for part in parts
    )
    file = f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.js"
    _served[file] = content
    # Streamlit imports this from a blob, where no relative address and no static import leads to the server; a text
    # without a line break it would take for the path of a file.
    return f"const script = await import(`${{location.origin}}{FOLDER}/{file}`);\nexport default script.default;"


def served(file: str) -> str | None:
    """The script in a file, None where there is none of that name."""
    return _served.get(file)
