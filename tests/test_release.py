"""Released weights."""

from __future__ import annotations

import numpy as np
import pytest

from engine.release.values import Release, WeightNoise
from engine.release.weights import Arrays, released
from engine.validate import InvalidValueError


def weights() -> Arrays:
    """Weights of eight models."""
    rng = np.random.default_rng(0)
    return {
        "hidden.weight": rng.standard_normal((8, 50, 60), dtype=np.float32),
        "hidden.bias": rng.standard_normal((8, 50), dtype=np.float32),
    }


UNIT = WeightNoise(sigma=1.0)


def noise(choice: WeightNoise = UNIT, *, seed: int = 0, wave: int = 0) -> np.ndarray:
    """The noise on a parameter of eight models, (K, 8, 50, 60)."""
    exact = {"hidden.weight": np.zeros((8, 50, 60), dtype=np.float32)}
    copies = released(exact, Release(weight_noise=choice), seed=seed, wave=wave)
    return np.stack([copy["hidden.weight"] for copy in copies])


def test_without_noise_the_weights_themselves_are_released():
    exact = weights()
    (copy,) = released(exact, Release(), seed=0, wave=0)
    assert all(copy[name] is exact[name] for name in exact)


@pytest.mark.parametrize("draws", [1, 4, 7])
def test_there_are_as_many_copies_as_draws_in_the_shapes_of_the_weights(draws: int):
    release = Release(weight_noise=WeightNoise(sigma=0.1, draws=draws))
    copies = released(weights(), release, seed=0, wave=0)
    assert len(copies) == draws == release.draws
    for copy in copies:
        assert {name: value.shape for name, value in copy.items()} == {
            name: value.shape for name, value in weights().items()
        }
        assert {value.dtype for value in copy.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("sigma", [0.003, 0.05, 2.0])
def test_the_noise_is_normal_with_mean_0_and_standard_deviation_sigma(sigma: float):
    drawn = noise(WeightNoise(sigma=sigma)).astype(np.float64) / sigma
    assert abs(drawn.mean()) < 4 / np.sqrt(drawn.size)
    assert abs(drawn.std() - 1) < 4 / np.sqrt(2 * drawn.size)
    assert abs((drawn**4).mean() - 3) < 4 * np.sqrt(96 / drawn.size)  # a normal's fourth moment
    by_model = drawn.transpose(1, 0, 2, 3).reshape(8, -1).std(axis=1)
    assert abs(by_model - 1).max() < 5 / np.sqrt(2 * drawn.size / 8)


def test_it_is_added_to_the_weights_of_every_parameter():
    exact = weights()
    release = Release(weight_noise=WeightNoise(sigma=1e-3, draws=1))
    (copy,) = released(exact, release, seed=0, wave=0)
    for name, value in exact.items():
        difference = np.abs(copy[name] - value)
        assert 0 < difference.mean() < 2e-3
        assert (difference > 0).mean() > 0.99


def test_every_draw_model_wave_and_seed_has_noise_of_its_own():
    parts = noise(), noise(seed=1), noise(wave=1), noise(WeightNoise(sigma=1, seed=1))
    drawn = np.concatenate([part.reshape(-1, 3000) for part in parts])
    correlation = np.corrcoef(drawn)[~np.eye(len(drawn), dtype=bool)]
    assert abs(correlation).max() < 6 / np.sqrt(3000)


def test_parameters_of_one_size_do_not_share_their_noise():
    exact = {name: np.zeros((8, 1000), dtype=np.float32) for name in ("one", "two")}
    (copy,) = released(exact, Release(weight_noise=WeightNoise(sigma=1, draws=1)), seed=0, wave=0)
    assert abs(np.corrcoef(copy["one"].ravel(), copy["two"].ravel())[0, 1]) < 5 / np.sqrt(8000)


def test_noise_of_two_strengths_differs_by_its_scale_alone():
    assert np.allclose(noise(WeightNoise(sigma=0.3)), 3 * noise(WeightNoise(sigma=0.1)), rtol=1e-6, atol=0)


def test_a_smaller_number_of_draws_is_the_beginning_of_a_larger_one():
    assert np.array_equal(noise(WeightNoise(sigma=1, draws=2)), noise(WeightNoise(sigma=1, draws=5))[:2])


def test_the_same_release_is_the_same_noise():
    assert np.array_equal(noise(), noise())


def test_the_weights_that_came_in_are_untouched():
    exact, before = weights(), weights()
    for copy in released(exact, Release(weight_noise=UNIT), seed=0, wave=0):
        copy["hidden.weight"][:] = 0
    assert all(np.array_equal(exact[name], before[name]) for name in before)


def test_the_order_in_which_parameters_are_stored_changes_no_noise():
    exact = weights()
    turned = dict(reversed(exact.items()))
    release = Release(weight_noise=UNIT)
    for copy, other in zip(
        released(exact, release, seed=0, wave=0), released(turned, release, seed=0, wave=0), strict=True
    ):
        assert all(np.array_equal(copy[name], other[name]) for name in exact)


LAYERS = {
    "hidden.weight": np.full((8, 40, 50), 3, dtype=np.float32) * np.arange(1, 9, dtype=np.float32)[:, None, None],
    "out.weight": np.full((8, 10, 400), 0.5, dtype=np.float32),
    "out.bias": np.zeros((8, 10), dtype=np.float32),
}


def added(**options) -> dict[str, np.ndarray]:
    """The noise on every parameter of one copy."""
    release = Release(weight_noise=WeightNoise(sigma=0.2, draws=1, **options))
    (copy,) = released(LAYERS, release, seed=0, wave=0)
    return {name: copy[name] - value for name, value in LAYERS.items()}


def test_noise_on_the_output_layer_leaves_the_others_exact_and_is_the_same_noise():
    everywhere, output = added(), added(tensors="output")
    assert not output["hidden.weight"].any()
    for name in ("out.weight", "out.bias"):
        assert np.array_equal(output[name], everywhere[name])
        assert output[name].any()


def test_relative_noise_has_the_share_of_each_models_tensors_root_mean_square():
    relative, everywhere = added(scale="relative"), added()
    for model in range(8):
        expected = 0.2 * 3 * (model + 1)  # all weights of the tensor are 3 (model + 1)
        ours = relative["hidden.weight"][model]
        assert ours.std() == pytest.approx(expected, rel=0.1)
        np.testing.assert_allclose(ours, everywhere["hidden.weight"][model] * expected / 0.2, rtol=1e-3, atol=1e-4)
        norm = np.linalg.norm(LAYERS["hidden.weight"][model])
        assert np.linalg.norm(ours) == pytest.approx(0.2 * norm, rel=0.1)
    assert relative["out.weight"].std() == pytest.approx(0.1, rel=0.1)
    assert not relative["out.bias"].any(), "a tensor of zeros has no length to be relative to"


def test_both_options_together_are_relative_noise_on_the_output_layer():
    both, relative = added(tensors="output", scale="relative"), added(scale="relative")
    assert not both["hidden.weight"].any()
    assert np.array_equal(both["out.weight"], relative["out.weight"])


def test_copies_are_not_the_weights_themselves_where_no_noise_is_added():
    release = Release(weight_noise=WeightNoise(sigma=0.2, draws=1, tensors="output"))
    (copy,) = released(LAYERS, release, seed=0, wave=0)
    assert copy["hidden.weight"] is not LAYERS["hidden.weight"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tensors": "first"}, "tensors with post-training noise must be one of all, output, got 'first'"),
        ({"scale": "log"}, "scale of post-training noise must be one of absolute, relative, got 'log'"),
    ],
)
def test_unknown_options_of_the_noise_are_refused(options: dict, sentence: str):
    with pytest.raises(InvalidValueError, match=sentence):
        WeightNoise(sigma=0.1, **options)
