"""Pages opened by AppTest, Explore above all, and what is on them."""

import re
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from cache.store import Store
from dashboard.state.view import View, point
from engine.assessment.values import Assessment

APP = Path(__file__).parent / "explore_alone.py"


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    return app.run()


def shown(app: AppTest) -> str:
    """All texts of the page; what only keeps a line from breaking is left out."""
    assert not app.exception
    texts = " ".join(
        str(getattr(element, "body", None) or getattr(element.proto, "body", ""))
        for kind in ("html", "markdown", "warning", "error")
        for element in app.get(kind)
    )
    return re.sub(r'<span class="pd-whole">(.*?)</span>', r"\1", texts)


def put(store: Store, view: View, found: Assessment, *, waves: int | None = None) -> None:
    store.put_assessment(point(view).with_waves(waves or view.waves), found)


def asked(app: AppTest) -> dict[str, str]:
    """The URL's query."""
    return {name: text if isinstance(text, str) else text[-1] for name, text in dict(app.query_params).items()}


def opened_sweep() -> AppTest:
    """The page Sweep."""
    return AppTest.from_function(_sweep, default_timeout=20).run()


def _sweep() -> None:
    from dashboard.pages import sweep

    sweep.page()


def texts(app: AppTest) -> str:
    """All texts of a page as they are read, with what is told in passing; without Markdown's escapes."""
    assert not app.exception
    found = [
        str(getattr(element, "body", None) or getattr(element.proto, "body", ""))
        for kind in ("html", "markdown", "caption", "warning", "error", "info")
        for element in app.get(kind)
    ]
    return " ".join([*found, *(bar.proto.text for bar in app.get("progress"))]).replace("\\", "")


def until_text(app: AppTest, text: str) -> None:
    deadline = time.monotonic() + 120
    while text not in texts(app):
        assert time.monotonic() < deadline, texts(app)
        time.sleep(0.2)
        app.run()
