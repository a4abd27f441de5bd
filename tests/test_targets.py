import pytest

from tests.benchmarks import landing, memory, sweep, training, visitors
from tests.benchmarks.targets import Target, lines, status
from tests.benchmarks.timing import Best

SPEED = Target(figure="share", limit=0.9, least=True)
SIZE = Target(figure="megabytes", limit=10)


@pytest.mark.parametrize(
    ("share", "megabytes", "expected"),
    [(0.9, 10, 0), (1.2, 0, 0), (0.89, 10, 1), (0.9, 10.1, 1), (float("nan"), 1, 1), (1, float("nan"), 1)],
)
def test_a_benchmark_ends_with_1_when_a_target_is_missed(share, megabytes, expected):
    assert status((SPEED, SIZE), {"share": share, "megabytes": megabytes}) == expected


def test_a_figure_with_a_target_has_its_verdict_in_its_line():
    figures = {"seconds": 2000.5, "share": 0.8, "megabytes": 3}
    assert lines((SPEED, SIZE), figures, width=10, digits=2) == [
        "seconds        2,000.50",
        "share              0.80  (target at least 0.9 MISSED)",
        "megabytes          3.00  (target at most 10 reached)",
    ]


def test_a_target_of_what_was_not_measured_is_no_verdict():
    with pytest.raises(KeyError):
        status((SPEED,), {"megabytes": 3})


GOOD = {
    "dashboard, largest deviation in per cent": 9.0,
    "scheduler, largest deviation in per cent": 9.0,
    "ms overhead a wave": 19.0,
    "share of the bare throughput": 0.91,
}


@pytest.mark.parametrize("worse", [None, *GOOD])
def test_the_benchmark_of_sweeps_judges_memory_overhead_and_throughput(monkeypatch, capsys, worse):
    figures = GOOD if worse is None else GOOD | {worse: 0.5 if "share" in worse else 21.0}
    monkeypatch.setattr("sys.argv", ["sweep"])
    monkeypatch.setattr(sweep, "memory", lambda _: figures)
    for part in ("overhead", "throughput"):
        monkeypatch.setattr(sweep, part, lambda _: {})
    assert sweep.main() == (worse is not None)
    told = capsys.readouterr().out
    assert (told.count("reached"), told.count("MISSED")) == ((4, 0) if worse is None else (3, 1))


@pytest.mark.parametrize("slow", [None, "Start", "new server, Start", "turn", "frame", "run"])
def test_the_benchmark_of_the_landing_page_judges_start_a_turn_the_slow_frames_and_a_run(monkeypatch, capsys, slow):
    figures = {landing.TURNED: 251 if slow == "turn" else 250, landing.RERUN: 61 if slow == "run" else 60}
    figures |= landing.framed([17] * 90 + [51 if slow == "frame" else 50] * 10)
    for name in ("Start", "new server, Start"):
        figures |= landing.medians(f"{name} complete", [(1.1 if name == slow else 0.9, 2.0, 3.0)])
    monkeypatch.setattr("sys.argv", ["landing"])
    monkeypatch.setattr(landing, "chromium", lambda: "chromium")
    monkeypatch.setattr(landing, "measured", lambda _: figures)
    assert landing.main() == (slow is not None)
    told = capsys.readouterr().out
    assert (told.count("reached"), told.count("MISSED")) == ((5, 0) if slow is None else (4, 1))


@pytest.mark.parametrize(("hooks", "missed"), [(16.0, 0), (14.0, 1)])
def test_the_benchmark_of_training_judges_every_ratio_that_has_a_target(monkeypatch, capsys, hooks, missed):
    def measured(row: training.Row) -> training.Result:
        ratios = {"torch.nn": 7.0, "Opacus hooks": hooks, "Opacus ghost": 11.0}
        theirs = {rival.name: Best(seconds=ratios[rival.name], threads=1) for rival in row.rivals}
        return training.Result(
            row=row, ours=Best(seconds=1.0, threads=1), theirs=theirs, achieved=1.0, peak=1.0, load=0.0
        )

    monkeypatch.setattr(training, "measured", measured)
    monkeypatch.setattr("sys.argv", ["training", "MLP"])
    assert training.main() == missed
    told = capsys.readouterr().out
    assert (told.count("reached"), told.count("MISSED")) == (3 - missed, missed)
    monkeypatch.setattr("sys.argv", ["training", "Logistic", "--json"])
    assert training.main() == 0
    monkeypatch.setattr("sys.argv", ["training", "Logistic"])
    assert training.main() == 0
    assert "target" not in capsys.readouterr().out


@pytest.mark.parametrize(("peak", "missed"), [(1.9, 0), (2.5, 1), (3.5, 2)])
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_benchmark_of_memory_judges_every_peak(monkeypatch, capsys, peak, missed, arguments):
    monkeypatch.setattr(memory, "measured", lambda _: (0.5, peak, 1000))
    monkeypatch.setattr("sys.argv", ["memory", *arguments])
    assert memory.main() == bool(missed)
    assert capsys.readouterr().out.count("MISSED") == (0 if arguments else missed)


def seen(count, **changed):
    """What so many visitors saw, each figure at its limit unless told otherwise."""
    least = {"turns": 9, "first": 0, "kilobytes": 0, "cpu": 0, "memory": 0, "training": 0}
    return visitors.Figures(visitors=count, **least | {"p50": 80, "p95": 300 if count == 30 else 1000} | changed)


@pytest.mark.parametrize(
    ("found", "session", "missed"),
    [
        ([seen(30), seen(60, p50=900)], 150, 0),
        ([seen(30, p50=81), seen(60)], 150, 1),
        ([seen(30, p95=301), seen(60)], 150, 1),
        ([seen(30), seen(60, p95=1001)], 150, 1),
        ([seen(30), seen(60)], 151, 1),
        ([seen(30, p95=301), seen(60), seen(30)], 150, 1),  # of several times the worst
        ([seen(3, p50=9000, p95=9000)], 150, 0),
    ],
)
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_the_benchmark_of_visitors_judges_the_waits_of_thirty_and_sixty_and_the_memory_of_one(
    monkeypatch, capsys, found, session, missed, option
):
    monkeypatch.setattr("sys.argv", ["visitors", *option])
    monkeypatch.setattr(visitors, "measurements", lambda _: found)
    monkeypatch.setattr(visitors, "session_memory", lambda _: session)
    assert visitors.main() == (missed > 0)
    told = capsys.readouterr().out
    waits = {30: 2, 60: 1, 3: 0}
    of = 1 + sum(waits[count] for count in {one.visitors for one in found})
    assert (told.count("reached"), told.count("MISSED")) == (of - missed, missed)
