from dataclasses import replace

import pytest

from cache.failures import UNWATCHED
from cache.progress import Progress
from dashboard.controls.dials import Reasons, marks_html, marks_words, reasons
from dashboard.controls.history import new_steps
from dashboard.panels.waiting import held_words, progress_words, share
from dashboard.results import findings
from dashboard.results.figures import setting_words
from dashboard.state.landscape import GHOSTS, Marks, Spot, best_key, landscape
from dashboard.state.stops import DIALS, FOUR
from dashboard.state.view import SWEEPS, View, key, refusal
from dashboard.state.visit import MEMORY, REST, STEPS, Visit
from tests.explored import opened
from tests.handmade import headline, measure

SEQUENCES = "not possible here: CNN 1-D 16, RNN 64, GRU 64, LSTM 32, LSTM 64"


def test_exactly_the_measured_stops_are_marked(store):
    measure(store, View())
    measure(store, View(regularization="3"))
    measure(store, View(dp="clip"))
    measure(store, View(regularization="3", dp="clip"))  # not on any dial of the default view
    measure(store, View(noise="0.05", models=8))  # fewer models than asked for
    marks = landscape(store, View()).marks
    on = {name: [stop for stop, mark in stops.items() if mark == "measured"] for name, stops in marks.items()}
    assert on == {
        "architecture": ["mlp-128"],
        "regularization": ["0", "3"],
        "dp": ["off", "clip"],
        "noise": ["0"],
        "contested": [1000],
    }


def test_the_dials_on_request_are_marked_only_while_they_are_on_the_page(store):
    measure(store, View(cutout="4"))
    assert set(landscape(store, View()).marks) == {*FOUR, "contested"}
    marks = landscape(store, View(), dials=SWEEPS).marks
    assert set(marks) == set(SWEEPS)
    assert [stop for stop, mark in marks["cutout"].items() if mark == "measured"] == ["4"]


def test_stops_that_the_engine_refuses_are_told_from_those_not_measured_yet(store):
    measure(store, View(mixup="1"))
    first, *others = landscape(store, View(mixup="1")).marks["dp"].values()
    assert first == "measured"
    assert set(others) == {"refused"}
    first, *others = landscape(store, View(), dials=["spatial_dropout"]).marks["spatial_dropout"].values()
    assert first == "open"
    assert set(others) == {"refused"}


def test_a_refused_setting_has_its_sentence_and_loses_neither_path_nor_ghosts(store):
    measure(store, View(mixup="1"))
    measure(store, View(noise="0.1"))
    view = View(mixup="1", dp="clip", sweep="dp")
    found = landscape(store, view, [View(noise="0.1"), View(dp="2", mixup="4")])
    assert found.refusal == (
        "mixup must be off with DP-SGD: it blends two records into one gradient, so clipping no longer bounds what "
        "one of them does"
    )
    assert (found.current, found.waves) == (None, 0)
    assert [spot.label for spot in found.path] == ["off"]
    assert [ghost.view for ghost in found.ghosts] == [View(noise="0.1")]
    assert best_key(found) is None
    assert findings.tradeoff(found).startswith("This setting is not possible.")


def test_a_path_runs_along_a_mechanism_in_use(store):
    for stop in ("off", "0.3", "0.1"):
        measure(store, View(label_smoothing=stop))
    found = landscape(store, View(label_smoothing="0.3", sweep="label_smoothing"))
    assert [spot.label for spot in found.path] == ["off", "0.1", "0.3"]


def test_the_path_joins_measured_stops_in_the_order_of_the_dial(store):
    for stop in ("10", "0", "3"):
        measure(store, View(regularization=stop))
    assert [spot.label for spot in landscape(store, View(regularization="1")).path] == ["0", "3", "10"]
    assert [spot.label for spot in landscape(store, View(sweep="dp")).path] == ["off"]


def test_the_path_never_mixes_numbers_of_models(store):
    measure(store, View(models=8))
    measure(store, View(regularization="3", models=16))
    assert [spot.view.regularization for spot in landscape(store, View()).path] == ["3"]


def test_the_best_number_of_waves_up_to_the_asked_one_is_shown(store):
    view = View(models=32)
    assert landscape(store, view).current is None
    for waves in (1, 3, 8):
        measure(store, view, waves=waves, pairs=4 * waves)
    found = landscape(store, view)
    assert found.current is not None
    assert (found.waves, found.current.headline.pairs, found.complete) == (3, 12, False)
    assert best_key(found) == key(view, 3)


def test_ghosts_are_the_latest_measured_settings_that_are_not_on_the_path(store):
    before = [View(noise=stop) for stop in DIALS["noise"].stops if stop != "0"]
    for view in before[1:]:
        measure(store, view)
    measure(store, View(regularization="3"))
    found = landscape(store, View(), [View(regularization="3"), *before])
    assert [ghost.view for ghost in found.ghosts] == before[1 : 1 + GHOSTS]


def test_marks_are_also_written_in_words():
    marks: Marks = {"0": "measured", "0.1": "open", "3": "measured"}
    assert marks_words("regularization", marks, {}) == "Measured: 0, 3; 1 stops not yet."
    assert marks_words("dp", {"off": "open", "clip": "open"}, {}) == "2 stops not measured yet."
    why: Reasons = {"clip": "it couples records"}
    assert marks_words("dp", {"off": "open", "clip": "refused"}, why) == (
        "1 stops not measured yet; not possible here: clip, because it couples records."
    )
    shown = marks_html("regularization", marks, "3", {})
    assert shown.count("pd-mark") - shown.count("pd-marks") == 3
    assert shown.count("pd-on") == 2
    assert shown.count("pd-here") == 1
    crossed = marks_html("dp", {"off": "open", "clip": "refused"}, "off", why)
    assert (
        crossed.count("pd-no") == crossed.count(' title="clip: it couples records."') == crossed.count("title") == 1
    )


@pytest.mark.parametrize(
    ("population", "words"),
    [
        (
            "purchases",
            f"{SEQUENCES}, because Purchases (synthetic) has no sequence view: a record is a row of 600 bits",
        ),
        (
            "purchases",
            "; CNN 2-D 8, because Purchases (synthetic) has no picture view: a record is a row of 600 bits",
        ),
        ("breast-cancer", f"{SEQUENCES}, because Breast cancer has no sequence view: a record is a row of 30"),
        ("breast-cancer", "; CNN 2-D 8, because Breast cancer has no picture view: a record is a row of 30"),
        (
            "mnist1d",
            "here: CNN 2-D 8, because MNIST-1D curves has no picture view: a record is a curve of 40 points.",
        ),
    ],
)
def test_architectures_that_cannot_read_the_records_say_why_beside_the_dial(store, population, words):
    view = View().turned("population", population)
    marks = landscape(store, view).marks["architecture"]
    why = reasons(view, "architecture", marks)
    assert words in marks_words("architecture", marks, why)
    assert f'title="CNN 2-D 8: {why["cnn2d-8"]}."' in marks_html("architecture", marks, "mlp-128", why)
    dial = opened(population=population).select_slider(key="dial-architecture")
    assert words in dial.help.replace("\\", "").replace("Not possible", "not possible")


def test_stops_refused_together_with_another_dial_say_the_engines_reason(store):
    view = View(mixup="1")
    why = reasons(view, "dp", landscape(store, view).marks["dp"])
    assert "off" not in why
    assert set(why.values()) == {str(refusal(view.turned("dp", "clip"))).rstrip(".")}
    assert reasons(View(), "dp", landscape(store, View()).marks["dp"]) == {}


def test_a_setting_in_words_names_the_four_dials_and_what_else_is_in_use():
    view = View(relax_loss="0.5", l2_penalty="0.01")
    assert setting_words(Spot(view=view, headline=headline(), label="")) == (
        "architecture MLP 128, regularization strength 0, DP noise off, noise after training 0, L2 penalty 0.01, "
        "RelaxLoss 0.5, N 1,000"
    )


@pytest.fixture
def visit():
    return Visit(visitor="v", view=View(), turned_at=100.0)


def progress(state, *, wave=1, epoch=0, teachers=0):
    return Progress(state=state, wave=wave, waves=2, epoch=epoch, epochs=30, waves_assessed=0, teachers=teachers)


def test_a_dial_must_rest_before_anything_is_asked_for(visit):
    assert visit.step(100.0 + REST - 0.01, ready=True, progress=None) == "resting"
    assert visit.step(100.0 + REST, ready=True, progress=None) == "ask"
    assert visit.step(100.0 + REST, ready=False, progress=None) == "starting"


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("queued", "watch"),
        ("elsewhere", "watch"),
        ("training", "watch"),
        ("assessing", "watch"),
        ("failed", "failed"),
        ("cancelled", "held"),
        ("refused", "refused"),
    ],
)
def test_what_was_asked_for_is_watched_until_it_ends(state, step):
    asked = Visit(visitor="v", view=View(), turned_at=0.0, asked=key(View(), 2))
    assert asked.step(9.0, ready=True, progress=progress(state)) == step


def test_another_visitors_cancelled_training_does_not_stop_this_visitor(visit):
    assert visit.step(101.0, ready=True, progress=progress("cancelled")) == "ask"


def test_after_a_cancel_nothing_starts_until_a_dial_moves():
    held = Visit(visitor="v", view=View(), turned_at=0.0, held=True)
    assert held.step(1e9, ready=True, progress=None) == "held"
    assert held.moved(View(sweep="dp"), 5.0).held
    assert not held.moved(View(dp="clip"), 5.0).held


def test_a_turn_is_remembered_once_most_recent_first(visit):
    there = visit.moved(View(dp="clip"), 1.0)
    back = there.moved(View(), 2.0).moved(View(dp="1"), 3.0)
    assert back.before == (View(), View(dp="clip"))
    assert back.turned_at == 3.0


def test_tracing_another_dial_is_no_turn(visit):
    traced = visit.moved(View(sweep="dp"), 7.0)
    assert (traced.view.sweep, traced.before, traced.turned_at) == ("dp", (), 100.0)


def test_undo_and_redo_walk_back_and_forth_through_the_same_views(visit):
    views = [View(dp="clip"), View(dp="clip", sweep="dp"), View(dp="1", sweep="dp")]
    for at, view in enumerate(views):
        visit = visit.moved(view, float(at))
    back = visit.undone(5.0).undone(6.0)
    assert (back.view, back.past, back.future) == (views[0], (View(),), (views[1], views[2]))
    there = back.redone(7.0).redone(8.0)
    assert (there.view, there.past, there.future) == (views[2], (views[1], views[0], View()), ())
    assert there.redone(9.0) is there
    assert (there.turned_at, there.before) == (8.0, (views[1], View()))


def test_steps_that_arrive_together_or_twice_are_each_taken_once():
    assert new_steps(1, "u", 0) == "u"
    assert new_steps(4, "uuru", 1) == "uru"
    assert new_steps(4, "uuru", 4) == new_steps(4, "uuru", 9) == new_steps(0, "", 0) == ""
    assert new_steps(900, "ur" * 100, 3) == "ur" * 100
    assert new_steps(3, "u<r", 0) == "ur"


def test_undo_stops_at_the_first_view_and_trains_nothing_that_was_held(visit):
    assert visit.undone(1.0) is visit
    held = replace(visit.moved(View(dp="clip"), 1.0), held=True)
    assert not held.undone(2.0).held


def test_a_new_choice_ends_what_was_undone_but_the_same_view_is_no_choice(visit):
    undone = visit.moved(View(dp="clip"), 1.0).undone(2.0)
    assert undone.moved(View(), 3.0).future == (View(dp="clip"),)
    assert undone.moved(View(dp="1"), 3.0).future == ()


def test_a_session_can_undo_a_bounded_number_of_views(visit):
    for at in range(STEPS + 5):
        visit = visit.moved(View(dp=("off", "clip")[at % 2 == 0]), float(at))
    assert len(visit.past) == STEPS


def test_a_session_remembers_a_bounded_number_of_settings(visit):
    for contested in View().stops("contested"):
        for stop in View().stops("noise"):
            visit = visit.moved(View().turned("contested", contested).turned("noise", stop), 1.0)
    assert len(visit.before) == MEMORY


def test_progress_is_told_in_models_and_epochs():
    assert progress_words("starting", None, 16) == "Starting the workers …"
    assert progress_words("resting", None, 16) == (
        "Not measured yet. 16 models are trained as soon as the dial rests."
    )
    assert progress_words("watch", progress("queued"), 16) == (
        "Waiting for a free worker to train models 1 to 8 of 16 …"
    )
    assert progress_words("watch", progress("elsewhere", wave=2), 16) == (
        "Waiting for models 9 to 16 of 16, which another program on the same cache has taken on …"
    )
    assert progress_words("watch", progress("training", wave=2, epoch=12), 16) == (
        "Training models 9 to 16 of 16: epoch 12 of 30 …"
    )
    assert progress_words("watch", progress("training", wave=2, teachers=9), 16) == (
        "Training the teachers of models 9 to 16 of 16, for soft labels: epoch 9 of 30 …"
    )
    assert progress_words("watch", progress("training", epoch=3, teachers=30), 16) == (
        "Training models 1 to 8 of 16: epoch 3 of 30 …"
    )
    assert progress_words("watch", progress("assessing"), 16) == "Attacking models 1 to 8 of 16 …"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(0, ""), (1, "; 1 training is ahead of yours"), (1200, "; 1,200 trainings are ahead of yours")],
)
def test_those_who_wait_read_how_many_are_ahead(ahead, words):
    waiting = replace(progress("queued"), ahead=ahead)
    assert progress_words("watch", waiting, 16) == f"Waiting for a free worker to train models 1 to 8 of 16{words} …"


def test_a_job_that_stopped_says_why():
    assert (
        held_words(None)
        == held_words(progress("cancelled"))
        == ("Cancelled. Nothing is trained until you turn a dial.")
    )
    unwatched = replace(progress("cancelled"), message=UNWATCHED)
    assert held_words(unwatched) == f"{UNWATCHED} Nothing is trained until you turn a dial."


def test_the_share_done_counts_waves_and_epochs():
    assert share(None) == 0.0
    assert share(progress("training", wave=2, epoch=15)) == 0.75
    assert share(progress("assessing", wave=2, epoch=30)) == 1.0
