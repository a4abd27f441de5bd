"""Seconds from the command to a page that answers: ``python -m tests.benchmarks.startup [--json]``.

The installed command with an empty cache, best of five, after one start that fills the system's file cache: until
the server says that it is healthy, and until it has sent the page itself.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.browser.served import left_after, served

REPEATS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    as_json = parser.parse_args().json
    started()
    healthy, page = zip(*(started() for _ in range(REPEATS)), strict=True)
    figures = {"healthy": round(min(healthy), 3), "page sent": round(min(page), 3), "page sent, worst": max(page)}
    if as_json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value:6.2f} s" for name, value in figures.items()))


def started() -> tuple[float, float]:
    """Seconds from the command to a healthy server and to its page."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with served(Path(folder) / "cache", Path(folder) / "log.txt") as server:
            healthy = time.perf_counter() - start
            with urllib.request.urlopen(server.address, timeout=20) as answer:  # noqa: S310
                answer.read()
            page = time.perf_counter() - start
            left_after(server, signal.SIGTERM)
    return healthy, page


if __name__ == "__main__":
    main()
