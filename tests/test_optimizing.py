"""What is said of DP settings: tuned where they were, and of nothing else."""

import pytest

from dashboard.state.optimizing import training_words
from dashboard.state.view import View

CAPPED = ", with the largest batch allowed with noise (larger may buy accuracy with ε)"


def test_without_dp_nothing_is_said_and_of_another_architecture_that_it_was_not_tuned():
    assert training_words(View()) == ""
    assert training_words(View(architecture="lstm-32", dp="1.5")) == (
        "DP optimizer not tuned: rate 0.25, clip 1, 64 records expected in a batch."
    )


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (
            {"dp": "0.7", "contested": 500},
            ("on public records at N = 500", CAPPED, "rate 0.125, clip 1, 64 records"),
        ),
        (
            {"dp": "1"},
            (
                "on public records at N = 500 (here 1,000)",
                CAPPED,
                "rate 0.25, clip 0.3, 128 records",
            ),
        ),
        (
            {"dp": "optimizer"},
            (
                "for training with a clip, on public records at N = 500 (here 1,000)",
                "",
                "rate 0.25, no clip, 32 records",
            ),
        ),
        (
            {"dp": "1", "dropout": "0.9", "label_smoothing": "0.9", "regularization": "50", "stop_after": "3"}
            | {"population": "digits", "contested": 100},
            (
                (
                    "for training without weight decay, dropout and label smoothing, up to epoch 30, "
                    "on public records at N = 300 (here 100)"
                ),
                CAPPED,
                "rate 0.25, clip 0.3, 13 records",
            ),
        ),
    ],
)
def test_tuned_is_said_of_what_was_tuned_and_of_what_is_different(chosen, words):
    on, capped, setup = words
    assert training_words(View(**chosen)) == (f"DP optimizer tuned {on}{capped}: {setup} expected in a batch.")
