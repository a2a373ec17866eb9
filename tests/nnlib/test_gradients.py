import numpy as np
import pytest

import nnlib as nn

LAST = {  # loss -> number of outputs, and the activations that may stand before it
    "binary_cross_entropy": (1, ["identity"]),
    "categorical_cross_entropy": (3, ["identity"]),
    "squared_error": (2, sorted(nn.ACTIVATIONS)),
}
CASES = [
    (hidden, loss, outputs, last)
    for loss, (outputs, lasts) in LAST.items()
    for last in lasts
    for hidden in sorted(nn.ACTIVATIONS)
]


def data(loss, outputs, n=7, features=3):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, features))
    if loss == "squared_error":
        return X, rng.normal(size=(n, outputs))
    return X, rng.integers(0, max(outputs, 2), size=n)


def build(hidden, loss, outputs, last, depth, rng, **options):
    layers = [nn.Dense(5, hidden) for _ in range(depth)] + [nn.Dense(outputs, last)]
    network = nn.Network(3, layers, loss=loss, rng=rng, **options)
    # Biases start at zero, and so does a relu behind a layer of silent relus: on its kink. Move them off.
    network.theta += np.random.default_rng(9).normal(scale=0.3, size=network.theta.shape).astype(network.dtype)
    return network


@pytest.mark.parametrize("hidden, loss, outputs, last", CASES)
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("rng", [3, (3, 4, 5)], ids=["single", "stack"])
def test_gradient_agrees_with_differences(hidden, loss, outputs, last, depth, rng):
    network = build(hidden, loss, outputs, last, depth, rng)
    before = network.theta.copy()
    assert nn.check_gradient(network, *data(loss, outputs), rng=0) < 1e-7
    np.testing.assert_array_equal(network.theta, before)


@pytest.mark.parametrize("hidden, loss, outputs, last", CASES)
def test_float32_gradient_agrees_with_float64(hidden, loss, outputs, last):
    X, y = data(loss, outputs)
    exact, coarse = (build(hidden, loss, outputs, last, 2, 3, dtype=dtype) for dtype in ("float64", "float32"))
    loss64, gradient64 = exact.loss_and_gradient(X, y)
    loss32, gradient32 = coarse.loss_and_gradient(X, y)
    assert gradient32.dtype == np.float32
    np.testing.assert_allclose(loss32, loss64, rtol=1e-5)
    np.testing.assert_allclose(gradient32, gradient64, rtol=1e-4, atol=2e-6 * np.abs(gradient64).max())


@pytest.mark.parametrize("loss", LAST)
def test_every_coordinate_of_the_gradient(loss):
    outputs = LAST[loss][0]
    X, y = data(loss, outputs)
    network = build("tanh", loss, outputs, "identity", 1, 3)

    def at(theta):
        network.theta = theta
        return network.loss(X, y)

    theta = network.theta.copy()
    numerical = nn.numerical_gradient(at, theta)
    network.theta = theta
    _, gradient = network.loss_and_gradient(X, y)
    np.testing.assert_allclose(gradient, numerical, atol=1e-9)


def test_soft_targets_and_several_yes_or_no_outputs():
    X, _ = data("squared_error", 1)
    p = np.random.default_rng(1).uniform(size=(7, 3))
    assert nn.check_gradient(build("tanh", "binary_cross_entropy", 3, "identity", 1, 0), X, p, rng=0) < 1e-7
    p /= p.sum(axis=1, keepdims=True)
    assert nn.check_gradient(build("tanh", "categorical_cross_entropy", 3, "identity", 1, 0), X, p, rng=0) < 1e-7


def test_the_check_finds_a_wrong_gradient():
    def backward(a, da):
        nn.tanh.backward(a, da)
        da *= 1.1

    wrong = nn.Activation("wrong", nn.tanh.forward, backward)
    network = nn.Network(3, [nn.Dense(5, wrong), nn.Dense(1)], loss="squared_error", rng=0)
    assert nn.check_gradient(network, *data("squared_error", 1), rng=0) > 1e-2


def test_a_custom_activation_joins_in():
    def forward(z):
        np.logaddexp(0, z, out=z)

    def backward(a, da):
        da *= -np.expm1(-a)

    softplus = nn.Activation("softplus", forward, backward)
    np.testing.assert_allclose(softplus.derivative(softplus([-1.0, 2.0])), nn.sigmoid([-1.0, 2.0]))
    network = nn.Network(3, [nn.Dense(5, softplus), nn.Dense(1)], loss="squared_error", rng=0)
    assert nn.check_gradient(network, *data("squared_error", 1), rng=0) < 1e-7


def test_the_check_is_not_fooled_by_noise():
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    flat = nn.Network(
        2, [nn.Dense(3, "sigmoid", "zeros"), nn.Dense(1, init="zeros")], loss="binary_cross_entropy", rng=0
    )
    assert not flat.loss_and_gradient(X, y)[1].any()
    assert nn.check_gradient(flat, X, y, rng=0) < 1e-7
    stack = nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=range(300))
    assert nn.check_gradient(stack, X, y, rng=0) < 1e-7


def test_the_check_does_not_pass_what_is_not_finite():
    network = build("tanh", "squared_error", 2, "identity", 1, 0)
    network.theta[0] = np.nan
    assert not nn.check_gradient(network, *data("squared_error", 2), rng=0) < 1e-7


def test_the_check_refuses_what_it_cannot_check():
    X, y = data("squared_error", 2)
    network = build("tanh", "squared_error", 2, "identity", 1, 0)
    with pytest.raises(ValueError, match="float64 network"):
        nn.check_gradient(build("tanh", "squared_error", 2, "identity", 1, 0, dtype="float32"), X, y, rng=0)
    with pytest.raises(ValueError, match="directions must be a whole number of at least 1, not 0"):
        nn.check_gradient(network, X, y, rng=0, directions=0)
    with pytest.raises(ValueError, match="step must be a finite number above 0, not 0"):
        nn.check_gradient(network, X, y, rng=0, step=0)
    with pytest.raises(ValueError, match="step must be a finite number above 0, not -1"):
        nn.numerical_gradient(np.sum, [1.0], step=-1)


def test_numerical_gradient_takes_any_shape_and_leaves_it():
    theta = np.arange(6).reshape(2, 3)
    np.testing.assert_allclose(nn.numerical_gradient(lambda v: (v**2).sum(), theta), 2 * theta, atol=1e-9)
    np.testing.assert_array_equal(theta, np.arange(6).reshape(2, 3))
    assert nn.numerical_gradient(lambda v: 3 * v, 1.0) == pytest.approx(3)


def test_numerical_gradient_of_a_function_that_returns_a_view_of_its_argument():
    assert nn.numerical_gradient(lambda v: v, 1.0) == pytest.approx(1)
    np.testing.assert_allclose(nn.numerical_gradient(lambda v: v[1, ...], [1.0, 2.0]), [0, 1], atol=1e-9)
