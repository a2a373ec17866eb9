"""Bad input is refused with a message that names it and the remedy, and nothing is changed."""

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2))
Y = (X[:, 0] > 0).astype(int)
IMAGES = RNG.integers(0, 256, size=(20, 2), dtype=np.uint8)


class Sparse:
    """What scipy's sparse matrices have, without loading scipy."""

    shape, ndim = (20, 2), 2

    def toarray(self):
        return X


def binary(**options):
    return nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0, **options)


def categorical():
    return nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(3)], loss="categorical_cross_entropy", rng=0)


def regression(outputs=1):
    return nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(outputs)], loss="squared_error", rng=0)


def with_one(value):
    bad = X.copy()
    bad[3, 1] = value
    return bad


# Samples: what is passed as X, the error, and what its message must say.
SAMPLES = {
    "too many features": (np.ones((20, 3)), ValueError, ["X has 3 features", "(20, 3)", "takes 2", "(n, 2)"]),
    "transposed": (X.T, ValueError, ["X has 20 features", "(2, 20)", "looks transposed", "X.T"]),
    "one sample": (X[0], ValueError, ["X has shape (2,)", "X.reshape(1, -1)"]),
    "images": (np.ones((20, 8, 8)), ValueError, ["X has shape (20, 8, 8)", "Flatten"]),
    "number": (3.0, ValueError, ["X has shape ()", "(n, 2)"]),
    "no samples": (np.empty((0, 2)), ValueError, ["X is empty", "(0, 2)", "at least one"]),
    "empty list": ([], ValueError, ["X has shape (0,)"]),
    "NaN": (
        with_one(np.nan),
        ValueError,
        ["X holds NaN or infinite values in float64 (the first at (3, 1))", "Drop or impute"],
    ),
    "infinite": (with_one(-np.inf), ValueError, ["NaN or infinite", "(3, 1)"]),
    "text": (np.full((20, 2), "a"), TypeError, ["X has dtype <U1", "real numbers", "astype(float)"]),
    "objects": (X.astype(object), TypeError, ["X has dtype object", "X.astype(float)"]),
    "complex": (X + 1j, TypeError, ["X has dtype complex128", "real numbers"]),
    "None": (None, TypeError, ["X has dtype object"]),
    "ragged": ([[1, 2], [3]], ValueError, ["X has rows of different lengths", "the same number of values"]),
    "masked": (np.ma.masked_less(X, 0), ValueError, ["X has masked values", "filled"]),
    "sparse": (Sparse(), TypeError, ["X is a sparse matrix", "X.toarray()"]),
}

# Labels: the network, what is passed as y for 20 samples, the error, and what its message must say.
LABELS = {
    "two columns": (
        binary,
        np.ones((20, 2)),
        ValueError,
        ["y has shape (20, 2)", "(20, 1)", "(n,)", "Nothing is broadcast", "1 column, or the last layer 2 units"],
    ),
    "square": (binary, np.ones((20, 20)), ValueError, ["y has shape (20, 20)", "(20, 1)"]),
    "a row": (binary, Y[None], ValueError, ["y has shape (1, 20)", "(20, 1)", "transposed: try y.T"]),
    "too few": (binary, Y[:19], ValueError, ["y has shape (19,)", "(20, 1)", "Give each sample one row"]),
    "one number": (binary, 1, ValueError, ["y has shape ()"]),
    "none": (binary, [], ValueError, ["y has shape (0,)"]),
    "-1 and 1": (binary, 2 * Y - 1, ValueError, ["-1 to 1", "0 and 1", "(y + 1) / 2"]),
    "1 and 2": (binary, Y + 1, ValueError, ["1 to 2", "For labels 1 and 2 write y - 1"]),
    "three classes": (binary, np.arange(20) % 3, ValueError, ["0 to 2", "categorical_cross_entropy"]),
    "NaN label": (binary, np.where(Y, np.nan, 0), ValueError, ["y holds NaN", "(the first at (", ",))", "Drop or impute"]),
    "names": (
        binary,
        np.where(Y, "yes", "no"),
        TypeError,
        ["y has dtype <U3", "np.unique(names, return_inverse=True)"],
    ),
    "sparse labels": (binary, Sparse(), TypeError, ["y is a sparse matrix", "y.toarray()"]),
    "ragged labels": (categorical, [[1]] * 19 + [[1, 2]], ValueError, ["y has rows of different lengths"]),
    "sparse classes": (categorical, Sparse(), TypeError, ["y is a sparse matrix"]),
    "class too large": (categorical, Y + 2, ValueError, ["y holds 3;", "numbers 0 to 2", "from 0", "as many units"]),
    "from 1": (categorical, np.arange(20) % 3 + 1, ValueError, ["y holds 3", "counts from 1: write y - 1"]),
    "many outside": (categorical, np.arange(20) - 2, ValueError, ["y holds -2, -1, 3, ...;", "whole numbers 0 to 2"]),
    "negative class": (categorical, Y - 1, ValueError, ["y holds -1;", "whole numbers 0 to 2"]),
    "half a class": (categorical, Y + 0.5, ValueError, ["y holds 0.5, 1.5", "whole numbers 0 to 2"]),
    "wrong number of columns": (
        categorical,
        np.ones((20, 4)),
        ValueError,
        ["y has shape (20, 4)", "(20, 3)", "3 columns, or the last layer 4 units"],
    ),
    "three axes": (categorical, np.ones((20, 3, 1)), ValueError, ["y has shape (20, 3, 1)", "(20,)", "(20, 3)"]),
    "not probabilities": (categorical, np.ones((20, 3)), ValueError, ["not prob", "sum to 1", "class numbers"]),
    "almost probabilities": (categorical, np.full((20, 3), 1 / 3 + 5e-6), ValueError, ["not probabilities"]),
    "negative share": (categorical, np.tile([-1.0, 1, 1], (20, 1)), ValueError, ["not probabilities", "at least 0"]),
    "one output for two": (lambda: regression(2), Y, ValueError, ["y has shape (20,)", "2 columns, or the last layer 1 unit.", "categorical"]),
    "infinite target": (regression, np.where(Y, np.inf, 0), ValueError, ["y holds NaN or infinite"]),
}

# Options of `train`, with a network of one output.
OPTIONS = {
    "no epochs": (dict(epochs=0), ValueError, ["epochs must be a whole number of at least 1, not 0"]),
    "negative epochs": (dict(epochs=-5), ValueError, ["epochs", "not -5"]),
    "fractional epochs": (dict(epochs=1e3), ValueError, ["epochs", "not 1000.0"]),
    "epochs as text": (dict(epochs="10"), ValueError, ["epochs", "not '10'"]),
    "epochs as a flag": (dict(epochs=True), ValueError, ["epochs", "not True"]),
    "batch too large": (dict(batch_size=21, rng=0), ValueError, ["batch_size is 21", "20 samples", "Leave it out"]),
    "batch of none": (
        dict(batch_size=0, rng=0),
        ValueError,
        ["batch_size must be a whole number of at least 1, not 0"],
    ),
    "batch without rng": (dict(batch_size=5), ValueError, ["rng=0"]),
    "rng as text": (dict(batch_size=5, rng="0"), TypeError, ["rng must be a seed", "not '0'"]),
    "validation is X": (dict(validation=X), ValueError, ["pair (X, y)"]),
    "validation of four": (dict(validation=(X, Y, Y, Y)), ValueError, ["pair (X, y)"]),
    "validation features": (dict(validation=(X[:, :1], Y)), ValueError, ["validation: X has 1 features"]),
    "validation labels": (dict(validation=(X, Y[:3])), ValueError, ["validation: y has shape (3,)"]),
    "validation names": (dict(validation=(X, np.full(20, "a"))), TypeError, ["validation: y has dtype"]),
    "optimizer as a number": (dict(optimizer=0.5), TypeError, ["optimizer such as nn.SGD(0.5)", "not 0.5"]),
    "optimizer as a name": (dict(optimizer="sgd"), TypeError, ["nn.SGD(0.5)", "not 'sgd'"]),
    "optimizer without start": (
        dict(optimizer=type("Half", (), {"step": print})()),
        TypeError,
        ["start(theta, decayed)", "step(theta, grad)"],
    ),
    "optimizer class": (dict(optimizer=nn.SGD), TypeError, ["nn.SGD(0.5)"]),
    "progress as text": (dict(progress="often"), TypeError, ["progress", "'often'"]),
    "progress as a number": (dict(progress=10), TypeError, ["progress must be True or False, not 10"]),
    "rates of a stack": (
        dict(optimizer=nn.SGD([0.1, 0.2])),
        ValueError,
        ["learning_rate has shape (2,)", "single network"],
    ),
}


def refused(call, error, parts, network):
    """`call` raises exactly `error`, its message holds all `parts`, and the network is as before."""
    theta, grad = network.theta.copy(), network.grad.copy()
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    with pytest.raises(error) as info:
        call()
    assert info.type is error
    message = str(info.value)
    assert all(part in message for part in parts), message
    assert len(message) < 400
    np.testing.assert_array_equal(network.theta, theta)
    np.testing.assert_array_equal(network.grad, grad)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("case", SAMPLES)
@pytest.mark.parametrize(
    "method", ["train", "predict", "classify", "logits", "activations", "loss", "accuracy", "loss_and_gradient"]
)
def test_samples(case, method):
    samples, error, parts = SAMPLES[case]
    network = binary()
    calls = {"train": lambda: nn.train(network, samples, Y, nn.SGD(0.1), 5)}
    for name in ("loss", "accuracy", "loss_and_gradient"):
        calls[name] = lambda name=name: getattr(network, name)(samples, Y)
    refused(calls.get(method, lambda: getattr(network, method)(samples)), error, parts, network)


@pytest.mark.parametrize("case", LABELS)
@pytest.mark.parametrize("method", ["train", "loss", "loss_and_gradient", "check_gradient"])
def test_labels(case, method):
    make, labels, error, parts = LABELS[case]
    network = make()
    calls = {
        "train": lambda: nn.train(network, X, labels, nn.SGD(0.1), 5),
        "loss": lambda: network.loss(X, labels),
        "loss_and_gradient": lambda: network.loss_and_gradient(X, labels),
        "check_gradient": lambda: nn.check_gradient(network, X, labels, rng=0),
    }
    refused(calls[method], error, parts, network)


@pytest.mark.parametrize("case", OPTIONS)
def test_options_of_train(case):
    options, error, parts = OPTIONS[case]
    network = binary()
    refused(lambda: nn.train(network, X, Y, **(dict(optimizer=nn.SGD(0.1), epochs=5) | options)), error, parts, network)


@pytest.mark.parametrize("make", [binary, categorical, regression])
def test_labels_may_be_a_row_or_a_column(make):
    one, two = make(), make()
    nn.train(one, X, Y, nn.SGD(0.1), 3)
    nn.train(two, X, Y[:, None], nn.SGD(0.1), 3)
    np.testing.assert_array_equal(one.theta, two.theta)


def test_class_numbers_and_one_hot_rows_are_the_same():
    one, two = categorical(), categorical()
    classes = np.arange(20) % 3
    nn.train(one, X, classes, nn.SGD(0.1), 3)
    nn.train(two, X, np.eye(3)[classes], nn.SGD(0.1), 3)
    np.testing.assert_array_equal(one.theta, two.theta)


def test_probabilities_may_be_rounded():
    assert categorical().loss(X, np.full((20, 3), 1 / 3 + 3e-6)) > 0


def test_uint8_images_give_the_results_of_floats():
    one, two = binary(), binary()
    nn.train(one, IMAGES, Y.astype(np.uint8), nn.SGD(1e-4), 3)
    nn.train(two, IMAGES.astype(float), Y.astype(float), nn.SGD(1e-4), 3)
    np.testing.assert_array_equal(one.theta, two.theta)


def test_the_hint_about_class_names_is_for_labels():
    with pytest.raises(TypeError) as info:
        binary().predict(np.full((3, 2), "a"))
    assert "class names" not in str(info.value)


def test_values_beyond_float32_are_named():
    with pytest.raises(ValueError, match=r"infinite values in float32 \(the first at \(3, 1\)\).*scale first"):
        binary(dtype="float32").predict(with_one(1e39))


def test_a_column_of_samples_for_a_network_of_one_input():
    network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    with pytest.raises(ValueError, match=r"X\.reshape\(-1, 1\)"):
        network.predict([1.0, 2.0, 3.0])


def dense(*args, **options):
    return lambda: nn.Dense(*args, **options)


def network(layers=(nn.Dense(1),), **options):
    return lambda: nn.Network(options.pop("n_features", 2), layers, **(dict(loss="squared_error", rng=0) | options))


def bad_shape(rng, fan_in, fan_out):
    return np.zeros((fan_out, fan_in))


@pytest.mark.parametrize(
    "build, error, parts",
    [
        (dense(0), ValueError, ["units must be a whole number of at least 1, not 0"]),
        (dense(2.0), ValueError, ["units", "not 2.0"]),
        (
            dense(3, "sigmoyd"),
            ValueError,
            ["unknown activation 'sigmoyd'", "leaky_relu, relu", "Did you mean 'sigmoid'?"],
        ),
        (dense(3, "ReLU"), ValueError, ["unknown activation 'ReLU'", "Did you mean 'relu'?"]),
        (dense(3, np.tanh), ValueError, ["unknown activation <ufunc 'tanh'>", "Known: gelu, identity, leaky_relu"]),
        (dense(3, "xyz"), ValueError, ["unknown activation 'xyz'", "softmax, softplus, tanh."]),
        (dense(3, init="glorot"), ValueError, ["unknown initializer 'glorot'", "he, normal, uniform, xavier, zeros"]),
        (dense(3, init="Xavier"), ValueError, ["Did you mean 'xavier'?"]),
        (dense(3, init=0.5), ValueError, ["unknown initializer 0.5"]),
        (dense(3, init=np.ones((2, 3))), ValueError, ["unknown initializer array"]),
        (dense(3, init=nn.he), ValueError, ["init=he", "write he(), with parentheses"]),
        (lambda: nn.normal(-1), ValueError, ["scale must be a finite number above 0, not -1"]),
        (lambda: nn.normal([0.1, 0.2]), ValueError, ["scale", "[0.1, 0.2]"]),
        (lambda: nn.uniform(1, 1), ValueError, ["low < high", "low=1", "high=1"]),
        (lambda: nn.uniform(0, np.inf), ValueError, ["finite numbers low < high", "high=inf"]),
        (lambda: nn.uniform("a", "b"), ValueError, ["finite numbers low < high", "low='a'"]),
        (lambda: nn.Dense(3).W, AttributeError, ["this Dense has no", "only those copies have weights", "network.layers"]),
        (lambda: nn.Dense(3).b, AttributeError, ["this Dense has no", "only those copies have weights", "network.layers"]),
        (lambda: nn.train(X, Y, binary(), nn.SGD(0.1), 5), TypeError, ["train(network, X, y", "not ndarray"]),
        (
            network(loss="mse"),
            ValueError,
            ["unknown loss 'mse'", "binary_cross_entropy, categorical_cross_entropy, half_squared_error"],
        ),
        (network(loss="squared_eror"), ValueError, ["Did you mean 'squared_error'?"]),
        (network(dtype="float46"), ValueError, ["dtype must be float64 or float32, not 'float46'"]),
        (network(dtype="int64"), ValueError, ["dtype must be float64 or float32", "'int64'"]),
        (network(dtype=np.float16), ValueError, ["dtype must be float64 or float32"]),
        (network(n_features=0), ValueError, ["n_features must be a whole number of at least 1, not 0"]),
        (network([]), ValueError, ["at least one layer", "nn.Dense(1)"]),
        (network([nn.Dense(3), 1]), TypeError, ["nn.Dense(8, 'tanh')", "not 1"]),
        (network([nn.Dense]), TypeError, ["nn.Dense(8, 'tanh')"]),
        (network("dense"), TypeError, ["not 'dense'"]),
        (network([nn.Dense(1, init=bad_shape)]), ValueError, ["Dense(1, 'identity')", "shape (1, 2)", "(2, 1)"]),
        (
            network([nn.Dense(1, "sigmoid")], loss="binary_cross_entropy"),
            ValueError,
            ["binary_cross_entropy takes logits", "applies sigmoid itself", "write Dense(1)", "squared_error"],
        ),
        (
            network([nn.Dense(3, "softmax")], loss="categorical_cross_entropy"),
            ValueError,
            ["categorical_cross_entropy takes logits", "applies softmax itself", "write Dense(3)"],
        ),
        (network(rng=None), TypeError, ["rng must be a seed", "RandomState, not None"]),
        (network(rng=-1), TypeError, ["at least 0", "not -1"]),
        (network(rng=1.5), TypeError, ["not 1.5"]),
        (network(rng=True), TypeError, ["not True"]),
        (network(rng=np.random), TypeError, ["rng must be a seed"]),
        (network(rng=[]), ValueError, ["empty sequence", "at least one seed"]),
        (network(rng=[1, "2"]), TypeError, ["not '2'"]),
        (network(rng=[[1, 2]]), TypeError, ["not [[1, 2]]"]),
        (lambda: nn.sigmoid("a"), TypeError, ["dtype <U1", "real numbers"]),
        (lambda: nn.squared_error([1.0, 2.0], [1.0, 2.0]), ValueError, ["logits have shape (2,)", "(n, outputs)"]),
        (lambda: nn.squared_error(np.empty((0, 1)), []), ValueError, ["logits have shape (0, 1)", "at least 1"]),
        (lambda: nn.binary_cross_entropy([[0.0], [0.0]], [1]), ValueError, ["y has shape (1,)", "(2, 1)"]),
        (
            lambda: nn.categorical_cross_entropy([[0.0], [0.0]], [1, 1]),
            ValueError,
            ["at least 2", "binary_cross_entropy"],
        ),
        (lambda: regression().classify(X), ValueError, ["squared_error has no classes", "round predict(X)"]),
        (lambda: regression().accuracy(X, Y), ValueError, ["squared_error has no classes", "cross-entropy"]),
    ],
)
def test_building(build, error, parts):
    with pytest.raises(error) as info:
        build()
    assert info.type is error
    assert all(part in str(info.value) for part in parts), str(info.value)


def test_an_unknown_attribute_of_the_package():
    with pytest.raises(AttributeError, match="module 'nnlib' has no attribute 'Sequential'"):
        nn.Sequential
