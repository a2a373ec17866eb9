"""Activations, losses and initializers, by themselves."""

from decimal import Decimal, localcontext
from math import erf

import numpy as np
import pytest

import nnlib as nn

LOGITS = [
    0.0,
    1e-20,
    -1e-20,
    0.5,
    -0.5,
    3.0,
    -3.0,
    36.0,
    -36.0,
    40.0,
    -40.0,
    700.0,
    -700.0,
    750.0,
    -750.0,
    1e5,
    -1e5,
    1e300,
    -1e300,
]


def softplus(z):
    """log(1 + exp(z)) to 50 digits; beyond 1000, exp(-z) is far below them."""
    with localcontext() as context:
        context.prec = 50
        z = Decimal(z)
        if z > 1000:
            return float(z)
        if z < -120:  # log(1 + x) = x - x**2 / 2 + ..., and 1 + x would be 1
            return float(z.exp()) if z > -1e6 else 0.0
        context.prec = 150
        return float((1 + z.exp()).ln())


@pytest.mark.parametrize("z", LOGITS)
@pytest.mark.parametrize("label", [0, 1])
def test_binary_cross_entropy_keeps_its_digits_at_any_logit(z, label):
    exact = softplus(-z) if label else softplus(z)
    np.testing.assert_allclose(nn.binary_cross_entropy([[z]], [label]), exact, rtol=1e-14, atol=1e-323)


@pytest.mark.parametrize("z", LOGITS)
@pytest.mark.parametrize("label", [0, 1])
def test_categorical_cross_entropy_of_two_classes_is_the_binary_one(z, label):
    """Right to the last bits of 1: a loss below 1e-16 may vanish."""
    exact = softplus(-z) if label else softplus(z)
    np.testing.assert_allclose(nn.categorical_cross_entropy([[0.0, z]], [label]), exact, rtol=1e-14, atol=2e-16)


def test_losses_of_many_classes_and_soft_labels():
    z, t = np.array([[0.3, -1.0, 2.0], [1000.0, 0.0, -1000.0]]), np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    with localcontext() as context:
        context.prec = 60
        rows = [[Decimal(float(value)) for value in row] for row in z]
        exact = 0
        for row, targets in zip(rows, t):
            log_sum = sum(value.exp() for value in row).ln()
            exact += sum(Decimal(float(target)) * (log_sum - value) for target, value in zip(targets, row))
    np.testing.assert_allclose(nn.categorical_cross_entropy(z, t), float(exact) / 2, rtol=1e-14)
    np.testing.assert_allclose(nn.squared_error([[1.0, 2.0], [3.0, 4.0]], [[0.0, 2.0], [3.0, 7.0]]), (1 + 9) / 2)
    p = 1 / (1 + np.exp(-z[0]))
    expected = -(t[0] * np.log(p) + (1 - t[0]) * np.log1p(-p)).sum()
    np.testing.assert_allclose(nn.binary_cross_entropy(z[:1], t[:1]), expected, rtol=1e-14)


def test_a_probability_of_zero_for_another_class_costs_nothing():
    """The difference of the logits overflows here, and infinity times zero is NaN."""
    assert nn.categorical_cross_entropy([[1e308, -1e308]], [0]) == 0
    assert nn.categorical_cross_entropy([[1e308, -1e308]], [1]) > 1e308


def test_losses_of_a_stack_of_logits():
    z, y = np.random.default_rng(0).normal(size=(4, 6, 3)), [0, 1, 2, 2, 1, 0]
    expected = [nn.categorical_cross_entropy(replicate, y) for replicate in z]
    np.testing.assert_allclose(nn.categorical_cross_entropy(z, y), expected, rtol=1e-14)


def gelu(z):
    inner, slope = np.sqrt(2 / np.pi) * (z + 0.044715 * z**3), np.sqrt(2 / np.pi) * (1 + 0.134145 * z**2)
    return 0.5 * z * (1 + np.tanh(inner)), 0.5 * (1 + np.tanh(inner)) + 0.5 * z * slope / np.cosh(inner) ** 2


FORMULAS = {
    "identity": (lambda z: z, lambda z: 1.0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: max(z, 0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
    "softplus": (lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
    "silu": (lambda z: z / (1 + np.exp(-z)), lambda z: (1 + np.exp(-z) * (1 + z)) / (1 + np.exp(-z)) ** 2),
    "gelu": (lambda z: gelu(z)[0], lambda z: gelu(z)[1]),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_elementwise_activations(name, dtype):
    function, derivative = (np.vectorize(f, otypes=[float]) for f in FORMULAS[name])
    f = nn.ACTIVATIONS[name]
    z = np.array([[-5.0, -1.0, -0.25], [0.5, 1.0, 5.0]])
    same = dict(rtol=1e-12) if dtype == np.float64 else dict(rtol=2e-4, atol=1e-6)
    a = f(z.astype(dtype))
    assert a.dtype == dtype
    np.testing.assert_allclose(a, function(z), **same)
    before = a.copy()
    z = z.astype(dtype)
    np.testing.assert_allclose(f.derivative(z), derivative(z), **{"atol": 1e-15} | same)  # gelu's is a small difference
    np.testing.assert_array_equal(f(z), before)
    assert f(0.5).shape == () and f(z[0]).shape == (3,) and f(z[None]).shape == (1, 2, 3)
    assert all(f(np.array([1, 2], dtype=kind)).dtype == np.float64 for kind in ("uint8", "int64", "bool"))


def test_saturated_activations_do_not_warn():
    np.testing.assert_array_equal(nn.sigmoid([-1e4, 1e4]), [0, 1])
    np.testing.assert_array_equal(nn.tanh([-1e4, 1e4]), [-1, 1])
    np.testing.assert_array_equal(nn.softmax([[1e4, -1e4], [-1e308, 1e308]]), [[1, 0], [0, 1]])
    np.testing.assert_allclose(nn.sigmoid([-700.0]), [np.exp(-700.0)], rtol=1e-14)
    with np.errstate(all="raise"):
        nn.sigmoid([-1e4, 1e4]), nn.softmax([[0.0, -1e4]]), nn.binary_cross_entropy([[1e4], [-1e4]], [0, 1])


def test_softmax_is_taken_row_by_row():
    """A single maximum for all rows would make 0 / 0 of the first."""
    np.testing.assert_allclose(nn.softmax([[0.0, 0.0], [5000.0, 5000.0]]), 0.5)
    np.testing.assert_allclose(nn.softmax([0.0, 0.0]), 0.5)
    z = np.random.default_rng(0).normal(size=(2, 5, 3))
    np.testing.assert_allclose(nn.softmax(z), np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True), rtol=1e-14)
    with pytest.raises(ValueError, match=r"softmax has no derivative per unit.*\(\.\.\., units, n\)"):
        nn.softmax.derivative([0.5, 0.5])


def test_gelu_is_near_z_times_the_normal_distribution():
    z = np.linspace(-6, 6, 1001)
    exact = np.array([value * (1 + erf(value / np.sqrt(2))) / 2 for value in z])
    assert np.abs(nn.gelu(z) - exact).max() < 5e-4


def test_names_in_the_tables():
    for table in (nn.ACTIVATIONS, nn.LOSSES):
        for name, entry in table.items():
            assert entry is getattr(nn, name) and name in repr(entry)


def test_initializers_have_the_moments_they_promise():
    fan_in, fan_out = 300, 200
    for init, variance, bound in [
        (nn.normal(0.5), 0.25, np.inf),
        (nn.normal(), 0.01**2, np.inf),
        (nn.uniform(-2, 1), 9 / 12, 2),
        (nn.xavier(), 2 / (fan_in + fan_out), np.sqrt(6 / (fan_in + fan_out))),
        (nn.he(), 2 / fan_in, np.inf),
        (nn.zeros(), 0, 0),
    ]:
        W = init(np.random.default_rng(0), fan_in, fan_out)
        assert W.shape == (fan_in, fan_out)
        np.testing.assert_allclose(W.var(), variance, rtol=0.02)
        assert np.abs(W).max() <= bound
    W = nn.uniform()(np.random.default_rng(0), fan_in, fan_out)
    assert 0 <= W.min() < 0.001 and 0.999 < W.max() < 1


def test_default_start_fits_the_activation():
    for activation, init in (("relu", nn.he), ("leaky_relu", nn.he), ("tanh", nn.xavier), ("identity", nn.xavier)):
        default = nn.Network(3, [nn.Dense(4, activation)], loss="squared_error", rng=1)
        explicit = nn.Network(3, [nn.Dense(4, activation, init())], loss="squared_error", rng=1)
        np.testing.assert_array_equal(default.theta, explicit.theta)
        assert not default.layers[0].b.any()
