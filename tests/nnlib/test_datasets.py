import numpy as np
import pytest

from nnlib.datasets import double_spiral, xor, xor_square


def test_xor_is_the_exclusive_or_of_its_inputs():
    X, y = xor()
    np.testing.assert_array_equal(y, X[:, 0].astype(int) ^ X[:, 1].astype(int))
    assert len(np.unique(X, axis=0)) == 4
    X[...] = 5  # a caller may write to what he got
    assert xor()[0].max() == 1


def test_xor_square_fills_the_square_and_labels_by_sign():
    X, y = xor_square(4000, rng=0, half_width=6)
    assert X.shape == (4000, 2) and y.shape == (4000,) and y.dtype.kind == "i"
    np.testing.assert_array_equal(y == 1, np.sign(X[:, 0]) * np.sign(X[:, 1]) < 0)
    assert (np.abs(X).max(axis=0) <= 6).all() and (np.abs(X).max(axis=0) > 5.9).all()
    np.testing.assert_allclose(X.var(axis=0), 12, rtol=0.05)  # of a uniform distribution: width squared / 12
    assert y.mean() == pytest.approx(0.5, abs=0.03)


def test_noise_of_the_square_moves_the_points_and_not_the_labels():
    clean, labels = xor_square(4000, rng=3)
    noisy, noisy_labels = xor_square(4000, rng=3, noise=0.1)
    np.testing.assert_array_equal(labels, noisy_labels)
    np.testing.assert_allclose((noisy - clean).std(axis=0), 0.1, rtol=0.05)
    assert ((noisy[:, 0] * noisy[:, 1] < 0) != labels).any()


def test_double_spiral_gives_the_numbers_on_record(reference):
    expected = reference["double_spiral"]
    X, y = double_spiral(rng=np.random.RandomState(42))
    exact = {"rtol": 0, "atol": 1e-12}
    for part, rows in (("train", slice(200, None)), ("test", slice(200))):
        assert list(X[rows].shape) == expected[f"{part}_shape"]
        np.testing.assert_allclose(X[rows][:3], expected[f"{part}_first_3"], **exact)
        np.testing.assert_array_equal(y[rows][:3], expected[f"{part}_first_3_labels"])
    assert X[200:].sum() == pytest.approx(expected["train_sum"], rel=1e-12)
    assert y[200:].sum() == expected["train_label_sum"]


@pytest.mark.parametrize("turns", [0.5, 2, 3])
def test_double_spiral_without_noise_lies_on_two_arms(turns):
    X, y = double_spiral(rng=1, n_per_arm=97, noise=0, turns=turns)
    assert np.bincount(y).tolist() == [97, 97]
    r = np.hypot(*X.T)
    arm = r * np.where(y == 0, 1, -1) * np.array([np.cos(r), np.sin(r)])
    np.testing.assert_allclose(X.T, arm, atol=1e-12)
    assert r.max() == pytest.approx(2 * np.pi * turns)
    assert 0 < (np.diff(y) != 0).sum() < 193  # shuffled: neither sorted by class nor alternating


def test_double_spiral_without_noise_is_shuffled_like_the_noisy_one():
    (clean, labels), (noisy, noisy_labels) = (double_spiral(rng=7, noise=noise) for noise in (0, 0.2))
    np.testing.assert_array_equal(labels, noisy_labels)
    np.testing.assert_allclose((noisy - clean).std(), 0.2, rtol=0.05)


@pytest.mark.parametrize("draw", [lambda rng: xor_square(20, 0.1, rng=rng), lambda rng: double_spiral(10, rng=rng)])
def test_randomness_is_passed_in(draw):
    before = np.random.get_state()[1].copy()
    same = [draw(5), draw(np.random.default_rng(5)), draw(np.random.SeedSequence(5))]
    for X, y in same[1:]:
        np.testing.assert_array_equal(X, same[0][0])
        np.testing.assert_array_equal(y, same[0][1])
    assert not np.array_equal(draw(6)[0], same[0][0])
    rng = np.random.default_rng(5)
    assert not np.array_equal(draw(rng)[0], draw(rng)[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize(
    "draw, error, message",
    [
        (lambda: xor_square(0, rng=0), ValueError, "n must be a whole number of at least 1, not 0"),
        (lambda: xor_square(2.5, rng=0), ValueError, "n must be a whole number of at least 1, not 2.5"),
        (lambda: xor_square(9, rng=None), TypeError, "rng must be a seed .* not None"),
        (
            lambda: xor_square(9, noise=-1, rng=0),
            ValueError,
            "noise must be a finite number above 0, not -1. For none, ",
        ),
        (lambda: xor_square(9, half_width=0, rng=0), ValueError, "half_width must be a finite number above 0, not 0"),
        (lambda: double_spiral(rng="42"), TypeError, "rng must be a seed .* not '42'"),
        (
            lambda: double_spiral(n_per_arm=0, rng=0),
            ValueError,
            "n_per_arm must be a whole number of at least 1, not 0",
        ),
        (lambda: double_spiral(noise=np.nan, rng=0), ValueError, "noise must be a finite number above 0, not nan"),
        (lambda: double_spiral(noise=[0, 1], rng=0), ValueError, "noise must be a finite number above 0, not"),
        (lambda: double_spiral(turns=0, rng=0), ValueError, "turns must be a finite number above 0, not 0"),
    ],
)
def test_bad_input_is_named(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
