"""Optimizers: closed forms, PyTorch's trajectories, and what each must do on any problem."""

import copy
import pickle

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


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_on_a_quadratic_is_a_linear_recursion(nesterov):
    """Of (theta, velocity), by a matrix per curvature h; its powers give the whole path.

    Polyak: v' = b v + h x, x' = x - r v'. Nesterov: the same v', and x' = x - r (h x + b v').
    """
    start, rate, b = np.array([1.0, -2.0, 3.0]), 0.2, 0.8
    path = descend(nn.SGD(rate, momentum=b, nesterov=nesterov), start.copy(), 30)
    for i, h in enumerate(CURVATURE):
        first = [1 - rate * h * (1 + b), -rate * b**2] if nesterov else [1 - rate * h, -rate * b]
        step = np.array([first, [h, b]])
        expected = [(np.linalg.matrix_power(step, t) @ [start[i], 0])[0] for t in range(31)]
        np.testing.assert_allclose(path[:, i], expected, rtol=1e-10, atol=1e-13)


def test_critical_momentum_has_its_closed_form():
    """With b = (1 - sqrt(r h))**2 both roots are s = 1 - sqrt(r h): x_t = (1 + (1 - s) t) s**t x_0."""
    rate, h = 0.09, 1.0
    s = 1 - np.sqrt(rate * h)
    path = descend(nn.SGD(rate, momentum=s**2), np.array([2.0]), 40, lambda theta: h * theta)
    t = np.arange(41)
    np.testing.assert_allclose(path[:, 0], 2 * (1 + (1 - s) * t) * s**t, rtol=1e-6, atol=1e-12)


def test_momentum_of_a_constant_gradient_reaches_its_limit():
    """velocity_t = (1 - b**t) / (1 - b)."""
    path = descend(nn.SGD(0.5, momentum=0.9), np.zeros(1), 50, np.ones_like)
    np.testing.assert_allclose(-np.diff(path[:, 0]), 0.5 * (1 - 0.9 ** np.arange(1, 51)) / 0.1, rtol=1e-12)


def test_rmsprop_divides_by_the_root_of_a_running_mean():
    """In sums instead of recursions."""
    rate, b, epsilon = 0.05, 0.8, 1e-6
    path = descend(nn.RMSProp(rate, b, epsilon), np.array([1.0, -2.0, 3.0]), 30)
    gradients = CURVATURE * path
    for t in range(1, 31):
        mean = ((1 - b) * b ** np.arange(t)[::-1, None] * gradients[:t] ** 2).sum(axis=0)
        np.testing.assert_allclose(
            path[t], path[t - 1] - rate * gradients[t - 1] / (np.sqrt(mean) + epsilon), rtol=1e-10
        )


def rosenbrock(theta, steep=100):
    """Gradient of (1 - x)**2 + steep (y - x**2)**2, for any leading axes."""
    x, y = theta[..., 0], theta[..., 1]
    return np.stack([-2 * (1 - x) - 4 * steep * x * (y - x**2), 2 * steep * (y - x**2)], axis=-1)


PAIRS = {  # ours, PyTorch's and the longest gradient
    "SGD": (lambda: nn.SGD(1e-3), lambda t, p: t.SGD(p, 1e-3), None),
    "momentum": (lambda: nn.SGD(1e-4, 0.9), lambda t, p: t.SGD(p, 1e-4, momentum=0.9), None),
    "Nesterov": (lambda: nn.SGD(1e-4, 0.9, True), lambda t, p: t.SGD(p, 1e-4, momentum=0.9, nesterov=True), None),
    "SGD with decay": (
        lambda: nn.SGD(1e-4, 0.8, weight_decay=0.1),
        lambda t, p: t.SGD(p, 1e-4, momentum=0.8, weight_decay=0.1),
        None,
    ),
    "RMSProp": (lambda: nn.RMSProp(1e-3, 0.95), lambda t, p: t.RMSprop(p, 1e-3, 0.95), None),
    "Adam": (lambda: nn.Adam(0.02, 0.8, 0.99), lambda t, p: t.Adam(p, 0.02, (0.8, 0.99)), None),
    "Adam with decay": (lambda: nn.Adam(0.02, weight_decay=0.1), lambda t, p: t.Adam(p, 0.02, weight_decay=0.1), None),
    "AdamW": (lambda: nn.AdamW(0.02, weight_decay=0.1), lambda t, p: t.AdamW(p, 0.02, weight_decay=0.1), None),
    "defaults of Adam": (nn.Adam, lambda t, p: t.Adam(p), None),
    "defaults of AdamW": (nn.AdamW, lambda t, p: t.AdamW(p), None),
    "defaults of RMSProp": (nn.RMSProp, lambda t, p: t.RMSprop(p), None),
    "clipped SGD": (lambda: nn.SGD(1e-3, 0.9, clip=2.0), lambda t, p: t.SGD(p, 1e-3, momentum=0.9), 2.0),
    "clipped, with decay": (
        lambda: nn.SGD(1e-3, weight_decay=0.2, clip=2.0),
        lambda t, p: t.SGD(p, 1e-3, weight_decay=0.2),
        2.0,
    ),
    "clipped AdamW": (lambda: nn.AdamW(0.02, clip=3.0), lambda t, p: t.AdamW(p, 0.02), 3.0),
}


def clip_exactly(parameter, most):
    """PyTorch's clip_grad_norm_ without the 1e-6 that it adds to the norm."""
    length = parameter.grad.norm()
    if length > most:
        parameter.grad *= most / length


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "start, gradient",
    [([1.0, -2.0, 3.0], lambda theta: CURVATURE * theta), ([-1.2, 1.0], rosenbrock)],
    ids=["quadratic", "Rosenbrock"],
)
@pytest.mark.slow
def test_trajectories_equal_those_of_pytorch(name, start, gradient):
    torch = pytest.importorskip("torch")
    make, peer, clip = PAIRS[name]
    path = descend(make(), np.array(start), 200, gradient)
    parameter = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = peer(torch.optim, [parameter])
    for expected in path:
        np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-10, atol=1e-10)
        parameter.grad = torch.tensor(gradient(parameter.detach().numpy()))
        if clip is not None:
            clip_exactly(parameter, clip)
        optimizer.step()
    assert np.abs(path[-1] - path[0]).max() > 0.02


@pytest.mark.slow
def test_clipping_is_that_of_pytorch_but_for_its_epsilon():
    torch = pytest.importorskip("torch")
    for gradient in ([30.0, -40.0], [0.3, -0.4], [0.0, 0.0]):
        theta, optimizer, parameter = np.zeros(2), nn.SGD(1.0, clip=5.0), torch.zeros(2, dtype=torch.float64)
        optimizer.start(theta)
        optimizer.step(theta, np.array(gradient))
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        torch.nn.utils.clip_grad_norm_([parameter], 5.0)
        np.testing.assert_allclose(-theta, parameter.grad, rtol=1e-6)
        assert np.linalg.norm(theta) <= 5 * (1 + 1e-15)


CONVERGING = {
    "SGD": lambda: nn.SGD(1e-2),
    "momentum": lambda: nn.SGD(2e-3, momentum=0.9),
    "Nesterov": lambda: nn.SGD(2e-3, momentum=0.9, nesterov=True),
    "RMSProp": lambda: nn.RMSProp(nn.schedules.cosine(0.05, 1500)),
    "Adam": lambda: nn.Adam(nn.schedules.cosine(0.1, 1500)),
    "AdamW": lambda: nn.AdamW(nn.schedules.cosine(0.1, 1500), weight_decay=1e-6),
    "clipped": lambda: nn.SGD(2e-3, momentum=0.9, clip=5.0),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONVERGING)
def test_every_optimizer_converges(name, dtype):
    """Four starts at once: two on a quadratic, two in Rosenbrock's valley. Both have their lowest point at (1, 1)."""
    curvature = np.array([1.0, 20.0], dtype)
    theta, optimizer = np.array([[3.0, -2.0], [-1.0, 1.5], [-1.2, 1.0], [0.5, 2.0]], dtype), CONVERGING[name]()
    optimizer.start(theta)
    for _ in range(1500):
        optimizer.step(theta, np.concatenate([curvature * (theta[:2] - 1), rosenbrock(theta[2:], steep=10)]))
    assert theta.dtype == dtype
    np.testing.assert_allclose(theta, 1, atol=0.01)


ALL = {
    "SGD": lambda rate: nn.SGD(rate),
    "momentum": lambda rate: nn.SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: nn.SGD(rate, momentum=0.9, nesterov=True),
    "RMSProp": lambda rate: nn.RMSProp(rate),
    "Adam": lambda rate: nn.Adam(rate),
    "AdamW": lambda rate: nn.AdamW(rate, weight_decay=0.1),
    "all at once": lambda rate: nn.Adam(rate, weight_decay=0.1, clip=1.0),
    "chain": lambda rate: nn.Optimizer(rate, [nn.Momentum(0.5), nn.Clip(0.5), nn.Decay(0.1)]),
}


def of_one(rates, r):
    """The rate, or schedule, of network `r` of a stack."""
    if not callable(rates):
        return rates[r]
    return lambda step: np.broadcast_to(rates(step), 3)[r]


def gradients(steps, shape, dtype="float64"):
    return np.random.default_rng(7).normal(size=(steps, *shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    "rates",
    [[0.1, 0.01, 0.3], lambda step: np.array([0.1, 0.01, 0.3]) / (1 + step), nn.schedules.cosine(0.1, 5)],
    ids=["rates", "schedule of rates", "schedule"],
)
def test_each_network_of_a_stack_moves_as_if_alone(make, rates, dtype):
    decayed = np.array([True, False, True, True])
    theta, steps = gradients(1, (3, 4), dtype)[0], gradients(12, (3, 4), dtype)
    starts = theta.copy()
    stack = make(rates)
    stack.start(theta, decayed)
    for grad in steps:
        stack.step(theta, grad)
    assert theta.dtype == dtype
    for r in range(3):
        alone, single = starts[r].copy(), make(of_one(rates, r))
        single.start(alone, decayed)
        for grad in steps:
            single.step(alone, grad[r])
        np.testing.assert_allclose(
            theta[r], alone, rtol=1e-12 if dtype == "float64" else 1e-4, atol=1e-6 * (dtype == "float32")
        )


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_start_forgets_and_the_gradient_is_left_alone(make):
    optimizer, steps = make([0.1, 0.2]), gradients(5, (2, 3))
    before = steps.copy()
    paths = []
    for _ in range(2):
        theta = np.ones((2, 3))
        optimizer.start(theta)
        assert optimizer.steps == 0
        for grad in steps:
            optimizer.step(theta, grad)
        assert optimizer.steps == 5
        paths.append(theta)
    np.testing.assert_array_equal(steps, before)
    np.testing.assert_array_equal(*paths)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize("how", ["recall", "pickle", "deepcopy"])
def test_what_an_optimizer_remembers_is_enough_to_go_on(how, make, dtype):
    schedule = nn.schedules.cosine(0.1, 12)
    decayed, steps = np.array([True, False, True]), gradients(10, (2, 3), dtype)
    theta, optimizer = np.ones((2, 3), dtype), make(schedule)
    optimizer.start(theta, decayed)
    for grad in steps[:4]:
        optimizer.step(theta, grad)
    other = theta.copy()
    if how == "recall":
        twin = make(schedule)
        twin.start(other, decayed)
        twin.recall(optimizer.steps, {name: array.copy() for name, array in optimizer.memory().items()})
    else:
        twin = copy.deepcopy(optimizer) if how == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
    for grad in steps[4:]:
        optimizer.step(theta, grad)
    for grad in steps[4:]:
        twin.step(other, grad)
    np.testing.assert_array_equal(theta, other)
    assert twin.steps == optimizer.steps == 10


def test_the_memory_of_another_optimizer_is_refused():
    theta = np.ones(3)
    adam, sgd = nn.Adam(0.1), nn.SGD(0.1)
    adam.start(theta), sgd.start(theta)
    with pytest.raises(ValueError, match=r"kept nothing, this one keeps \['0.mean'.*the run began with"):
        adam.recall(3, sgd.memory())
    with pytest.raises(ValueError, match="this one keeps nothing"):
        sgd.recall(3, adam.memory())
    with pytest.raises(ValueError, match=r"optimizer memory 0.mean has shape \(2,\); expected \(3,\)"):
        adam.recall(3, {"0.mean": np.ones(2), "0.square": np.ones(3), "0.t": np.array(1.0)})


# Weight decay


X = np.random.default_rng(1).normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)


def classifier(rng=0, hidden=4):
    layers = [nn.Dense(hidden, "tanh"), nn.BatchNorm(), nn.Dense(1)]
    return nn.Network(3, layers, loss="binary_cross_entropy", rng=rng)


@pytest.mark.parametrize("rng", [0, [0, 1]], ids=["single", "stack"])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_decoupled_decay_shrinks_weights_only_whatever_the_batch(rng, batch_size):
    """With a loss that is flat, only the decay is left."""
    network = classifier(rng)
    network.layers[0].b, network.layers[1].beta = network.layers[0].b + 0.5, network.layers[1].beta - 0.5
    before = network.theta.copy()
    flat = nn.Loss(**{**vars(nn.squared_error), "name": "flat", "evaluate": flat_loss})
    network.loss_function = flat
    steps = 10 * (1 if batch_size is None else 5)
    nn.train(network, X, Y, nn.AdamW(0.1, weight_decay=0.2), 10, batch_size=batch_size, rng=0, accuracy=False)
    shrunk = (1 - 0.1 * 0.2) ** steps
    np.testing.assert_allclose(network.theta, np.where(network.decayed, shrunk, 1) * before, rtol=1e-12)


def flat_loss(z, t):
    return np.zeros(z.shape[:-2] + z.shape[-1:]), np.zeros_like(z)


def test_decay_as_a_penalty_is_the_gradient_of_half_the_squared_weights():
    """Independent of the number of samples: repeated data gives the same steps."""
    rate, decay = 0.1, 0.3
    one, two, by_hand = classifier(), classifier(), classifier()
    nn.train(one, X, Y, nn.SGD(rate, weight_decay=decay), 5)
    nn.train(two, np.tile(X, (3, 1)), np.tile(Y, 3), nn.SGD(rate, weight_decay=decay), 5)
    for _ in range(5):
        _, gradient = by_hand.loss_and_gradient(X, Y, training=True)
        by_hand.theta -= rate * (gradient + decay * by_hand.theta * by_hand.decayed)
    np.testing.assert_allclose(one.theta, by_hand.theta, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(two.theta, by_hand.theta, rtol=1e-11, atol=1e-14)


def test_decay_behind_clipping_is_not_clipped():
    theta = np.array([100.0])
    for optimizer, expected in (
        (nn.SGD(1.0, weight_decay=0.1, clip=1.0), 100 - 1 - 10),
        (nn.Optimizer(1.0, [nn.Decay(0.1), nn.Clip(1.0)]), 100 - 1),
    ):
        moved = theta.copy()
        optimizer.start(moved)
        optimizer.step(moved, np.array([5.0]))
        np.testing.assert_allclose(moved, expected, rtol=1e-14)


def test_clipping_is_done_for_each_network_of_a_stack():
    theta, optimizer = np.zeros((2, 2)), nn.SGD(1.0, clip=1.0)
    optimizer.start(theta)
    optimizer.step(theta, np.array([[3.0, 4.0], [0.3, 0.4]]))
    np.testing.assert_allclose(theta, [[-0.6, -0.8], [-0.3, -0.4]], rtol=1e-14)


@pytest.mark.parametrize("dtype, large", [("float32", 1e30), ("float64", 1e300)])
def test_a_gradient_whose_square_overflows_is_clipped_too(dtype, large):
    theta, optimizer = np.zeros((3, 2), dtype), nn.SGD(1.0, clip=1.0)
    optimizer.start(theta)
    optimizer.step(theta, np.array([[3 * large, 4 * large], [3e-12 * large, 4e-12 * large], [0.3, 0.4]], dtype))
    np.testing.assert_allclose(theta, [[-0.6, -0.8], [-0.6, -0.8], [-0.3, -0.4]], rtol=1e-6)


def test_the_learning_rate_may_be_changed_in_between():
    theta, optimizer = np.zeros(1), nn.SGD(1.0)
    optimizer.start(theta)
    optimizer.step(theta, np.ones(1))
    optimizer.learning_rate = nn.schedules.constant(0.25)
    optimizer.step(theta, np.ones(1))
    np.testing.assert_array_equal(theta, [-1.25])


def test_a_schedule_is_asked_for_every_step_from_zero():
    theta, rates = np.zeros(1), [4.0, 2.0, 0.0, 1.0]
    optimizer = nn.SGD(lambda step: rates[step])
    path = descend(optimizer, theta, 4, np.ones_like)
    np.testing.assert_array_equal(-np.diff(path[:, 0]), rates)


# Bad input


@pytest.mark.parametrize("make", [nn.SGD, nn.RMSProp, nn.Adam, nn.AdamW, nn.Optimizer])
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
        ({"beta1": 1.0}, "beta1 must be at least 0 and below 1, not 1.0"),
        ({"beta2": -0.1}, "beta2 must be at least 0 and below 1, not -0.1"),
        ({"beta2": np.nan}, "beta2 must be at least 0 and below 1, not nan"),
        ({"beta1": "high"}, "beta1 must be at least 0 and below 1, not 'high'"),
        ({"epsilon": 0}, "epsilon must be a finite number above 0, not 0"),
        ({"epsilon": [1e-8]}, "epsilon must be a finite number above 0"),
    ],
)
def test_adam_checks_its_options(options, message):
    with pytest.raises(ValueError, match=message):
        nn.Adam(0.1, **options)


def started(optimizer, theta=(0.0, 1.0)):
    return lambda: optimizer.start(np.array(theta))


@pytest.mark.parametrize(
    "build, error, parts",
    [
        (lambda: nn.SGD(0.1, momentum=1), ValueError, ["momentum must be at least 0 and below 1, not 1"]),
        (lambda: nn.SGD(0.1, momentum=-0.5), ValueError, ["momentum must be at least 0", "not -0.5"]),
        (lambda: nn.SGD(0.1, momentum="0.9"), ValueError, ["momentum must be at least 0", "not '0.9'"]),
        (lambda: nn.SGD(0.1, nesterov=True), ValueError, ["nesterov=True needs a momentum", "momentum=0.9"]),
        (lambda: nn.SGD(0.1, weight_decay=-1), ValueError, ["weight_decay must be a finite number above 0, not -1"]),
        (lambda: nn.Adam(0.1, weight_decay=np.nan), ValueError, ["weight_decay", "not nan"]),
        (lambda: nn.AdamW(0.1, weight_decay=-1), ValueError, ["weight_decay must be a finite number above 0, not -1"]),
        (lambda: nn.SGD(0.1, clip=0), ValueError, ["norm must be a finite number above 0, not 0"]),
        (lambda: nn.RMSProp(0.1, beta=1.0), ValueError, ["beta must be at least 0 and below 1, not 1.0"]),
        (lambda: nn.RMSProp(0.1, epsilon=-1), ValueError, ["epsilon must be a finite number above 0, not -1"]),
        (lambda: nn.Optimizer(0.1, ["momentum"]), TypeError, ["nn.Clip(1.0)", "not 'momentum'"]),
        (lambda: nn.Optimizer(0.1, [nn.Clip]), TypeError, ["nn.Clip(1.0)", "Clip'>"]),
        (lambda: nn.SGD(0.1).step(np.ones(2), np.ones(2)), RuntimeError, ["SGD(0.1) was not started", "start(theta)"]),
        (started(nn.SGD(lambda step: None)), ValueError, ["schedule returned None at step 0", "a number"]),
        (started(nn.SGD(lambda step: "0.1")), ValueError, ["schedule returned 0.1 at step 0", "a number"]),
        (started(nn.SGD(lambda step: np.nan)), ValueError, ["schedule returned nan at step 0", "at least 0"]),
        (started(nn.SGD(lambda step: -0.5)), ValueError, ["schedule returned -0.5 at step 0", "at least 0"]),
        (started(nn.SGD(lambda step: np.inf)), ValueError, ["schedule returned inf at step 0"]),
        (started(nn.SGD(lambda step: np.ones(2))), ValueError, ["shape (2,)", "single network", "a number"]),
        (started(nn.SGD(lambda step: [1, 1]), [[0.0]]), ValueError, ["shape (2,)", "a stack of 1", "one rate per"]),
        (started(nn.Adam([0.1, 0.2])), ValueError, ["learning_rate has shape (2,)", "single network"]),
    ],
)
def test_optimizers_say_what_is_wrong(build, error, parts):
    with pytest.raises(error) as info:
        build()
    assert info.type is error
    assert all(part in str(info.value) for part in parts), str(info.value)


def test_a_schedule_that_goes_wrong_later_stops_there():
    network = classifier()
    with pytest.raises(ValueError, match="the schedule returned -0.1 at step 2; it must be a number, at least 0"):
        nn.train(network, X, Y, nn.SGD(lambda step: 0.1 * (1 - step) if step else 0.1), 5)
    assert np.isfinite(network.theta).all()


def test_going_on_with_a_network_of_another_size():
    optimizer = nn.Adam(0.1)
    nn.train(classifier(), X, Y, optimizer, 1)
    with pytest.raises(ValueError, match=r"started for parameters of shape \(29,\).*\(36,\), or other layers: leave out restart=False"):
        nn.train(classifier(hidden=5), X, Y, optimizer, 1, restart=False)


def test_a_single_transform_needs_no_list_and_repr_is_readable():
    assert nn.Optimizer(0.1, nn.Clip(2.0)).transforms[0].norm == 2
    assert repr(nn.SGD(nn.schedules.cosine(0.1, 10))) == "SGD(cosine(0.1, 10, 0.0))"
    assert repr(nn.Adam(0.5)) == "Adam(0.5)" and repr(nn.SGD(rosenbrock)) == "SGD(rosenbrock)"


# Going on, sharing, settings


def test_an_optimizer_does_not_go_on_with_other_layers():
    """Equal numbers of parameters, other biases: the old mask would leave four weights undecayed."""
    X, y = np.ones((4, 2)), np.zeros(4)
    one = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    other = nn.Network(16, [nn.Dense(1)], loss="squared_error", rng=0)
    assert one.theta.shape == other.theta.shape
    optimizer = nn.AdamW(0.1)
    nn.train(one, X, y, optimizer, 2)
    before = other.theta.copy()
    with pytest.raises(ValueError, match="or other layers: leave out restart=False"):
        nn.train(other, np.ones((4, 16)), y, optimizer, 2, restart=False)
    np.testing.assert_array_equal(other.theta, before)
    nn.train(one.copy(), X, y, optimizer, 2, restart=False)  # the same layers
    assert optimizer.steps == 4


def test_optimizers_made_from_one_transform_remember_apart():
    momentum = nn.Momentum(0.9)
    one, two = nn.Optimizer(0.1, [momentum]), nn.Optimizer(0.1, [momentum])
    theta, other = np.zeros(2), np.zeros(2)
    one.start(theta), two.start(other)
    for _ in range(3):
        one.step(theta, np.ones(2))
    two.step(other, np.ones(2))
    np.testing.assert_allclose(other, -0.1)


def test_no_decay_is_a_decay_of_zero():
    plain, decoupled = np.array([1.0, -2.0]), np.array([1.0, -2.0])
    for optimizer, theta in ((nn.Adam(0.1), plain), (nn.AdamW(0.1, weight_decay=0), decoupled)):
        optimizer.start(theta)
        optimizer.step(theta, np.array([0.3, 0.1]))
    np.testing.assert_array_equal(plain, decoupled)
    with pytest.raises(ValueError, match="weight_decay must be a finite number above 0, not -1"):
        nn.AdamW(weight_decay=-1)


def test_settings_can_be_told_apart_and_changed():
    shown = [repr(nn.SGD(0.1)), repr(nn.SGD(0.1, momentum=0.9)), repr(nn.Adam(0.1, beta2=0.9)), repr(nn.AdamW(0.1))]
    assert shown == ["SGD(0.1)", "SGD(0.1, momentum=0.9)", "Adam(0.1, beta2=0.9)", "AdamW(0.1)"]
    for text in (*shown, "AdamW(0.1, weight_decay=0.5, clip=1.0)", "RMSProp(0.01, beta=0.5)"):
        assert repr(eval(text, vars(nn))) == text
    optimizer = nn.SGD(0.1, momentum=0.9)
    optimizer.learning_rate = 0.5
    assert optimizer.get_params()["learning_rate"] == 0.5
    assert repr(optimizer.set_params(momentum=0.5, clip=2.0)) == "SGD(0.5, momentum=0.5, clip=2.0)"
    assert [type(t).__name__ for t in optimizer.transforms] == ["Clip", "Momentum"]
    rates = nn.SGD([0.1, 0.2])
    assert repr(rates) == "SGD([0.1 0.2])"
