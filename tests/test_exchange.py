import hashlib
import json
import resource
import signal
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from safetensors.numpy import load, save

from cache.codec import UnreadableError, assessment_from_bytes, assessment_to_bytes, headline_to_json, wave_to_bytes
from cache.exchange import export_file, import_file
from cache.keys import Point, assessment_key, assessment_question, key_of, wave_key, wave_question
from cache.location import CacheError
from cache.rows import entries
from cache.starter import SHIPPED
from cache.store import Store
from cache.tasks import wave_shapes
from cache.upkeep import contents, drop_faulty, faults, prune, total
from cache.verification import Entry, check_entry
from engine.architectures import Logistic
from engine.assessment import values
from engine.assessment.values import Assessment
from engine.pipeline import assess, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release

RECIPE = Recipe(population=PopulationChoice(name="digits", contested=50), architecture=Logistic(), epochs=6, batch=20)
POINT = Point(recipe=RECIPE, release=Release(), attack="loss", waves=1)


@pytest.fixture(scope="module")
def wave():
    return train_wave(RECIPE, 0)


@pytest.fixture(scope="module")
def assessment(wave):
    return assess(RECIPE, Release(), "loss", [wave])


@pytest.fixture
def full(tmp_path, wave, assessment):
    """A store with one wave and one assessment."""
    (tmp_path / "full").mkdir()
    store = Store(tmp_path / "full")
    store.put_wave(RECIPE, 0, wave_to_bytes(wave))
    store.put_assessment(POINT, assessment)
    yield store
    store.close()


@pytest.fixture
def empty(tmp_path):
    (tmp_path / "empty").mkdir()
    store = Store(tmp_path / "empty")
    yield store
    store.close()


@pytest.fixture
def exported(full, tmp_path):
    export_file(full, tmp_path / "export")
    return tmp_path / "export"


def execute(file, statement, *values):
    """What a stranger might do to a file."""
    connection = sqlite3.connect(file)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def imported(store, file):
    return import_file(store, file, shapes=wave_shapes)


def sha256(content):
    return hashlib.sha256(content).digest()


def test_what_is_exported_can_be_imported_bit_for_bit(full, exported, empty):
    done = imported(empty, exported)
    assert (done.added, done.present, done.other_engine, done.refused) == (2, 0, 0, {})
    assert empty.wave(RECIPE, 0) == full.wave(RECIPE, 0)
    key = assessment_key(POINT)
    assert assessment_to_bytes(empty.assessment(key)) == assessment_to_bytes(full.assessment(key))
    assert empty.headlines([key]) == full.headlines([key])
    assert faults(empty) == ()


def test_a_second_import_adds_nothing(exported, empty):
    imported(empty, exported)
    again = imported(empty, exported)
    assert (again.added, again.present) == (0, 2)


def test_an_export_without_waves_holds_the_assessments_alone(full, empty, tmp_path):
    counts = export_file(full, tmp_path / "small", waves=False)
    assert counts == {"assessment": 1}
    assert imported(empty, tmp_path / "small").added == 1
    assert not empty.trained(RECIPE, 1)


def test_an_export_replaces_no_file_and_a_failed_one_leaves_none(full, tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(CacheError, match="mine exists already; choose another name"):
        export_file(full, tmp_path / "mine")
    with pytest.raises(CacheError, match="cannot be written"):
        export_file(full, tmp_path / "no such folder" / "export")
    assert (tmp_path / "mine").read_text() == "precious"


def test_an_export_to_a_full_disk_says_so_of_the_export_and_leaves_none(full, tmp_path):
    target = tmp_path / "export"
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, room[1]))
    try:
        with pytest.raises(CacheError, match=r"export cannot be written \(.*\)\.$"):
            export_file(full, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, room)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not target.exists()


def test_what_does_not_verify_is_not_exported(full, tmp_path):
    execute(full.file, "UPDATE wave SET blob = substr(blob, 1, 100)")
    assert export_file(full, tmp_path / "export") == {"assessment": 1, "left out": 1}


def resealed(wave):
    """An UPDATE that replaces the wave, with a checksum that fits."""
    blob = wave_to_bytes(wave)
    return "UPDATE wave SET blob = ?, sha256 = ?", blob, sha256(blob)


def rearranged(wave, **arrays):
    """An UPDATE that replaces arrays of the wave as they are stored, with a checksum that fits."""
    blob = save(load(wave_to_bytes(wave)) | arrays)
    return "UPDATE wave SET blob = ?, sha256 = ?", blob, sha256(blob)


def requestioned(question):
    return "UPDATE wave SET question = ?, key = ?", question, key_of(question)


FORGERIES = {
    "flipped bytes": lambda wave: ("UPDATE wave SET blob = zeroblob(length(blob))",),
    "a key of another wave": lambda wave: ("UPDATE wave SET key = ?", wave_key(RECIPE, 1)),
    "another question": lambda wave: requestioned(wave_question(RECIPE, 1)),
    "a recipe that is none": lambda wave: requestioned(wave_question(RECIPE, 0).replace('"epochs":6', '"epochs":-6')),
    "a question with more in it": lambda wave: requestioned(
        json.dumps(json.loads(wave_question(RECIPE, 0)) | {"more": 1}, sort_keys=True, separators=(",", ":"))
    ),
    "a question that is no JSON": lambda wave: requestioned("[" * 100_000),
    "a question with text for a blob": lambda wave: ("UPDATE wave SET blob = 'text'",),
    "an assessment's question": lambda wave: requestioned(assessment_question(POINT)),
    "other masks": lambda wave: resealed(replace(wave, masks=wave.masks[:, ::-1])),
    "a missing epoch": lambda wave: resealed(replace(wave, checkpoints={})),
    "seven models": lambda wave: resealed(
        replace(wave, parameters={name: array[:7] for name, array in wave.parameters.items()})
    ),
    "doubles": lambda wave: resealed(
        replace(wave, parameters={name: array.astype(np.float64) for name, array in wave.parameters.items()})
    ),
    "another architecture": lambda wave: resealed(
        replace(
            wave,
            parameters=(other := {name: array[:, :3] for name, array in wave.parameters.items()}),
            checkpoints=dict.fromkeys(wave.checkpoints, other),
        )
    ),
    "more records than bits": lambda wave: rearranged(wave, records=np.array([10**12])),
    "a few records more than bits": lambda wave: rearranged(wave, records=np.array([57])),
    "records counted from the end": lambda wave: rearranged(wave, records=np.array([-6])),
    "no number of records": lambda wave: rearranged(wave, records=np.array([np.inf])),
    "two numbers of records": lambda wave: rearranged(wave, records=np.array([50, 50])),
    "masks in one row": lambda wave: rearranged(wave, masks=np.zeros(7, dtype=np.uint8)),
    "an epoch of 5,000 digits": lambda wave: rearranged(wave, **{f"epoch.{'9' * 5000}.x": np.zeros(8, np.float32)}),
    "no safetensors": lambda wave: ("UPDATE wave SET blob = ?, sha256 = ?", b"cos\nsystem", sha256(b"cos\nsystem")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_wave_is_refused_and_the_rest_is_taken(exported, empty, wave, forgery):
    execute(exported, *FORGERIES[forgery](wave))
    done = imported(empty, exported)
    assert done.added == 1, done
    assert sum(done.refused.values()) == 1
    assert contents(empty).entries == {"wave": 0, "assessment": 1}


def reheaded(assessment, **changes):
    """An UPDATE that replaces the assessment by one with another headline, in both places, with all checksums."""
    other = replace(assessment, headline=replace(assessment.headline, **changes))
    text, blob = headline_to_json(other.headline), assessment_to_bytes(other)
    return (
        "UPDATE assessment SET headline = ?, headline_sha256 = ?, blob = ?, sha256 = ?",
        text,
        sha256(text.encode()),
        blob,
        sha256(blob),
    )


def replanted(assessment: Assessment, change: Callable[[Any, dict[str, Any]], object]) -> bytes:
    """The bytes of an assessment after a change of its JSON tree and its arrays."""
    arrays = load(zlib.decompress(assessment_to_bytes(assessment)))
    tree = json.loads(arrays["tree"].tobytes())
    change(tree, arrays)
    return save(arrays | {"tree": np.frombuffer(json.dumps(tree).encode(), dtype=np.uint8)})


def resown(blob):
    """An UPDATE that replaces the assessment's content, with a checksum that fits."""
    return "UPDATE assessment SET blob = ?, sha256 = ?", blob, sha256(blob)


def planted(**fields):
    """The lie that has other fields in the tree."""
    return lambda made: resown(replanted(made, lambda tree, _: tree.update(fields)))


def shaped(**arrays):
    """The lie that has other arrays, by their names with "_" for "."."""
    named = {f".{name.replace('__', '.')}": array for name, array in arrays.items()}
    return lambda made: resown(replanted(made, lambda _, old: old.update(named)))


MARKUP = "<b>x</b>"
LIES = {
    "a headline of another content": lambda made: (
        *("UPDATE assessment SET headline = ?, headline_sha256 = ?",),
        (text := headline_to_json(replace(made.headline, pairs=8))),
        sha256(text.encode()),
    ),
    "another attack": lambda made: reheaded(made, attack="lira"),
    "more models": lambda made: reheaded(made, pairs=8),
    "other records": lambda made: reheaded(made, records=1000),
    "text for a number": lambda made: reheaded(made, auc="<script>alert(1)</script>"),
    "text for an estimate": lambda made: reheaded(made, auc=replace(made.headline.auc, estimate="high")),
    "a truth for a number": lambda made: reheaded(made, classes=True),
    "a null test of another kind": lambda made: reheaded(made, null_test=made.headline.auc),
    "no rate at few false alarms": lambda made: reheaded(made, low_fpr=()),
    "text for risks": planted(risk="x"),
    "no ROC curve": planted(roc=None),
    "a number for a histogram": planted(histogram=3),
    "text for answers": planted(answers=MARKUP),
    "text for honesty": planted(honesty=MARKUP),
    "a number for pictures": planted(pictures=5),
    "text for groups": planted(groups="abc"),
    "numbers for reasons": planted(reasons=[1, 2]),
    "an array without a name": planted(risk={"array": []}),
    "lists for a curve": planted(roc={"kind": "RocCurve", "fpr": [0, 1], "tpr": [0, 1]}),
    "a number that is none": lambda made: resown(
        replanted(made, lambda tree, _: tree["honesty"].update(ties=float("nan")))
    ),
    "a number beyond all numbers": lambda made: resown(
        replanted(made, lambda tree, _: tree["honesty"].update(ties=10**400))
    ),
    "half a character": lambda made: resown(
        replanted(made, lambda tree, _: tree["honesty"].update(threat_model="\ud800"))
    ),
    "scores of other models": shaped(answers__scores=np.zeros((1, 2), np.float32)),
    "a curve of nothing": shaped(roc__tpr=np.full(107, np.nan)),
    "a curve of small numbers": shaped(roc__fpr=np.zeros(107, np.int8)),
    "a record that there is none of": shaped(riskiest__record=np.arange(50, 70)),
    "models that nobody trained": shaped(answers__members=np.zeros((8, 7), np.uint8)),
    "a record before the first": shaped(riskiest__record=np.arange(-1, 19)),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_forged_assessment_is_refused_and_the_rest_is_taken(exported, empty, assessment, lie):
    execute(exported, *LIES[lie](assessment))
    done = imported(empty, exported)
    assert done.added == 1, done
    assert sum(done.refused.values()) == 1
    assert contents(empty).entries == {"wave": 1, "assessment": 0}


def test_an_assessment_with_curves_that_do_not_match_is_refused(exported, empty, assessment):
    torn = replace(assessment, roc=replace(assessment.roc, tpr=assessment.roc.tpr[:-1]))
    blob = assessment_to_bytes(torn)
    execute(exported, "UPDATE assessment SET blob = ?, sha256 = ?", blob, sha256(blob))
    assert imported(empty, exported).refused == {"the lengths in its 'RocCurve' do not match": 1}


def assessments_of(file) -> list[tuple[Entry, dict[str, Any]]]:
    """The assessments of a file as they stand in it, each with its arrays."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        found = [entry for entry in entries(connection) if entry.kind == "assessment"]
    return [(entry, load(zlib.decompress(entry.blob))) for entry in found if isinstance(entry.blob, bytes)]


def refilled(entry: Entry, blob: bytes) -> Entry:
    """An entry with another content, with a checksum that fits."""
    return replace(entry, blob=blob, sha256=sha256(blob))


def accepted(entry: Entry) -> bool:
    """Whether an entry is taken; what is taken can be written again."""
    with suppress(UnreadableError):
        _, blob = check_entry(entry)
        assessment_to_bytes(assessment_from_bytes(blob))
        return True
    return False


def places(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path to everything in a JSON tree."""
    yield path
    for name, item in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(item, (*path, name))


def replaced(tree: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The tree with another value at a place."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
    items = {name: replaced(item, rest, value) if name == first else item for name, item in steps}
    return items if isinstance(tree, dict) else list(items.values())


def may_be(value: object, was: object, holder: Any, name: Any) -> bool:
    """Whether a value is of a type that may stand where another was, by the JSON types and the fields' own hints."""
    if value is None:
        kind = vars(values)[holder["kind"]] if isinstance(holder, dict) and "kind" in holder else None
        return kind is not None and NoneType in get_args(get_type_hints(kind).get(name))
    alike = (int, float) if isinstance(value, int) else type(value)
    return isinstance(was, alike) and not isinstance(was, bool)


def test_nothing_in_an_assessment_can_be_replaced_by_what_it_is_not(exported):
    ((entry, arrays),) = assessments_of(exported)
    tree = json.loads(arrays["tree"].tobytes())
    taken = set()
    for path in places(tree):
        holder, was = None, tree
        for step in path:
            holder, was = was, was[step]
        for value in ("x", 3, None, []):
            content = json.dumps(replaced(tree, path, value)).encode()
            if accepted(refilled(entry, save(arrays | {"tree": np.frombuffer(content, dtype=np.uint8)}))):
                assert may_be(value, was, holder, path[-1]), (path, value)
                taken.add((*path, json.dumps(value)))
    assert {
        ("honesty", "ties", "3"),
        ("honesty", "threat_model", '"x"'),
        ("answers", "null"),
        ("groups", "[]"),
    } <= taken


GAPS = ("claimed", "observed", "precision")


def test_what_ships_is_accepted_and_its_arrays_can_lose_no_row_and_only_some_have_gaps():
    """There, every part that holds arrays is in some entry."""
    shipped = assessments_of(SHIPPED)
    assert all(accepted(entry) for entry, _ in shipped)
    entry, arrays = max(shipped, key=lambda each: len(each[1]))
    assert {name.split(".")[1] for name in arrays if name != "tree"} >= {
        "ceilings",
        "crossing",
        "pictures",
        "answers",
    }
    for name, array in arrays.items():
        if name == "tree":
            continue
        blank = np.full_like(array, np.nan) if array.dtype.kind == "f" else array[:0]
        for other in (array[:-1], array[None], array.astype(np.float16), blank):
            blob = save(arrays | {name: other})
            gap = other is blank and array.dtype.kind == "f" and name.endswith(GAPS)
            assert accepted(refilled(entry, blob)) == gap, (name, other.shape, other.dtype)


def test_entries_of_another_engine_are_counted_and_left_out(exported, empty):
    question = wave_question(RECIPE, 0).replace('"engine":', '"engine":9')
    execute(exported, *requestioned(question))
    done = imported(empty, exported)
    assert (done.added, done.other_engine, done.refused) == (1, 1, {})


@pytest.mark.parametrize(
    "change",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER more AFTER UPDATE ON usage BEGIN SELECT 1; END",
        "ALTER TABLE wave ADD COLUMN more TEXT",
        "DROP TABLE usage",
    ],
)
def test_a_file_with_other_tables_than_ours_is_refused(exported, empty, change):
    execute(exported, change)
    with pytest.raises(CacheError, match="is not an export of Privacy Dial of this version"):
        imported(empty, exported)


@pytest.mark.parametrize("name", ["pragma_user_version", "pragma_application_id"])
def test_nothing_in_a_foreign_file_stands_in_for_what_is_asked_of_it(exported, empty, name):
    """It would run before it is refused: this one never ends."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS user_version FROM n"
    execute(exported, f"CREATE VIEW {name} AS {endless}")
    with pytest.raises(CacheError, match="cannot be read as an export of Privacy Dial"):
        imported(empty, exported)


def test_an_export_whose_tables_are_no_text_is_refused_with_one_sentence(exported, empty):
    exported.write_bytes(exported.read_bytes().replace(b"CREATE TABLE", b"CR\xb3ATE TABLE"))
    with pytest.raises(CacheError, match=r"cannot be read as an export of Privacy Dial \(its tables are damaged\)\."):
        imported(empty, exported)


def test_files_that_are_no_exports_are_refused_with_one_sentence(full, empty, exported, tmp_path):
    (tmp_path / "text").write_text("my holiday pictures" * 1000)
    sqlite3.connect(tmp_path / "nothing").close()
    with pytest.raises(CacheError, match=r"text cannot be read as an export .* \(file is not a database\)"):
        imported(empty, tmp_path / "text")
    with pytest.raises(CacheError, match="nothing is not an export"):
        imported(empty, tmp_path / "nothing")
    with pytest.raises(CacheError, match="is not a file"):
        imported(empty, tmp_path)
    with pytest.raises(CacheError, match="is the cache itself"):
        imported(full, full.file)
    execute(exported, "PRAGMA user_version = 99")
    with pytest.raises(CacheError, match="newer Privacy Dial"):
        imported(empty, exported)


def test_a_truncated_export_is_refused_with_one_sentence(exported, empty):
    content = exported.read_bytes()
    exported.write_bytes(content[: len(content) // 2])
    with pytest.raises(CacheError, match="cannot be read as an export of Privacy Dial"):
        imported(empty, exported)
    assert faults(empty) == ()


def test_contents_are_counted_and_measured(full, wave):
    found = contents(full)
    assert found.entries == {"wave": 1, "assessment": 1}
    assert found.size["wave"] == len(wave_to_bytes(wave))
    assert found.of_other_engines == 0
    assert sum(found.size.values()) == total(full) < found.on_disk


@pytest.mark.parametrize("forgery", FORGERIES)
def test_verify_finds_a_damaged_wave_and_drops_it_when_asked(full, wave, forgery):
    if forgery == "another architecture":
        pytest.skip("the cheap look at the whole store does not build networks")
    execute(full.file, *FORGERIES[forgery](wave))
    found = faults(full)
    assert any(text.startswith("the wave ") for text in found)
    drop_faulty(full)
    assert faults(full) == ()
    assert contents(full).entries["assessment"] == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE usage SET size = size + 1", ["1 entries of kind wave", "1 entries of kind assessment"]),
        ("UPDATE usage SET size = 0 WHERE kind = 'wave'", ["1 entries of kind wave"]),
        ("DELETE FROM usage WHERE kind = 'assessment'", ["1 entries of kind assessment"]),
        (
            "INSERT INTO usage SELECT kind, 'nothing', size, used FROM usage",
            ["1 entries of kind wave", "1 entries of kind assessment"],
        ),
        ("UPDATE usage SET key = 'nothing' WHERE kind = 'wave'", ["2 entries of kind wave"]),
    ],
    ids=["all-wrong", "wrong", "missing", "of-nothing", "renamed"],
)
def test_verify_counts_each_entry_once_whose_size_is_not_kept(full, change, told):
    execute(full.file, change)
    assert faults(full) == tuple(f"{count} whose size is not kept" for count in told)
    assert drop_faulty(full) == 0
    assert faults(full) == ()


def test_pruning_drops_other_engines_then_the_oldest_and_gives_space_back(full, wave):
    blob = wave_to_bytes(wave)
    for number in range(1, 40):
        full.put_wave(RECIPE, number, blob)
    other = wave_question(RECIPE, 5).replace('"engine":', '"engine":9')
    execute(
        full.file, "UPDATE wave SET question = ?, key = ? WHERE key = ?", other, key_of(other), wave_key(RECIPE, 5)
    )
    before = contents(full)
    assert before.of_other_engines == 1
    assert prune(full, 10 * len(blob)) >= 30
    after = contents(full)
    assert (after.of_other_engines, after.entries["assessment"]) == (0, 1)
    assert sum(after.size.values()) <= 10 * len(blob)
    assert after.on_disk < before.on_disk / 2
    assert full.file.stat().st_size == after.on_disk
