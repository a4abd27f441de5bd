import subprocess
import sys

import pytest

from cache.codec import wave_to_bytes
from cache.sizes import size_from_text, size_text
from cache.store import Store
from engine.architectures import Logistic
from engine.pipeline import train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.validate import InvalidValueError

RECIPE = Recipe(population=PopulationChoice(name="digits", contested=50), architecture=Logistic(), epochs=1, batch=20)


def ran(directory, *arguments):
    """Exit status, what was printed, what was complained of."""
    command = [sys.executable, "-m", "dashboard.launch", "cache", "--cache", str(directory), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def directory(tmp_path):
    """A cache with one wave."""
    store = Store(tmp_path)
    store.put_wave(RECIPE, 0, wave_to_bytes(train_wave(RECIPE, 0)))
    store.close()
    return tmp_path


def test_a_colleague_imports_what_was_exported(directory, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    assert ran(directory, "export", other / "file")[:2] == (
        0,
        f"0 assessments and 1 waves in {other / 'file'}, {size_text((other / 'file').stat().st_size)}\n",
    )
    assert ran(other, "import", other / "file") == (0, "1 entries were added, 0 were there already\n", "")
    assert ran(other, "verify") == (0, "1 entries, all as they should be\n", "")
    status, text, _ = ran(other, "info")
    assert status == 0
    assert "1 waves" in text


def test_verify_lists_what_is_wrong_with_status_1_until_it_is_dropped(directory):
    store = Store(directory)
    store.maintain(lambda connection: connection.execute("UPDATE wave SET blob = zeroblob(length(blob))"))
    store.close()
    status, text, _ = ran(directory, "verify")
    assert status == 1
    assert "its content does not have its checksum" in text
    assert ran(directory, "verify", "--drop")[0] == 1
    assert ran(directory, "verify") == (0, "0 entries, all as they should be\n", "")


def test_prune_keeps_what_was_asked_for(directory):
    assert ran(directory, "prune")[1].startswith("0 entries were dropped")
    assert ran(directory, "prune", "--to", "1kB") == (0, "1 entries were dropped, 0 B stay\n", "")


def test_a_file_that_is_no_export_is_one_sentence_and_status_2(directory):
    status, _, complaint = ran(directory, "import", __file__)
    assert status == 2
    assert complaint.endswith("cannot be read as an export of Privacy Dial (file is not a database).\n")


@pytest.mark.parametrize("arguments", [["explode"], ["prune", "--to", "much"], []])
def test_arguments_that_mean_nothing_are_refused_with_status_2(directory, arguments):
    assert ran(directory, *arguments)[0] == 2


@pytest.mark.parametrize(("text", "size"), [("5GB", 5 * 10**9), ("1.5 MB", 1_500_000), ("20kB", 20_000)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert size_from_text(text) == size
    assert size_from_text(size_text(size)) == size


@pytest.mark.parametrize("text", ["", "5", "GB", "-5GB", "5 gb", "1e9GB", "9" * 400 + "GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidValueError, match="size must be a number with kB, MB, GB or TB such as 5GB"):
        size_from_text(text)
