import numpy as np
import pytest

import nnlib as nn
from nnlib import autograd

LAST = {  # loss -> number of outputs, and the activations that may stand before it
    "binary_cross_entropy": (1, ["identity"]),
    "categorical_cross_entropy": (3, ["identity"]),
    "squared_error": (2, sorted(nn.ACTIVATIONS)),
    "half_squared_error": (1, ["identity"]),
    "poisson": (2, ["identity"]),
}
HIDDEN = {  # what stands before the last layer, by the activation
    "one layer": lambda f: [nn.Dense(5, f)],
    "two layers": lambda f: [nn.Dense(5, f), nn.Dense(4, f)],
    "one unit": lambda f: [nn.Dense(5, f), nn.Dense(1, f)],
    "dropout": lambda f: [nn.Dropout(0.3), nn.Dense(6, f), nn.Dropout(0.5), nn.Dense(4, f)],
    "batch norm": lambda f: [nn.BatchNorm(), nn.Dense(5), nn.BatchNorm(f), nn.Dense(4, f), nn.BatchNorm()],
    "both": lambda f: [nn.Dense(5), nn.BatchNorm(f), nn.Dropout(0.3), nn.Dense(1, f), nn.Dropout(0.2), nn.Dropout(0)],
}
IN_TRAINING = {"dropout", "batch norm", "both"}  # others do the same in both modes
WEIGHTS = [2.0, 0.0, 1.0, 0.5, 3.0, 1.0, 0.1]


def data(loss, outputs, n=7, features=3):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, features))
    if loss.endswith("squared_error"):
        return X, rng.normal(size=(n, outputs))
    if loss == "poisson":
        return X, rng.poisson(2.0, size=(n, outputs))
    return X, rng.integers(0, max(outputs, 2), size=n)


def build(hidden, loss, outputs, last, layers="one layer", rng=3, **options):
    network = nn.Network(3, [*HIDDEN[layers](hidden), nn.Dense(outputs, last)], loss=loss, rng=rng, **options)
    # Biases start at zero, and so does a relu behind a layer of silent relus: on its kink. Move them off. Running
    # means start at 0 and 1, which would hide a forgotten one.
    noise = np.random.default_rng(9)
    network.theta += noise.normal(scale=0.3, size=network.theta.shape).astype(network.dtype)
    network.state += noise.uniform(0.1, 0.5, size=network.state.shape).astype(network.dtype)
    return network


def modes(layers):
    return (False, True) if layers in IN_TRAINING else (False,)


@pytest.mark.parametrize("loss", LAST)
@pytest.mark.parametrize("hidden", sorted(nn.ACTIVATIONS))
def test_gradient_agrees_with_differences(hidden, loss):
    """Of every layer; with and without weights; single and stacked; in training and not; with each last activation."""
    outputs, lasts = LAST[loss]
    X, y = data(loss, outputs)
    cases = [("one layer", last) for last in lasts] + [(layers, lasts[0]) for layers in HIDDEN if layers != "one layer"]
    for layers, last in cases:
        for training in modes(layers):
            for rng, weight in ((3, WEIGHTS), ((3, 4), None)) if training else ((3, None), ((3, 4), WEIGHTS)):
                network = build(hidden, loss, outputs, last, layers, rng)
                theta, state = network.theta.copy(), network.state.copy()
                error = nn.check_gradient(network, X, y, 0, directions=2, sample_weight=weight, training=training)
                assert error < 1e-7, (layers, last, training, rng, weight)
                np.testing.assert_array_equal(network.theta, theta)
                np.testing.assert_array_equal(network.state, state)


@pytest.mark.parametrize("loss", LAST)
@pytest.mark.parametrize("hidden", sorted(nn.ACTIVATIONS))
def test_float32_gradient_agrees_with_float64(hidden, loss):
    outputs, lasts = LAST[loss]
    X, y = data(loss, outputs)
    for layers in ("one layer", "one unit", "batch norm"):
        for last in lasts if layers == "one layer" else lasts[:1]:
            # Dropout draws other numbers in float32; test_layers.py shows its gradient in both types.
            for training in (False, layers == "batch norm"):
                exact, coarse = (
                    build(hidden, loss, outputs, last, layers, (3, 4), dtype=dtype) for dtype in ("float64", "float32")
                )
                loss64, gradient64 = exact.loss_and_gradient(X, y, WEIGHTS, training)
                loss32, gradient32 = coarse.loss_and_gradient(X, y, WEIGHTS, training)
                assert gradient32.dtype == loss32.dtype == np.float32
                np.testing.assert_allclose(loss32, loss64, rtol=1e-5)
                np.testing.assert_allclose(gradient32, gradient64, rtol=1e-4, atol=5e-6 * np.abs(gradient64).max())


@pytest.mark.parametrize("loss", LAST)
@pytest.mark.parametrize("layers, training", [("one layer", False), ("both", True)])
def test_every_coordinate_of_the_gradient(layers, training, loss):
    outputs = LAST[loss][0]
    X, y = data(loss, outputs)
    network = build("tanh", loss, outputs, "identity", layers)

    def at(theta):
        network.theta = theta
        return network.loss(X, y, WEIGHTS, training)

    theta = network.theta.copy()
    numerical = nn.numerical_gradient(at, theta)
    network.theta = theta
    _, gradient = network.loss_and_gradient(X, y, WEIGHTS, training)
    np.testing.assert_allclose(gradient, numerical, atol=1e-8)


def test_batch_norm_agrees_with_the_tape():
    """The tape knows nothing of batch normalization: it differentiates the formula as it stands in the paper."""
    X, y = data("squared_error", 1)
    network = nn.Network(3, [nn.Dense(4), nn.BatchNorm("tanh"), nn.Dense(1)], loss="squared_error", rng=2)
    network.theta += np.random.default_rng(3).normal(scale=0.3, size=network.theta.shape)
    loss, gradient = network.loss_and_gradient(X, y, training=True)
    (W, b), (gamma, beta), (V, c) = parts = [
        [autograd.Tensor(array) for array in of_layer] for of_layer in network.unpack(network.theta)
    ]
    z = X @ W + b
    centered = z - z.mean(axis=0)
    normal = centered / ((centered**2).mean(axis=0) + 1e-5) ** 0.5
    total = ((autograd.tanh(normal * gamma + beta) @ V + c - y) ** 2).sum() / len(X)
    total.backward()
    np.testing.assert_allclose(loss, total.value, rtol=1e-13)
    for of_layer, expected in zip(network.unpack(gradient), parts):
        for array, tensor in zip(of_layer, expected):
            np.testing.assert_allclose(array, tensor.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("loss", LAST)
@pytest.mark.slow
def test_gradient_agrees_with_pytorch(loss):
    torch = pytest.importorskip("torch")
    functions = {
        "binary_cross_entropy": torch.nn.BCEWithLogitsLoss(reduction="none"),
        "categorical_cross_entropy": torch.nn.CrossEntropyLoss(reduction="none"),
        "squared_error": torch.nn.MSELoss(reduction="none"),
        "half_squared_error": lambda z, t: (z - t) ** 2 / 2,
        "poisson": lambda z, t: z.exp() - z * t + torch.special.xlogy(t, t) - t,
    }
    outputs = LAST[loss][0]
    X, y = data(loss, outputs)
    for training in (True, False):
        layers = [nn.Dense(5), nn.BatchNorm("relu"), nn.Dense(4, "softplus"), nn.Dense(outputs)]
        network = nn.Network(3, layers, loss=loss, rng=1)
        value, gradient = network.loss_and_gradient(X, y, WEIGHTS, training)
        twin = torch.nn.Sequential(
            torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.ReLU(),
            torch.nn.Linear(5, 4), torch.nn.Softplus(), torch.nn.Linear(4, outputs),
        ).double().train(training)  # fmt: skip
        ours = [array for of_layer in network.unpack(network.theta) for array in of_layer]
        with torch.no_grad():
            for parameter, array in zip(twin.parameters(), ours):
                parameter.copy_(torch.tensor(array.T))
        if loss == "categorical_cross_entropy":
            values = functions[loss](twin(torch.tensor(X)), torch.tensor(y))
        else:
            t = torch.tensor(y, dtype=torch.float64).reshape(-1, outputs)
            values = functions[loss](twin(torch.tensor(X)), t).sum(dim=1)
        expected = (values * torch.tensor(WEIGHTS, dtype=torch.float64)).sum() / sum(WEIGHTS)
        expected.backward()
        np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
        ours = [array for of_layer in network.unpack(gradient) for array in of_layer]
        for array, parameter in zip(ours, twin.parameters()):
            np.testing.assert_allclose(array.T, parameter.grad, rtol=1e-9, atol=1e-14)


def test_soft_targets_and_several_yes_or_no_outputs():
    X, _ = data("squared_error", 1)
    p = np.random.default_rng(1).uniform(size=(7, 3))
    assert nn.check_gradient(build("tanh", "binary_cross_entropy", 3, "identity", rng=0), X, p, rng=0) < 1e-7
    p /= p.sum(axis=1, keepdims=True)
    assert nn.check_gradient(build("tanh", "categorical_cross_entropy", 3, "identity", rng=0), X, p, rng=0) < 1e-7


def test_the_check_finds_a_wrong_gradient():
    def forward(z):
        a, backward = nn.tanh.forward(z)
        return a, lambda da: 1.1 * backward(da)

    wrong = nn.Activation("wrong", forward)
    network = nn.Network(3, [nn.Dense(5, wrong), nn.Dense(1)], loss="squared_error", rng=0)
    assert nn.check_gradient(network, *data("squared_error", 1), rng=0) > 1e-2


def test_a_custom_activation_joins_in():
    def in_place(z):
        a = np.logaddexp(0, z, out=z)
        return a, lambda da: da * -np.expm1(-a)

    for softplus in (nn.Activation("in place", in_place), OWN["softplus"]):
        np.testing.assert_allclose(softplus.derivative([-1.0, 2.0]), nn.sigmoid([-1.0, 2.0]))
        network = nn.Network(3, [nn.Dense(5, softplus), nn.Dense(1)], loss="squared_error", rng=0)
        assert nn.check_gradient(network, *data("squared_error", 1), rng=0) < 1e-7


# Written as on paper: new arrays, and the derivative from the input or the output.
OWN = {
    "square": nn.Activation("square", lambda z: (z**2, lambda da: 2 * z * da)),
    "softplus": nn.Activation("softplus", lambda z: (np.log1p(np.exp(z)), lambda da: da / (1 + np.exp(-z)))),
    "sine": nn.Activation("sine", lambda z: (np.sin(z), lambda da: da * np.cos(z))),
}


def log_cosh(z, t):
    return np.log(np.cosh(z - t)).sum(axis=-2), np.tanh(z - t)


class Shift(nn.Layer):
    """Adds a number that is learned; writes its gradient as an attribute."""

    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = {"shift": (fan_in,)}

    def draw(self, rng):
        return {"shift": rng.normal(size=self.units)}

    def forward(self, x, training):
        def backward(da):
            self.dshift = da.sum(axis=-1)
            return da

        return x + self.shift[..., None], backward


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("rng", [1, (3, 4)], ids=["single", "stack"])
def test_what_own_pieces_return_is_what_is_used(name, rng):
    """Nothing is filled in silence: the outputs are the formula's, and all parameters learn."""
    X, y = data("squared_error", 1)
    layers = [nn.Dense(5, OWN[name]), Shift(), nn.Dense(4, OWN[name]), nn.Dense(1)]
    network = nn.Network(3, layers, loss=nn.Loss("log_cosh", nn.identity, log_cosh), rng=rng)
    before, first = network.theta.copy(), network.layers[0]
    expected = OWN[name](X @ first.W + first.b[..., None, :])
    np.testing.assert_allclose(network.activations(X)[0], expected, rtol=1e-13)
    np.testing.assert_allclose(network.loss(X, y), np.log(np.cosh(network.predict(X) - y)).mean(axis=(-1, -2)))
    assert nn.check_gradient(network, X, y, rng=0) < 1e-7
    history = nn.train(network, X, y, nn.SGD(0.02), 5)
    assert (network.theta != before).all() and (history.loss[-1] < history.loss[0]).all()


def broken(forward):
    return lambda: nn.Network(3, [nn.Dense(5, nn.Activation("mine", forward)), nn.Dense(1)], loss="squared_error", rng=0)


def layer_of(forward):
    layer = type("Mine", (Shift,), {"forward": forward})()
    return lambda: nn.Network(3, [nn.Dense(5), layer, nn.Dense(1)], loss="squared_error", rng=0)


def loss_of(evaluate):
    return lambda: nn.Network(3, [nn.Dense(2)], loss=nn.Loss("mine", nn.identity, evaluate), rng=(0, 1))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (broken(lambda z: z**2), TypeError, "must return two things, the activations and a function for the way back"),
        (broken(lambda z: None), TypeError, r"not None \(is a return missing\?\)"),
        (broken(lambda z: (z**2, 2 * z)), TypeError, "two things"),
        (broken(lambda z: (z.sum(axis=0), lambda da: da)), ValueError, r"an array of shape \(7,\).*expected shape \(5, 7\)"),
        (broken(lambda z: (z**2, lambda da: None)), ValueError, "way back of <activation mine> returned None"),
        (broken(lambda z: (z**2, lambda da: da.sum(axis=1))), ValueError, "way back .* as the gradient; expected"),
        (layer_of(lambda self, x, training: x), TypeError, "forward of Mine must return two things, the outputs"),
        (layer_of(lambda self, x, training: (x[:2], lambda da: da)), ValueError, "forward of Mine returned an array"),
        (layer_of(lambda self, x, training: (x, lambda da: None)), ValueError, "way back of Mine returned None"),
        (layer_of(lambda self, x, training: (x, lambda da: da)), ValueError,
         "leaves out the gradient of 'shift': write self.dshift = ..."),
        (loss_of(lambda z, t: ((z - t) ** 2).sum(axis=-2)), TypeError, "must return values, .*, and their gradient dz"),
        (loss_of(lambda z, t: (((z - t) ** 2).mean(), z - t)), ValueError, "as the values, one per sample"),
        (loss_of(lambda z, t: (((z - t) ** 2).sum(axis=-2), None)), ValueError, "returned None .* as the gradient dz"),
    ],
)  # fmt: skip
def test_what_own_pieces_forget_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_activation_of_ones_own_is_checked_when_it_is_called():
    square = nn.Activation("square", lambda z: z**2)
    for call in (square, square.derivative):
        with pytest.raises(TypeError, match="square.* must return two things"):
            call([1.0, 2.0])


def test_a_layer_that_works_in_place_does_not_change_the_callers_data():
    class Greedy(Shift):
        def forward(self, x, training):
            x += 1
            return super().forward(x, training)

    for layers in ([Greedy(), nn.Dense(1)], [nn.Dense(4), Greedy(), nn.Dense(1)]):
        with pytest.raises(ValueError, match="forward of Greedy overwrites x, which must stay: make a new array"):
            nn.Network(3, layers, loss="squared_error", rng=0)


def test_the_check_says_where_a_kink_is():
    """On a relu's kink a right gradient disagrees with differences; a wrong one elsewhere is called wrong."""
    X, y = np.array([[0.0, 0.0], [1.0, -2.0]]), [1.0, 2.0]
    network = nn.Network(2, [nn.Dense(5, "relu"), nn.Dense(1)], loss="squared_error", rng=0)  # biases are zero
    with pytest.warns(UserWarning, match="kink here, where the input of a relu is about 0.*Move off it"):
        assert nn.check_gradient(network, X, y, rng=0) > 1e-3
    network.theta += 0.01 * np.random.default_rng(1).normal(size=network.theta.shape)
    assert nn.check_gradient(network, X, y, rng=0) < 1e-7
    wrong = nn.Activation("wrong", lambda z: (np.maximum(z, 0), lambda da: 0.5 * da * (z > 0)))
    network = nn.Network(2, [nn.Dense(5, wrong, bias_init="normal"), nn.Dense(1)], loss="squared_error", rng=0)
    assert nn.check_gradient(network, X, y, rng=0) > 1e-2  # a warning would be an error here


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
    network = build("tanh", "squared_error", 2, "identity", rng=0)
    network.theta[0] = np.nan
    assert not nn.check_gradient(network, *data("squared_error", 2), rng=0) < 1e-7


def test_the_check_refuses_what_it_cannot_check():
    X, y = data("squared_error", 2)
    network = build("tanh", "squared_error", 2, "identity", rng=0)
    with pytest.raises(ValueError, match="float64 network"):
        nn.check_gradient(build("tanh", "squared_error", 2, "identity", rng=0, dtype="float32"), X, y, rng=0)
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
