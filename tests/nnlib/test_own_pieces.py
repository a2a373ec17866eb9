"""Layers, losses, transforms and optimizers of one's own: what would train wrongly without a word is refused or told."""

import copy

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def network(layers=(), loss="squared_error", rng=0):
    return nn.Network(2, [*layers, nn.Dense(1)], loss=loss, rng=rng)


class Gain(nn.Layer):
    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = {"gain": ()}

    def draw(self, rng):
        return {"gain": 1.5}

    def forward(self, x, training):
        gain = self.gain[..., None, None]

        def backward(da):
            self.dgain = (x * da).sum(axis=(-1, -2))
            return da * gain

        return x * gain, backward


class Forgetful(Gain):
    def forward(self, x, training):
        return x * self.gain[..., None, None], lambda da: da * self.gain[..., None, None]


@pytest.mark.parametrize("rng", [0, (0, 1)], ids=["single", "stack"])
def test_a_parameter_may_be_a_number(rng):
    net = network([Gain(), nn.Dense(4, "tanh"), Gain()], rng=rng)
    assert nn.check_gradient(net, X, Y, rng=0) < 1e-7
    assert (np.array(net.layers[0].gain) == 1.5).all()


def test_registered_pieces_are_tried_as_well(monkeypatch):
    monkeypatch.setitem(nn.layers.LAYERS, "Forgetful", Forgetful)
    with pytest.raises(ValueError, match="leaves out the gradient of 'gain'"):
        network([Forgetful()])
    odd = nn.Activation("odd", lambda z: (z**2, lambda da: da.sum(axis=0)))
    monkeypatch.setitem(nn.ACTIVATIONS, "odd", odd)
    with pytest.raises(ValueError, match="the way back of <activation odd>"):
        network([nn.Dense(3, "odd")])


def evaluate_in_place(z, t):
    z -= t
    return (z**2).sum(axis=-2), 2 * z


@pytest.mark.parametrize(
    "evaluate, message",
    [
        (evaluate_in_place, "overwrites z and t, which must stay"),
        (lambda z, t: (((z - t) ** 2).sum(axis=-2), z), "returned z or t itself as dz"),
        (lambda z, t: (((z - t) ** 2).sum(axis=-2), (2 * z - t)[::-1].astype(np.float32)), "float32.* as the gradient dz"),
    ],
)
def test_a_loss_leaves_its_arguments_alone(evaluate, message):
    with pytest.raises(ValueError, match=message):
        network(loss=nn.Loss("mine", nn.identity, evaluate))


def test_decide_gives_one_class_per_sample():
    evaluate = nn.binary_cross_entropy.evaluate
    loss = nn.Loss("mine", nn.sigmoid, evaluate, nn.binary_cross_entropy.encode, lambda z: z > 0)
    with pytest.raises(ValueError, match=r"decide of <loss mine> returned shape \(1, 7\); expected one class per sample"):
        network(loss=loss)
    with pytest.raises(TypeError, match="link must be an Activation such as nn.sigmoid, not 'sigmoid'"):
        nn.Loss("mine", "sigmoid", evaluate)


class Residual(nn.Layer):
    """A layer within a layer: `x + inner(x)`."""

    def __init__(self):
        self.inner = nn.Dense(2, "tanh")

    def build(self, fan_in):
        super().build(fan_in)
        self.inner.build(fan_in)
        self.shapes = self.inner.shapes

    def bind(self, *arguments, **options):
        super().bind(*arguments, **options)
        self.inner.bind(*arguments, **options | {"first": False})

    def draw(self, rng):
        return self.inner.draw(rng)

    def forward(self, x, training):
        a, back = self.inner.forward(x, training)
        return x + a, lambda da: da + back(da.copy())


def test_copies_of_a_layer_within_a_layer_are_apart():
    layer = Residual()
    one, two = network([layer], rng=0), network([layer], rng=1)
    before = one.predict(X)
    assert nn.check_gradient(one, X, Y, rng=0) < 1e-7
    for twin in (two, one.copy(), copy.deepcopy(one)):
        twin.theta = np.zeros_like(twin.theta)
    np.testing.assert_array_equal(one.predict(X), before)


def test_shapes_belong_to_a_layer():
    class Careless(nn.Layer):
        def build(self, fan_in):
            super().build(fan_in)
            self.shapes["gain"] = (1,)  # of all layers

    with pytest.raises(TypeError, match="mappingproxy"):
        network([Careless()])
    assert not nn.Layer.shapes

    class Undrawn(Gain):
        def draw(self, rng):
            return {}

    with pytest.raises(ValueError, match="draw of Undrawn returned no 'gain'"):
        network([Undrawn()])

    class Letters(Gain):
        decayed = "gain"

    with pytest.raises(TypeError, match=r"decayed of Letters must be a tuple of names"):
        network([Letters()])


def test_the_trial_leaves_no_trace():
    class Grouped(nn.BatchNorm):
        """Takes batches of 20 in training."""

        seen = []

        def forward(self, x, training):
            if training:
                self.seen.append(x.reshape(*x.shape[:-1], -1, 20).shape)
            return super().forward(x, training)

    net = nn.Network(2, [Grouped(), nn.Dropout(0.5), nn.Dense(1)], loss="squared_error", rng=0)
    plain = nn.Network(2, [nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(1)], loss="squared_error", rng=0)
    np.testing.assert_array_equal(net.state, plain.state)
    assert not Grouped.seen and not net.grad.any() and net._noise[0].random() == plain._noise[0].random()
    nn.train(net, X[:40], Y[:40], nn.SGD(0.1), 1, batch_size=20, rng=0)
    assert len(Grouped.seen) == 2


class Returns(nn.Transform):
    def apply(self, update, theta):
        return np.sign(update)


class Rebinds:
    def start(self, theta, decayed):
        pass

    def step(self, theta, grad):
        theta = theta - 0.1 * grad  # noqa: F841


class Answers(Rebinds):
    def step(self, theta, grad):
        return theta - 0.1 * grad


def test_steps_that_nobody_takes_are_told():
    with pytest.raises(TypeError, match="apply of Returns.* must change update in place"):
        nn.train(network(), X, Y, nn.Optimizer(0.1, [Returns()]), 2)
    with pytest.raises(TypeError, match="step of Answers returned a value, and must change theta in place"):
        nn.train(network(), X, Y, Answers(), 2)
    with pytest.warns(UserWarning, match="step of Rebinds changed no parameter: theta -= ... does"):
        nn.train(network(), X, Y, Rebinds(), 2)


class Watched(nn.Momentum):
    """Momentum that notes the length of each step in a list, made once, and counts them, anew at each start."""

    def __init__(self):
        super().__init__(0.5)
        self.lengths = []

    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.n = 0

    def apply(self, update, theta):
        super().apply(update, theta)
        self.n += 1
        self.lengths.append(np.linalg.norm(update))


def test_what_a_transform_makes_at_the_start_is_not_shared_and_what_it_made_before_is():
    watched = Watched()
    one, two = nn.Optimizer(0.1, [watched]), nn.Optimizer(0.1, [watched])
    nn.train(network(), X, Y, one, 5)
    assert len(watched.lengths) == 5
    two.start(np.zeros(3))
    assert one.transforms[0].n == 5 and two.transforms[0].n == 0
    assert not np.shares_memory(one.transforms[0].velocity, two.transforms[0].velocity)


class Mine(nn.Optimizer):
    def __init__(self, rate=0.1, beta=0.5):
        super().__init__(rate, [nn.Momentum(beta)])


def test_settings_of_an_optimizer_class_of_ones_own():
    assert repr(Mine(0.2)) == "Mine(0.2, transforms=[Momentum(beta=0.5, nesterov=False)])"
    assert repr(Mine(0.2, 0.9)) != repr(Mine(0.2))
    assert Mine().set_params(learning_rate=0.3).learning_rate == 0.3


def test_an_optimizer_with_new_settings_has_no_past():
    optimizer = nn.SGD(0.1)
    nn.train(network(), X, Y, optimizer, 3)
    optimizer.set_params(momentum=0.5)
    with pytest.raises(RuntimeError, match="was not started"):
        optimizer.step(np.zeros(2), np.ones(2))
    nn.train(network(), X, Y, optimizer, 2, restart=False)
    assert optimizer.steps == 2


def test_an_optimizer_does_not_go_on_in_another_precision():
    optimizer = nn.SGD(0.1, momentum=0.9)
    coarse = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0, dtype="float32")
    nn.train(coarse, X, Y, optimizer, 2)
    with pytest.raises(ValueError, match="leave out restart=False"):
        nn.train(network(), X, Y, optimizer, 2, restart=False)


@pytest.mark.parametrize("rate", ["auto", lambda step: 1e200])
def test_a_divergence_is_told_whatever_the_optimizer_calls_its_rate(rate):
    class Own:
        learning_rate = staticmethod(rate) if callable(rate) else rate

        def start(self, theta, decayed):
            pass

        def step(self, theta, grad):
            theta -= 1e200 * grad

    with pytest.raises(nn.DivergenceError, match="Take smaller steps than those of"):
        nn.train(network(), X, Y, Own(), 20)


def test_stopped_networks_get_their_generators_back():
    """The next training of a network that diverged draws what it would draw alone."""

    def build(rng):
        return nn.Network(2, [nn.Dropout(0.3), nn.Dense(1)], loss="squared_error", rng=rng)

    stack, single = build([3, 8]), build(8)
    nn.train(stack, X, Y, nn.SGD([1e-3, 1e200]), 6)
    with pytest.raises(nn.DivergenceError):
        nn.train(single, X, Y, nn.SGD(1e200), 6)
    assert stack._noise[1].random() == single._noise[0].random()


def test_a_stream_warns_of_its_targets_once():
    net = nn.Network(2, [nn.Dense(1, "sigmoid")], loss="squared_error", rng=0)
    with pytest.warns(UserWarning, match="y ranges from 0 to 100") as caught:
        nn.train(net, [(X, 100 * Y)] * 2, None, nn.SGD(0.1), 3)
    assert len(caught) == 1


def test_weights_of_the_validation_count_for_its_accuracy():
    net, weights = network(loss="binary_cross_entropy"), np.arange(50.0)
    history = nn.train(net, X, Y, nn.SGD(0.1), 2, validation=(X, Y, weights))
    np.testing.assert_allclose(history.validation_accuracy[-1], net.accuracy(X, Y, weights), rtol=1e-12)


def test_a_split_stack_tells_of_a_rise():
    x = 1e5 * np.linspace(-1, 1, 50)[:, None]
    stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=range(4))
    rates = nn.SGD([1e-12, 1e-12, 1e-12, 1e-9])
    with pytest.warns(UserWarning, match="the loss rose"):
        history = nn.parallel.train(stack, x, x[:, 0], rates, 12, n_jobs=1)
    assert history.risen
