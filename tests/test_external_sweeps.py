"""Sweeps on clusters that somebody else runs: the real commands, with TLS, and through the loss of a scheduler."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cache.address import ADDRESS, Scheduler
from cache.external import External
from cache.failures import GONE, IDLE, LOST
from cache.jobs import Jobs
from cache.remote import versions
from cache.store import Store
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.commands.sweep import main
from tests.at_work import as_from_a_terminal, assert_verified, end, keep, quick, rows, until
from tests.certificates import tls_variables
from tests.dask_processes import (
    answers,
    dask_scheduler,
    dask_scheduler_at,
    dask_worker,
    free_port,
    starts,
    with_other_engine,
    with_other_package,
    without_ours,
)

PATIENCE = 600  # seconds, on a machine that is busy
README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "dashboard.launch"]
SWEEP = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = {epochs}
seed = [{seeds}]
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sweep.toml"


def swept(file, cache, *options, **variables):
    """The command, run to its end."""
    command = [*COMMAND, "sweep", str(file), f"--cache={cache}", *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)


def options_of_the_readme():
    """Those that README gives a worker; of its processes one, for the sake of the machine."""
    (line,) = re.findall(r"^dask worker tls://first:8786 (.*)$", README, flags=re.MULTILINE)
    options = shlex.split(line, comments=True)
    options[options.index("--nworkers") + 1] = "1"
    return options


def test_a_sweep_over_tls_measures_what_workers_of_its_own_measure_bit_for_bit(file, tmp_path, monkeypatch):
    file.write_text(SWEEP.format(epochs=20, seeds="1, 2"), encoding="utf-8")
    here, there = tmp_path / "here", tmp_path / "there"
    assert swept(file, here, "--workers=1").returncode == 0
    ours, strangers = tls_variables(tmp_path / "ours"), tls_variables(tmp_path / "strangers")
    scheduler = Scheduler(address=f"tls://127.0.0.1:{free_port()}")
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    with dask_scheduler_at(scheduler.address), dask_worker(scheduler, *options_of_the_readme()):
        with contextlib.closing(socket.socket()) as probe:
            until(lambda: probe.connect_ex(("127.0.0.1", int(scheduler.address.rsplit(":", 1)[1]))) == 0)
        done = swept(file, there, **{ADDRESS: scheduler.address})
        assert done.returncode == 0, done.stderr
        refused = [swept(file, tmp_path / "none", "--scheduler", scheduler.address, **strangers)]
    for name in ours:
        monkeypatch.delenv(name)
    refused.append(swept(file, tmp_path / "none", "--scheduler", scheduler.address))
    assert len(done.stdout.splitlines()) == 4
    assert_verified(there)
    assert len(rows(there, "blob", "assessment")) == 2
    for table in ("wave", "assessment"):
        assert rows(there, "blob", table) == rows(here, "blob", table)
    for one, sentence in zip(refused, ("does not answer", "cannot be used"), strict=True):
        assert (one.returncode, one.stdout) == (2, "")
        (line,) = one.stderr.splitlines()
        assert line.startswith(f"privacydial: the scheduler {scheduler.address} {sentence}")
    assert not rows(tmp_path / "none", "question", "wave")


def test_a_sweep_outlives_its_scheduler_and_trains_nothing_again_that_is_stored(file, tmp_path):
    file.write_text(SWEEP.format(epochs=300, seeds="1, 2, 3, 4, 5, 6, 7, 8"), encoding="utf-8")
    scheduler = Scheduler(address=f"tcp://127.0.0.1:{free_port()}")
    command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}"]
    command += ["--scheduler", scheduler.address, "--insecure-scheduler"]
    told, seen = tmp_path / "told", ""
    with contextlib.ExitStack() as processes:
        first = processes.enter_context(dask_scheduler_at(scheduler.address))
        until(lambda: answers(scheduler))
        processes.enter_context(dask_worker(scheduler))
        stream = processes.enter_context(told.open("w"))
        sweep = processes.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream))
        processes.callback(sweep.kill)
        until(lambda: len(rows(tmp_path, "question", "assessment")) >= 2 or sweep.poll() is not None, PATIENCE)
        first.kill()
        first.wait()
        until(lambda: LOST in told.read_text() or sweep.poll() is not None)
        kept = rows(tmp_path, "question", "wave").keys()
        assert_verified(tmp_path)
        processes.enter_context(dask_scheduler_at(scheduler.address))
        processes.enter_context(dask_worker(scheduler))
        status = sweep.wait(timeout=PATIENCE)
        seen = told.read_text()
        again = starts(scheduler)
    assert status == 0, seen
    assert seen.splitlines().count(LOST) == 1
    assert "Traceback" not in seen
    assert seen.splitlines()[-1].endswith("8 of 8 points · 8 of 8 waves")
    assert 2 <= len(kept) < 8
    assert not kept & again.keys(), "a stored wave was trained again"
    assert again.total() == 8 - len(kept)
    assert_verified(tmp_path)


def test_a_scheduler_that_stays_away_ends_the_sweep_with_a_sentence_and_the_same_command_goes_on(file, tmp_path):
    file.write_text(SWEEP.format(epochs=300, seeds="1, 2, 3, 4, 5, 6"), encoding="utf-8")
    scheduler = Scheduler(address=f"tcp://127.0.0.1:{free_port()}")
    options = ("--scheduler", scheduler.address, "--insecure-scheduler", "--patience", "0.5")
    command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}", *options]
    with dask_scheduler_at(scheduler.address) as first, dask_worker(scheduler):
        until(lambda: answers(scheduler))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as sweep:
            until(lambda: rows(tmp_path, "question", "assessment") or sweep.poll() is not None, PATIENCE)
            first.kill()
            _, seen = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 2, seen
    kept, assessed = rows(tmp_path, "question", "wave").keys(), len(rows(tmp_path, "question", "assessment"))
    assert 1 <= assessed < 6
    assert seen.splitlines()[-1] == (
        f"{GONE} {assessed} of 6 waves are kept; to go on, run: privacydial sweep {file}"
    )
    assert "Traceback" not in seen
    assert_verified(tmp_path)
    with dask_scheduler_at(scheduler.address), dask_worker(scheduler):
        until(lambda: answers(scheduler))
        done = swept(file, tmp_path, *options)
        again = starts(scheduler)
    assert done.returncode == 0, done.stderr
    assert not kept & again.keys(), "a stored wave was trained again"
    assert again.total() == 6 - len(kept)
    assert_verified(tmp_path)


def test_a_sweep_that_is_interrupted_costs_each_worker_at_most_the_wave_that_it_has_in_work(file, tmp_path):
    file.write_text(SWEEP.format(epochs=300, seeds="1, 2, 3, 4, 5, 6, 7, 8, 9, 10"), encoding="utf-8")
    with dask_scheduler() as scheduler, dask_worker(scheduler), dask_worker(scheduler):
        until(lambda: answers(scheduler))
        with External(scheduler) as cluster:
            cluster.client.wait_for_workers(2, timeout=PATIENCE)
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}", *options]
        with (
            as_from_a_terminal(),
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as sweep,
        ):
            until(lambda: len(rows(tmp_path, "question", "assessment")) >= 2 or sweep.poll() is not None, PATIENCE)
            sweep.send_signal(signal.SIGINT)
            _, seen = sweep.communicate(timeout=PATIENCE)
        assert sweep.returncode == 130, seen
        kept, before = rows(tmp_path, "question", "wave").keys(), starts(scheduler)
        assert 2 <= len(kept) < 10
        assert before.total() <= len(kept) + 2
        done = swept(file, tmp_path, *options)
        assert done.returncode == 0, done.stderr
        again = starts(scheduler) - before
    assert not kept & again.keys(), "a stored wave was trained again"
    assert again.total() == 10 - len(kept)
    assert_verified(tmp_path)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "100000"])
def test_a_patience_that_is_none_is_one_sentence(text, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["sweep.toml", f"--patience={text}"])
    assert f"patience must be seconds above 0 and at most 86400, got '{text}'" in capsys.readouterr().err


def test_late_workers_that_do_not_fit_are_a_sentence_or_end_and_the_next_that_fits_goes_on(tmp_path):
    for name in ("cache", "none"):
        (tmp_path / name).mkdir()
    store, asked, (package, engine) = Store(tmp_path / "cache"), quick(), versions()
    with dask_scheduler() as scheduler:
        until(lambda: answers(scheduler))
        with External(scheduler) as cluster:
            jobs: Any = Jobs(cluster.client, store)
            run = SweepRun(
                Plan(dials=(), settings=(Setting(values=(), point=quick()),), refused=(), waves=1), jobs, store
            )
            until(lambda: run.progress().news == IDLE)
            run.cancel()
            jobs.request("ada", asked)
            with dask_worker(scheduler, path=without_ours(tmp_path / "none")) as stranger:
                stranger.wait(timeout=PATIENCE)  # it cannot even read what it is to do
            assert jobs.progress(asked).state == "queued"
            for other, has in (
                (with_other_engine, f"{package} (engine 1)"),
                (with_other_package, f"9.9.9 (engine {engine})"),
            ):
                (tmp_path / other.__name__).mkdir()
                jobs.request("ada", asked)
                with dask_worker(scheduler, path=other(tmp_path / other.__name__)) as worker:
                    failed = end(jobs, asked)
                    worker.kill()
                assert (failed.state, failed.everywhere) == ("failed", True)
                assert failed.message == (
                    f"A worker has Privacy Dial {has} and this program {package} (engine {engine}): "
                    "install the same version on all machines."
                )
            with dask_worker(scheduler):
                jobs.request("ada", asked)
                assert end(jobs, asked).state == "done"
            jobs.close()
    store.close()


@pytest.mark.parametrize("missing", [1, 3, 6])
def test_a_late_worker_that_does_not_fit_ends_the_command_with_a_sentence_and_costs_nothing(file, tmp_path, missing):
    asked = missing + 2
    file.write_text(SWEEP.format(epochs=20, seeds=", ".join(map(str, range(asked)))), encoding="utf-8")
    settings = sweep_from_toml(file.read_bytes()).plan().settings
    keep(tmp_path, *(setting.point for setting in settings[:2]))
    before = rows(tmp_path, "rowid", "wave")
    (package, engine), told = versions(), tmp_path / "told"
    (tmp_path / "other").mkdir()
    with dask_scheduler() as scheduler, contextlib.ExitStack() as processes:
        until(lambda: answers(scheduler))
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}", *options]
        stream = processes.enter_context(told.open("w"))
        sweep = processes.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream))
        processes.callback(sweep.kill)
        until(
            lambda: f"of {asked} waves" in told.read_text() or sweep.poll() is not None, PATIENCE
        )  # nobody is there yet
        with dask_worker(scheduler, path=with_other_engine(tmp_path / "other")):
            assert sweep.wait(timeout=PATIENCE) == 2
        assert told.read_text().splitlines()[-1] == (
            f"A worker has Privacy Dial {package} (engine 1) and this program {package} (engine {engine}): install "
            f"the same version on all machines. 2 of {asked} waves are kept; to go on, run: privacydial sweep {file}"
        )
        assert "Traceback" not in told.read_text()
        with dask_worker(scheduler):
            until(lambda: answers(scheduler))
            done = swept(file, tmp_path, *options)
            again = starts(scheduler)
    assert done.returncode == 0, done.stderr
    assert before.items() <= rows(tmp_path, "rowid", "wave").items(), "a stored wave was written again"
    assert again.total() == len(again) == missing
    assert_verified(tmp_path)


def test_a_late_worker_that_does_not_fit_is_why_the_command_ends_even_where_another_one_fits(file, tmp_path):
    file.write_text(SWEEP.format(epochs=5000, seeds="1, 2, 3, 4"), encoding="utf-8")
    (package, engine), told = versions(), tmp_path / "told"
    (tmp_path / "other").mkdir()
    with dask_scheduler() as scheduler, contextlib.ExitStack() as processes:
        until(lambda: answers(scheduler))
        processes.enter_context(dask_worker(scheduler))
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}", *options]
        stream = processes.enter_context(told.open("w"))
        sweep = processes.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream))
        processes.callback(sweep.kill)
        until(lambda: starts(scheduler) or sweep.poll() is not None, PATIENCE)
        with dask_worker(scheduler, path=with_other_engine(tmp_path / "other")):
            assert sweep.wait(timeout=PATIENCE) == 2
    kept = len(rows(tmp_path, "question", "assessment"))
    assert 1 <= kept < 4
    assert told.read_text().splitlines()[-1] == (
        f"A worker has Privacy Dial {package} (engine 1) and this program {package} (engine {engine}): install "
        f"the same version on all machines. {kept} of 4 waves are kept; to go on, run: privacydial sweep {file}"
    )
    assert_verified(tmp_path)
