"""Every page on the results that ship; ``.ci/run --full`` goes through all themes and sizes."""

import os
from itertools import product

import pytest

from tests.browser.test_looks import WIDTHS, violations
from tests.browser.tour import SIZES, THEMES, TOUR, arrive

FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"
LOOKS = tuple(product(THEMES, SIZES)) if FULL else (("dark", "narrow"),)


@pytest.mark.parametrize(("theme", "size"), LOOKS)
@pytest.mark.parametrize("name", TOUR)
def test_a_page_is_complete_accessible_and_only_scrolls_down(visitor, server, name, theme, size):
    page = visitor(color_scheme=theme, viewport=SIZES[size])
    arrive(page, server.address, name)
    assert max(page.evaluate(WIDTHS)) <= 0
    assert violations(page) == ""
