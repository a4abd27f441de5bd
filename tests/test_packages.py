import ast
import io
import json
import platform
import sys
from importlib import metadata
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from cache.codec import UnreadableError, wave_from_bytes, wave_to_bytes
from cache.exchange import export_file, import_file
from cache.external import External
from cache.jobs import Jobs
from cache.keys import assessment_key
from cache.records import records_npz
from cache.store import Store
from cache.tasks import wave_shapes
from engine.packages import LIBRARIES, Package, installed
from engine.training.values import TrainedWave
from tests.at_work import assert_verified, end, quick, until
from tests.dask_processes import answers, dask_scheduler, dask_worker, with_other_package

ROOT = Path(__file__).parent.parent
HERE = {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}}
THERE = HERE | {"mnist1d": "9.9.9"}


def test_what_is_installed_is_named_with_python_first():
    assert {package.name: package.version for package in installed()} == HERE
    assert installed()[0].name == "python"


def test_the_libraries_that_decide_numbers_are_those_that_the_engine_imports():
    imported = {
        name.split(".")[0]
        for file in (ROOT / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in named_by(node)
    }
    foreign = imported - sys.stdlib_module_names - {"engine"}
    assert {distribution for name in foreign for distribution in metadata.packages_distributions()[name]} == set(
        LIBRARIES
    ) - {"privacydial"}


def named_by(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_naming_the_versions_imports_no_library_that_trains():
    code = (
        "import sys; from engine.packages import installed; installed();"
        "print(sorted({'torch', 'opacus', 'sklearn', 'mlxtend', 'mnist1d'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def said(store, point):
    """What the npz file of a point says of versions."""
    found = store.assessment(assessment_key(point))
    with np.load(io.BytesIO(records_npz(point, found)), allow_pickle=False) as arrays:
        return json.loads(str(arrays["versions"]))


def test_a_result_keeps_the_versions_of_the_processes_that_made_it_wherever_it_goes(tmp_path):
    for name in ("here", "there", "other"):
        (tmp_path / name).mkdir()
    store, point = Store(tmp_path / "here"), quick(waves=2)
    with dask_scheduler() as scheduler:
        until(lambda: answers(scheduler))
        with External(scheduler) as cluster:
            jobs: Any = Jobs(cluster.client, store)
            with dask_worker(scheduler, path=with_other_package(tmp_path / "other", "mnist1d")) as worker:
                jobs.request("ada", point.with_waves(1))
                assert end(jobs, point.with_waves(1)).state == "done"
                worker.kill()
            assert said(store, point.with_waves(1)) == {"trained_with": [THERE], "assessed_with": THERE}
            with dask_worker(scheduler):
                jobs.request("ada", point)
                assert end(jobs, point).state == "done"
            jobs.close()
    assert said(store, point) == {"trained_with": [THERE, HERE], "assessed_with": HERE}
    export_file(store, tmp_path / "export")
    elsewhere = Store(tmp_path / "there")
    assert import_file(elsewhere, tmp_path / "export", shapes=wave_shapes).refused == {}
    assert said(elsewhere, point.with_waves(1)) == {"trained_with": [THERE], "assessed_with": THERE}
    assert elsewhere.wave(point.recipe, 0) == store.wave(point.recipe, 0)
    for one in (store, elsewhere):
        one.close()
    assert_verified(tmp_path / "there")


def wave(**changes: Any) -> TrainedWave:
    return TrainedWave(parameters={"w": np.zeros((8, 2), np.float32)}, masks=np.eye(8, 60, dtype=bool), **changes)


def test_a_wave_keeps_what_trained_it_and_one_that_was_stored_without_is_read_as_before():
    packages = (Package(name="python", version="3.14.1"), Package(name="torch", version="9.0+cu999"))
    blob = wave_to_bytes(wave(trained_with=packages))
    assert wave_from_bytes(blob).trained_with == packages
    before = {name: array for name, array in load(blob).items() if name != "trained_with"}
    back = wave_from_bytes(save(before))
    assert back.trained_with == ()
    assert back.parameters.keys() == {"w"}
    assert back.masks.tolist() == wave().masks.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "7",
        '"torch"',
        '["torch"]',
        "[" * 100_000,
        '[{"kind":"Package","name":"torch","version":9}]',
        '[{"kind":"Package","name":"torch"}]',
        '[{"kind":"Interval","estimate":1,"low":0,"high":2}]',
    ],
)
def test_a_wave_whose_packages_are_forged_is_unreadable(text):
    arrays = load(wave_to_bytes(wave())) | {"trained_with": np.frombuffer(text.encode(), dtype=np.uint8)}
    with pytest.raises(UnreadableError, match="does not say readably what trained it"):
        wave_from_bytes(save(arrays))
