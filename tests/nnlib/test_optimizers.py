import numpy as np
import pytest

import nnlib as nn

CURVATURE = np.array([0.1, 1.0, 4.0])
DTYPES = ["float64", "float32"]


def descend(optimizer, theta, steps, gradient=lambda theta: CURVATURE.astype(theta.dtype) * theta):
    """The path of `optimizer` on the quadratic `sum(CURVATURE * theta**2) / 2`, start included."""
    path = [theta.copy()]
    optimizer.start(theta)
    for _ in range(steps):
        optimizer.step(theta, gradient(theta))
        path.append(theta.copy())
    return np.array(path)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sgd_on_a_quadratic_is_a_geometric_series(dtype):
    start, rate = np.array([1.0, -2.0, 3.0], dtype), 0.3
    path = descend(nn.SGD(rate), start.copy(), 20)
    expected = start * (1 - rate * CURVATURE) ** np.arange(21)[:, None]
    assert path.dtype == dtype
    np.testing.assert_allclose(path, expected, rtol=1e-12 if dtype == "float64" else 1e-4, atol=1e-7)


def test_sgd_one_rate_per_replicate():
    rates = np.array([0.1, 0.5])
    path = descend(nn.SGD(rates), np.ones((2, 3)), 20)
    expected = (1 - rates[:, None] * CURVATURE) ** np.arange(21)[:, None, None]
    np.testing.assert_allclose(path, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_adam_follows_the_paper(dtype):
    """Algorithm 1 in sums instead of recursions: m_t is a weighted sum of all gradients so far."""
    rate, b1, b2, epsilon, steps = 0.05, 0.8, 0.95, 1e-6, 30
    path = descend(nn.Adam(rate, b1, b2, epsilon), np.array([1.0, -2.0, 3.0], dtype), steps).astype(float)
    gradients = CURVATURE * path
    theta = path[0]
    for t in range(1, steps + 1):
        ages = np.arange(t)[::-1, None]
        m = ((1 - b1) * b1**ages * gradients[:t]).sum(axis=0) / (1 - b1**t)
        v = ((1 - b2) * b2**ages * gradients[:t] ** 2).sum(axis=0) / (1 - b2**t)
        theta = theta - rate * m / (np.sqrt(v) + epsilon)
        np.testing.assert_allclose(
            path[t], theta, rtol=1e-10 if dtype == "float64" else 1e-4, atol=1e-6 * (dtype == "float32")
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer, steps", [(nn.SGD(0.4), 500), (nn.Adam(0.05), 2000)], ids=repr)
def test_converges_on_a_quadratic(optimizer, steps, dtype):
    path = descend(optimizer, np.array([1.0, -2.0, 3.0], dtype), steps)
    assert path.dtype == dtype
    np.testing.assert_allclose(path[-1], 0, atol=1e-3)


@pytest.mark.parametrize("optimizer", [nn.SGD(0.1), nn.Adam(0.1), nn.Adam([0.1, 0.2])], ids=repr)
def test_step_leaves_the_gradient_and_start_forgets(optimizer):
    theta = np.ones((2, 3))
    gradient = np.array([[1.0, -2.0, 0.0], [3.0, 0.5, 1e-3]])
    before = gradient.copy()
    first = descend(optimizer, theta.copy(), 5, lambda theta: gradient)
    np.testing.assert_array_equal(gradient, before)
    again = descend(optimizer, theta.copy(), 5, lambda theta: gradient)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam])
@pytest.mark.parametrize(
    "rate",
    [0, -0.1, np.nan, np.inf, True, "0.5", None, 1j, [], [0.1, -1], [[0.1, 0.2]], [0.1, [0.2]], [True], ["a"]],
    ids=repr,
)
def test_learning_rate_must_be_a_positive_number(make, rate):
    with pytest.raises(ValueError) as info:
        make(rate)
    assert f"learning_rate must be a finite number above 0, not {rate!r}." in str(info.value)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(beta1=1.0), "beta1 must be at least 0 and below 1, not 1.0"),
        (dict(beta2=-0.1), "beta2 must be at least 0 and below 1, not -0.1"),
        (dict(beta2=np.nan), "beta2 must be at least 0 and below 1, not nan"),
        (dict(beta1="high"), "beta1 must be at least 0 and below 1, not 'high'"),
        (dict(epsilon=0), "epsilon must be a finite number above 0, not 0"),
        (dict(epsilon=[1e-8]), "epsilon must be a finite number above 0"),
    ],
)
def test_adam_checks_its_options(options, message):
    with pytest.raises(ValueError, match=message):
        nn.Adam(0.1, **options)
