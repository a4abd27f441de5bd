"""What runs in a worker process: training and assessing, bytes in and bytes out."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from distributed import get_worker

from cache.codec import assessment_to_bytes, comparison_to_bytes, wave_from_bytes, wave_to_bytes
from cache.keys import Outputs, Point, Versus
from cache.remote import TOPIC
from engine.architectures import Logistic
from engine.models.network import network
from engine.packages import installed
from engine.pipeline import assess as assess_waves
from engine.pipeline import compare as compare_waves
from engine.pipeline import train_wave
from engine.populations.records import split
from engine.recipe import PopulationChoice, Recipe
from engine.release.answers import released_logits
from engine.release.sensitivity import measured_sensitivity
from engine.release.values import Release
from engine.training.allocation import keep_freed_memory
from engine.training.values import EpochReport


class UnwantedError(Exception):
    """Nobody waits for this training any more."""


def train(recipe: Recipe, wave: int, watched: bool, device: str) -> bytes | None:
    """Wave ``wave`` (from 0) of a recipe, trained on a device; None when it was cancelled on the way.

    Progress is logged as events of ``TOPIC``: one at the start, one for every report of the engine on the models,
    or on their teachers, one at the end with the seconds that it took. Where nobody watches there are no reports: of
    small models they cost more than half of the training.
    """
    worker = get_worker()
    name = worker.get_current_task()
    worker.log_event(TOPIC, {"task": name})
    began = time.perf_counter()

    def report(epoch: EpochReport) -> None:
        worker.log_event(TOPIC, {"task": name, "epochs": epoch.epochs, "point": _means(epoch)})

    def report_teachers(epoch: EpochReport) -> None:
        worker.log_event(TOPIC, {"task": name, "teachers": epoch.epoch})

    def check() -> None:
        # A thread cannot be stopped from outside. Dask marks a task that was cancelled while it runs
        # (its "worker state machine"), and this look at the mark costs less than a microsecond.
        task = worker.state.tasks.get(name)
        if task is None or task.state != "executing":
            raise UnwantedError

    try:
        trained = train_wave(
            recipe,
            wave,
            report=report if watched else None,
            report_teachers=report_teachers,
            check=check,
            device=device,
        )
        worker.log_event(TOPIC, {"task": name, "seconds": time.perf_counter() - began})
        return wave_to_bytes(replace(trained, trained_with=installed()))
    except UnwantedError:
        return None


def assess(point: Point, blobs: Sequence[bytes], shadow_blobs: Sequence[bytes]) -> bytes:
    """The assessment of a point from its waves 0, 1, … and those of its shadow recipe where that is another.

    It keeps what it and its waves were made with, which may be of other versions where they were trained earlier or
    elsewhere.
    """
    waves, shadows = ([wave_from_bytes(blob) for blob in some] for some in (blobs, shadow_blobs))
    assessed = assess_waves(
        point.recipe,
        point.release,
        point.attack,
        waves,
        calibration=point.calibration,
        shadows=shadows or waves,
    )
    trained_with = tuple(dict.fromkeys(wave.trained_with for wave in (*waves, *shadows)))
    return assessment_to_bytes(replace(assessed, trained_with=trained_with, assessed_with=installed()))


def contested_values(population: PopulationChoice, records: Sequence[int]) -> bytes:
    """The flat view (R, features) of some contested records, float32 row by row."""
    return split(population).contested.flat[list(records)].tobytes()


def sensitivity(recipe: Recipe, epoch: int) -> dict[str, tuple[float, ...] | int]:
    """How far one record moves the weights at an epoch: the fields of ``cache.reports.Sensitivity``."""
    found = measured_sensitivity(recipe, epoch=epoch)
    return {"changes": tuple(sorted(found.changes.tolist())), "members": found.members}


def compare(versus: Versus, blobs: Sequence[bytes], other_blobs: Sequence[bytes]) -> bytes:
    """The comparison of two settings from the waves of the first and, where its recipe is another, of the second."""
    waves, others = ([wave_from_bytes(blob) for blob in some] for some in (blobs, other_blobs))
    first, second = ((point.recipe, point.release) for point in (versus.first, versus.second))
    return comparison_to_bytes(compare_waves(first, second, versus.first.attack, (waves, others or waves)))


def logits(outputs: Outputs, blobs: Sequence[bytes], _: Sequence[bytes]) -> bytes:
    """The logits (M, N, C) of a point's released models, float32 row by row; shadow models are not needed."""
    waves = [wave_from_bytes(blob) for blob in blobs]
    return released_logits(outputs.point.recipe, outputs.point.release, waves).tobytes()


def wave_shapes(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter of one model of a recipe, by name."""
    return network(recipe.architecture, recipe.population.info).shapes


def dask_setup(_: Any) -> None:
    """Make a new worker process polite and warm; Dask calls this before the worker takes its first task."""
    if hasattr(os, "nice"):
        os.nice(10)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    keep_freed_memory()
    split(PopulationChoice())
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=40), architecture=Logistic(), epochs=1, batch=20
    )
    assess_waves(recipe, Release(), "lira", [train_wave(recipe, 0)])
    # What has been imported by now is never garbage: keep collections from walking through it again.
    gc.collect()
    gc.freeze()


def _means(report: EpochReport) -> dict[str, float | int]:
    """The report as a trace point's fields, means over the models, in types that Dask's messages carry."""
    return {
        "epoch": report.epoch,
        "train_accuracy": float(report.train_accuracy.mean()),
        "test_accuracy": float(report.test_accuracy.mean()),
        "loss_auc": float(report.loss_auc.mean()),
    }
