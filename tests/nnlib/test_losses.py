"""Losses against scikit-learn's metrics, PyTorch's losses and their own gradients, in both types, at any logit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error

import nnlib as nn

RNG = np.random.default_rng(0)
Z = RNG.normal(scale=2.0, size=(30, 3))
WEIGHTS = RNG.uniform(0, 3, size=30)
TARGETS = {
    "binary_cross_entropy": RNG.integers(0, 2, size=(30, 3)),
    "categorical_cross_entropy": np.arange(30) % 3,
    "squared_error": RNG.normal(size=(30, 3)),
    "half_squared_error": RNG.normal(size=(30, 3)),
    "poisson": RNG.poisson(1.5, size=(30, 3)),  # with zeros among them
}
LOGITS = st.floats(-1e3, 1e3) | st.sampled_from([0.0, -0.0, 1e-30, -1e-30, 36.7, -36.7, 709.0, -709.0])


def straight(loss, logits, y, dtype="float64"):
    """The loss, and its gradient by the logits, of a network that passes its inputs on."""
    k = logits.shape[1]
    network = nn.Network(k, [nn.Dense(k)], loss=loss, rng=0, dtype=dtype)
    network.layers[0].W = np.eye(k)
    value = network.loss(logits, y)
    rows = []
    for i in range(len(logits)):
        _, gradient = network.loss_and_gradient(logits[i : i + 1], y[i : i + 1])
        rows.append(network.unpack(gradient)[0][1])
    return value, np.array(rows)


@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["alike", "weighted"])
def test_values_agree_with_scikit_learn(weight):
    y = TARGETS["categorical_cross_entropy"]
    expected = log_loss(y, nn.softmax(Z), sample_weight=weight)
    np.testing.assert_allclose(nn.categorical_cross_entropy(Z, y, weight), expected, rtol=1e-12)
    y, p = TARGETS["binary_cross_entropy"], nn.sigmoid(Z)
    expected = sum(log_loss(y[:, k], p[:, k], sample_weight=weight) for k in range(3))
    np.testing.assert_allclose(nn.binary_cross_entropy(Z, y, weight), expected, rtol=1e-12)
    y = TARGETS["squared_error"]
    expected = 3 * mean_squared_error(y, Z, sample_weight=weight)  # ours is a sum over the outputs
    np.testing.assert_allclose(nn.squared_error(Z, y, weight), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.half_squared_error(Z, y, weight), expected / 2, rtol=1e-12)
    y = TARGETS["poisson"]
    expected = sum(mean_poisson_deviance(y[:, k], np.exp(Z[:, k]), sample_weight=weight) for k in range(3)) / 2
    np.testing.assert_allclose(nn.poisson(Z, y, weight), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", sorted(nn.LOSSES))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_gradient_by_the_logits_is_outputs_minus_targets(loss, dtype):
    y = TARGETS[loss]
    value, gradient = straight(loss, Z, y, dtype)
    t = np.eye(3)[y] if y.ndim == 1 else y
    outputs = nn.LOSSES[loss].link(Z)
    same = {"rtol": 1e-11, "atol": 1e-13} if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(gradient, (outputs - t) * (2 if loss == "squared_error" else 1), **same)
    np.testing.assert_allclose(value, nn.LOSSES[loss](Z, y), **same)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
@given(z=st.lists(LOGITS, min_size=2, max_size=2), label=st.integers(0, 1))
def test_cross_entropies_are_finite_and_never_negative_and_fall_with_their_logit(loss, z, label):
    t = np.array([1 - label, label])
    y = np.array([label]) if loss.startswith("categorical") else t[None]
    for dtype in ("float64", "float32"):
        value, gradient = straight(loss, np.array([z]), y, dtype)
        assert np.isfinite(value) and value >= 0
        assert np.isfinite(gradient).all() and (np.abs(gradient) <= 1).all()
        assert (gradient * (1 - 2 * t) >= 0).all()  # down for the label's logit, up for the other


@given(st.floats(-80, 80), st.sampled_from([0.0, 1.0]) | st.floats(0, 1))
def test_binary_cross_entropy_in_float32_keeps_the_digits_of_float32(z, label):
    value, _ = straight("binary_cross_entropy", np.array([[np.float32(z)]]), np.array([np.float32(label)]), "float32")
    exact = nn.binary_cross_entropy([[float(np.float32(z))]], [float(np.float32(label))])
    # A probability as label leaves a small difference of two numbers as large as the logit.
    rounding = 0 if label in (0, 1) else 2e-7 * abs(z)
    np.testing.assert_allclose(value, exact, rtol=1e-6, atol=1e-37 + rounding)


@given(st.floats(0, 1), st.floats(-5, 5))
def test_soft_labels_cost_least_at_their_own_logit(label, shift):
    """Gibbs' inequality: the cross-entropy is at least the entropy."""
    label = min(max(label, 1e-6), 1 - 1e-6)
    at = np.log(label / (1 - label))
    least = nn.binary_cross_entropy([[at]], [label])
    entropy = -label * np.log(label) - (1 - label) * np.log(1 - label)
    np.testing.assert_allclose(least, entropy, rtol=1e-9)
    assert nn.binary_cross_entropy([[at + shift]], [label]) >= least - 1e-12
    pair = [label, 1 - label]
    assert nn.categorical_cross_entropy([[shift, 0.3]], [pair]) >= entropy - 1e-12
    np.testing.assert_allclose(nn.categorical_cross_entropy([np.log(pair)], [pair]), entropy, rtol=1e-9)


def test_poisson_is_zero_where_the_mean_is_the_count_and_takes_zeros():
    counts = np.array([[1.0], [3.0], [250.0]])
    np.testing.assert_allclose(nn.poisson(np.log(counts), counts), 0, atol=1e-12)
    np.testing.assert_allclose(nn.poisson([[-2.0]], [0]), np.exp(-2.0))
    np.testing.assert_allclose(nn.poisson([[-1e4]], [0]), 0)
    network = nn.Network(1, [nn.Dense(1)], loss="poisson", rng=0)
    assert (network.predict([[-3.0], [5.0]]) > 0).all()
    with pytest.raises(ValueError, match="y goes down to -2; the Poisson loss takes counts, which are at least 0"):
        network.loss([[1.0], [2.0]], [1, -2])
    with pytest.raises(ValueError, match="poisson takes logits and applies exponential itself"):
        nn.Network(1, [nn.Dense(1, "relu")], loss="poisson", rng=0)
    with pytest.raises(ValueError, match="poisson has no classes"):
        network.classify([[1.0]])


@pytest.mark.slow
def test_values_agree_with_pytorch_far_out():
    torch = pytest.importorskip("torch")
    z = np.array([[-800.0, 3.0], [800.0, -40.0], [1e-9, 0.0], [50.0, 51.0]])
    t = np.array([[1.0, 0.25], [0.0, 1.0], [0.5, 1.0], [1.0, 0.0]])
    there = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(there, torch.tensor(t), reduction="none")
    expected.sum().backward()
    value, gradient = straight("binary_cross_entropy", z, t)
    np.testing.assert_allclose(value, expected.detach().sum(dim=1).mean(), rtol=1e-12)
    np.testing.assert_allclose(gradient, there.grad, rtol=1e-9, atol=1e-15)
    there = torch.tensor(z, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(there, torch.tensor([0, 1, 1, 0]), reduction="none")
    expected.sum().backward()
    value, gradient = straight("categorical_cross_entropy", z, np.array([0, 1, 1, 0]))
    np.testing.assert_allclose(value, expected.detach().mean(), rtol=1e-12)
    np.testing.assert_allclose(gradient, there.grad, rtol=1e-9, atol=1e-15)
