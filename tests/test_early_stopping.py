"""Early stopping: a wave keeps a few epochs of one training, and a release publishes one of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import save

from cache.codec import UnreadableError, wave_from_bytes, wave_to_bytes
from cache.keys import Point
from engine.architectures import Mlp
from engine.mechanisms import Dropout, GaussianInput, Mixup
from engine.pipeline import assess, release_signals, train_wave
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import Release, WeightNoise
from engine.validate import InvalidValueError

RECIPE = Recipe(
    population=PopulationChoice(name="digits", contested=120), architecture=Mlp(width=10), epochs=10, batch=16
)
RECIPES = {
    "plain": RECIPE,
    "mechanisms": dataclasses.replace(
        RECIPE, mechanisms=(Dropout(rate=0.3), GaussianInput(sigma=0.1), Mixup(alpha=1.0))
    ),
    "dp": dataclasses.replace(RECIPE, optimizer=Sgd(), privacy=DpSgd(noise_multiplier=1.0), batch=25),
}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("epochs", "kept"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (5, (1, 2, 4, 5)),
        (30, (3, 6, 10, 20, 30)),
        (35, (4, 7, 12, 24, 35)),
        (10_000, (1000, 2000, 3334, 6667, 10_000)),
    ],
)
def test_a_few_epochs_are_kept_and_always_the_last(epochs, kept):
    assert dataclasses.replace(RECIPE, epochs=epochs).kept_epochs == kept


@pytest.mark.parametrize("name", RECIPES)
def test_a_checkpoint_is_the_end_of_a_training_that_stops_there(name):
    recipe = RECIPES[name]
    wave = train_wave(recipe, 1)
    assert tuple(wave.checkpoints) == recipe.kept_epochs[:-1]
    for epoch, weights in wave.checkpoints.items():
        stopped = train_wave(dataclasses.replace(recipe, epochs=epoch), 1)
        for key, value in weights.items():
            assert np.array_equal(value, stopped.parameters[key])
            assert not np.array_equal(value, wave.parameters[key])


def test_a_release_publishes_the_weights_of_its_epoch():
    wave = train_wave(RECIPE, 0)
    stopped = train_wave(dataclasses.replace(RECIPE, epochs=4), 0)
    for noise in (None, WeightNoise(sigma=0.1, draws=2)):
        early = release_signals(RECIPE, Release(epoch=4, weight_noise=noise), [wave])
        theirs = release_signals(dataclasses.replace(RECIPE, epochs=4), Release(weight_noise=noise), [stopped])
        for one, other in zip(early, theirs, strict=True):
            assert np.array_equal(one.phi, other.phi)
    (last,) = release_signals(RECIPE, Release(), [wave])
    (early,) = release_signals(RECIPE, Release(epoch=4), [wave])
    assert not np.array_equal(last.phi, early.phi)


def test_the_limit_of_no_early_epoch_is_no_early_stopping():
    wave = train_wave(RECIPE, 0)
    (last,) = release_signals(RECIPE, Release(), [wave])
    (unkept,) = release_signals(RECIPE, Release(), [dataclasses.replace(wave, checkpoints={})])
    assert RECIPE.kept(Release()) == RECIPE.kept_epochs[-1] == RECIPE.epochs
    assert np.array_equal(last.phi, unkept.phi)


def test_the_claim_of_dp_is_that_of_the_steps_done_until_the_kept_epoch():
    recipe = RECIPES["dp"]
    waves = [train_wave(recipe, number) for number in range(2)]
    stopped = dataclasses.replace(recipe, epochs=4)
    early = assess(recipe, Release(epoch=4), "loss", waves).headline.claim
    shorter = assess(stopped, Release(), "loss", [train_wave(stopped, number) for number in range(2)]).headline.claim
    last = assess(recipe, Release(), "loss", waves).headline.claim
    assert early == shorter
    assert early is not None
    assert last is not None
    assert early.epsilon is not None
    assert last.epsilon is not None
    assert early.epsilon < last.epsilon


@pytest.mark.parametrize(
    ("epochs", "epoch", "sentence"),
    [
        (30, 7, "kept epoch must be one of 3, 6, 10, 20, none (the last), got 7"),
        (30, 30, "kept epoch must be one of 3, 6, 10, 20, none (the last), got 30"),
        (1, 1, "kept epoch must be one of none (the last), got 1"),
    ],
)
def test_an_epoch_that_no_wave_keeps_is_refused_in_one_sentence(epochs, epoch, sentence):
    with pytest.raises(InvalidValueError) as caught:
        Point(recipe=dataclasses.replace(RECIPE, epochs=epochs), release=Release(epoch=epoch))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("epoch", [0, 1.5, True])
def test_a_kept_epoch_is_a_whole_number_from_one(epoch):
    with pytest.raises(InvalidValueError, match="kept epoch must be"):
        Release(epoch=epoch)


def test_a_wave_comes_back_from_its_bytes_with_every_epoch():
    wave = train_wave(RECIPE, 0)
    back = wave_from_bytes(wave_to_bytes(wave))
    assert np.array_equal(back.masks, wave.masks)
    assert list(back.checkpoints) == list(wave.checkpoints)
    for epoch, weights in {10: wave.parameters, **wave.checkpoints}.items():
        theirs = back.parameters if epoch == 10 else back.checkpoints[epoch]
        assert set(theirs) == set(weights)
        assert all(np.array_equal(theirs[name], value) for name, value in weights.items())


@pytest.mark.parametrize("name", ["stray", "epoch.weight", "epoch.two.weight", "epochs.2.weight"])
def test_bytes_with_an_array_that_belongs_to_nothing_are_no_wave(name):
    arrays = {"records": np.array([8]), "masks": np.zeros((2, 1), dtype=np.uint8), name: np.zeros(3)}
    with pytest.raises(UnreadableError, match="belongs to nothing"):
        wave_from_bytes(save(arrays))
