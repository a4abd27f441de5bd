"""The page Explore opened by AppTest, and what is on it."""

import re
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
