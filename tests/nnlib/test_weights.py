"""Weights of samples and of classes: what they must mean, for any data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

import nnlib as nn

LOSSES = sorted(nn.LOSSES)
WHOLE = st.integers(0, 4)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2))
Y = (X[:, 0] > 0.4).astype(int)
CLASSES = np.digitize(X[:, 0], [-0.8, 0.5])


def build(outputs=1, loss="binary_cross_entropy", rng=0, dtype="float64"):
    return nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(outputs)], loss=loss, rng=rng, dtype=dtype)


def binary(**options):
    return build(**options)


def categorical(**options):
    return build(3, "categorical_cross_entropy", **options)


def regression(**options):
    return build(1, "squared_error", **options)


@st.composite
def problems(draw, weight=WHOLE):
    """A network, single or a stack; samples; labels that fit; and weights that are not all zero."""
    loss = draw(st.sampled_from(LOSSES))
    outputs = draw(st.integers(2, 3)) if loss == "categorical_cross_entropy" else draw(st.integers(1, 2))
    weights = np.array(draw(st.lists(weight, min_size=1, max_size=12).filter(lambda w: sum(w) > 0)))
    data, n = np.random.default_rng(draw(st.integers(0, 99))), len(weights)
    y = {
        "binary_cross_entropy": data.integers(0, 2, size=(n, outputs)),
        "categorical_cross_entropy": data.integers(0, outputs, size=n),
        "poisson": data.poisson(2.0, size=(n, outputs)),
    }.get(loss, data.normal(size=(n, outputs)))
    network = build(outputs, loss, draw(st.sampled_from([3, (3, 4)])))
    return network, data.normal(size=(n, 2)), y, weights


def close(actual, expected, rtol=1e-9):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-12)


def trained(network, X, y, epochs=4, **options):
    """The parameters, and the history, after a few steps from where `network` is."""
    twin = network.copy()
    return twin, nn.train(twin, X, y, nn.SGD(0.05, momentum=0.9), epochs, **options)


# Of samples


@given(problems())
def test_a_whole_weight_is_a_row_that_is_repeated(problem):
    network, X, y, weights = problem
    many = np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0)
    for with_weights, repeated in zip(network.loss_and_gradient(X, y, weights), network.loss_and_gradient(*many)):
        close(with_weights, repeated)
    close(network.loss(X, y, weights), network.loss(*many))
    z = network.logits(X)
    close(network.loss_function(z, y, weights), network.loss(*many))
    (one, history), (two, expected) = trained(network, X, y, sample_weight=weights), trained(network, *many)
    close(one.theta, two.theta, 1e-7)
    close(history.loss, expected.loss, 1e-7)


@given(problems(st.floats(0.01, 10)), st.floats(1e-6, 1e6))
def test_only_the_ratio_of_weights_counts(problem, scale):
    network, X, y, weights = problem
    for one, two in zip(network.loss_and_gradient(X, y, weights), network.loss_and_gradient(X, y, scale * weights)):
        close(one, two)
    (one, history), (two, expected) = (trained(network, X, y, sample_weight=s * weights) for s in (1, scale))
    close(one.theta, two.theta, 1e-7)
    close(history.loss, expected.loss, 1e-7)
    for one, two in zip(network.loss_and_gradient(X, y), network.loss_and_gradient(X, y, np.full(len(X), scale))):
        close(one, two)


@given(problems())
def test_rows_of_weight_zero_do_not_matter(problem):
    network, X, y, weights = problem
    kept = weights > 0
    moved = np.where(kept[:, None], X, 1e3 * X)
    for with_zeros, without in zip(
        network.loss_and_gradient(moved, y, weights), network.loss_and_gradient(X[kept], y[kept], weights[kept])
    ):
        close(with_zeros, without)
    (one, history), (two, expected) = (
        trained(network, moved, y, sample_weight=weights),
        trained(network, X[kept], y[kept], sample_weight=weights[kept]),
    )
    close(one.theta, two.theta, 1e-7)
    close(history.loss, expected.loss, 1e-7)


@given(problems(st.floats(0.01, 10)))
def test_the_weighted_loss_is_the_weighted_mean_of_the_losses_of_single_samples(problem):
    network, X, y, weights = problem
    losses = np.array([network.loss(X[i : i + 1], y[i : i + 1]) for i in range(len(X))])
    close(network.loss(X, y, weights), np.average(losses, axis=0, weights=weights))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_each_replicate_sees_the_weights_as_it_would_alone(dtype):
    weights, options = np.arange(20.0), {"batch_size": 6, "rng": 1}
    stack, together = trained(binary(rng=[3, 4], dtype=dtype), X, Y, sample_weight=weights, **options)
    for r, seed in enumerate([3, 4]):
        single, alone = trained(binary(rng=seed, dtype=dtype), X, Y, sample_weight=weights, **options)
        tolerance = 1e-10 if dtype == "float64" else 1e-3
        np.testing.assert_allclose(stack.theta[r], single.theta, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(together.loss[:, r], alone.loss, rtol=tolerance)


def test_weights_go_with_their_rows_into_the_batches():
    """The mean of an epoch is weighted by the batches' sums of weights, as if they were one batch."""
    network = binary()
    weights = np.arange(20.0)
    history = nn.train(network, X, Y, nn.SGD(1e-300), 2, batch_size=6, rng=0, sample_weight=weights)
    np.testing.assert_allclose(history.loss, network.loss(X, Y, weights), rtol=1e-12)
    one, two = binary(), binary()
    nn.train(one, X, Y, nn.SGD(0.1), 1, batch_size=10, shuffle=False, sample_weight=weights)
    for rows in (slice(0, 10), slice(10, 20)):
        two.theta -= 0.1 * two.loss_and_gradient(X[rows], Y[rows], weights[rows])[1]
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-12)


def test_a_batch_without_weight_changes_nothing():
    weights = np.repeat([1.0, 0.0], 10)
    one, history = trained(binary(), X, Y, 1, batch_size=10, shuffle=False, sample_weight=weights)
    two, expected = trained(binary(), X[:10], Y[:10], 1)
    network = binary()
    nn.train(network, X, Y, nn.SGD(0.1), 3, batch_size=10, shuffle=False, sample_weight=weights)
    alone = binary()
    nn.train(alone, X[:10], Y[:10], nn.SGD(0.1), 3)
    np.testing.assert_allclose(network.theta, alone.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-12)
    assert np.isfinite(one.theta).all() and np.isfinite(two.theta).all()


def test_validation_may_have_weights_of_its_own():
    weights = np.arange(20.0)
    network, history = trained(binary(), X, Y, 3, validation=(X, Y, weights))
    np.testing.assert_allclose(history.validation_loss[-1], network.loss(X, Y, weights), rtol=1e-12)
    assert history.validation_loss[-1] != network.loss(X, Y)
    _, plain = trained(binary(), X, Y, 3, validation=(X, Y))
    np.testing.assert_array_equal(history.loss, plain.loss)  # they are not learned from
    _, weighted = trained(binary(), X, Y, 3, validation=(X, Y), sample_weight=weights)
    np.testing.assert_allclose(weighted.loss[0], binary().loss(X, Y, weights), rtol=1e-12)


def test_accuracy_counts_samples_alike():
    network = binary()
    _, history = trained(network, X, Y, 1, sample_weight=np.arange(20.0))
    assert history.accuracy[0] == network.accuracy(X, Y)


@pytest.mark.parametrize("weights", [np.arange(20) % 2 == 0, np.arange(20, dtype=np.uint8), list(range(20))])
def test_weights_may_be_whole_numbers_or_booleans(weights):
    expected = binary().loss_and_gradient(X, Y, np.array(weights, float))[1]
    np.testing.assert_array_equal(binary().loss_and_gradient(X, Y, weights)[1], expected)


def test_the_callers_weights_stay():
    weights = np.arange(20.0)
    weights.flags.writeable = False  # writing would raise
    given = {0: 1.0, 1: 4.0}
    trained(binary(), X, Y, sample_weight=weights, class_weight=given, validation=(X, Y, weights))
    assert given == {0: 1.0, 1: 4.0}


def test_weights_of_any_size_are_fine_as_long_as_their_sum_is():
    for dtype, scale in (("float64", 1e300), ("float64", 1e-300), ("float32", 1e36), ("float32", 1e-36)):
        network = binary(dtype=dtype)
        expected = network.loss_and_gradient(X, Y)
        for one, two in zip(network.loss_and_gradient(X, Y, np.full(20, scale)), expected):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


# Of classes


CLASS_WEIGHTS = {
    "both": (binary, Y, {0: 2.0, 1: 0.5}),
    "one": (binary, Y, {1: 7}),
    "none": (binary, Y, {}),
    "zero": (categorical, CLASSES, {0: 0.0, 2: 3.0}),
    "three": (categorical, CLASSES, {0: 1, 1: 10, 2: 0.1}),
    "three, balanced": (categorical, CLASSES, "balanced"),
    "two, balanced": (binary, Y, "balanced"),
    "column": (binary, Y[:, None], {1: 7}),
    "booleans": (binary, Y.astype(bool), {False: 1, True: 7}),
    "floats": (binary, Y.astype(float), {0.0: 2, 1.0: 7}),
    "NumPy's numbers": (categorical, CLASSES, {np.int64(1): np.float32(3.0)}),
}


@pytest.mark.parametrize("case", CLASS_WEIGHTS)
@pytest.mark.parametrize("sample_weight", [None, np.arange(20) % 4], ids=["alone", "with sample weights"])
def test_class_weights_are_weights_of_samples(case, sample_weight):
    make, labels, class_weight = CLASS_WEIGHTS[case]
    flat = labels.ravel()
    if class_weight == "balanced":
        expected = compute_sample_weight("balanced", flat)
    else:
        expected = np.array([class_weight.get(label, 1.0) for label in flat.tolist()], float)
    expected = expected if sample_weight is None else expected * sample_weight
    for options in ({}, {"batch_size": 6, "rng": 2}):
        one, history = trained(make(), X, labels, class_weight=class_weight, sample_weight=sample_weight, **options)
        two, by_hand = trained(make(), X, labels, sample_weight=expected, **options)
        np.testing.assert_allclose(one.theta, two.theta, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(history.loss, by_hand.loss, rtol=1e-10)


def test_class_weights_of_one_hot_rows_and_of_a_stack():
    stack = {"rng": [3, 4]}
    for options in ({}, stack):
        one, _ = trained(categorical(**options), X, np.eye(3)[CLASSES], class_weight="balanced")
        two, _ = trained(categorical(**options), X, CLASSES, class_weight="balanced")
        np.testing.assert_allclose(one.theta, two.theta, rtol=1e-12)


def test_classes_that_are_missing_from_the_data():
    """A fold of a cross-validation may lack one."""
    rows = CLASSES < 2
    one, _ = trained(categorical(), X[rows], CLASSES[rows], class_weight={0: 1, 1: 3, 2: 50})
    two, _ = trained(categorical(), X[rows], CLASSES[rows], class_weight={1: 3})
    np.testing.assert_array_equal(one.theta, two.theta)
    one, _ = trained(categorical(), X[rows], CLASSES[rows], class_weight="balanced")
    two, _ = trained(
        categorical(), X[rows], CLASSES[rows], sample_weight=compute_sample_weight("balanced", CLASSES[rows])
    )
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-12)


def test_balanced_classes_have_equal_weight():
    """The loss of the untrained network is the mean of the classes' mean losses."""
    network = categorical()
    _, history = trained(network, X, CLASSES, 1, class_weight="balanced")
    means = [network.loss(X[CLASSES == k], CLASSES[CLASSES == k]) for k in range(3)]
    np.testing.assert_allclose(history.loss[0], np.mean(means), rtol=1e-12)


# Bad input

SAMPLE_WEIGHTS = {
    "too few": (np.ones(19), ["sample_weight has shape (19,)", "expected (20,)", "one weight per sample"]),
    "a column": (np.ones((20, 1)), ["sample_weight has shape (20, 1)", "(20,)"]),
    "a number": (2.0, ["sample_weight has shape ()", "(20,)"]),
    "one": ([2.0], ["sample_weight has shape (1,)", "(20,)"]),
    "negative": (np.linspace(-1, 5, 20), ["sample_weight must hold numbers of at least 0", "-1 to 5"]),
    "all zero": (np.zeros(20), ["sample_weight must hold numbers of at least 0", "the sum is 0"]),
    "NaN": (np.where(Y, np.nan, 1), ["sample_weight holds NaN or infinite values"]),
    "infinite": (np.where(Y, np.inf, 1), ["sample_weight holds NaN or infinite values"]),
    "infinite sum": (np.full(20, 1e308), ["finite sum above 0", "1e+308", "float64", "sum is inf"]),
    "text": (np.full(20, "a"), ["sample_weight has dtype <U1", "real numbers"]),
    "None among them": ([None] * 20, ["sample_weight has dtype object"]),
    "balanced": ("balanced", ["sample_weight has dtype <U8"]),
}


@pytest.mark.parametrize("case", SAMPLE_WEIGHTS)
def test_bad_weights_of_samples(case):
    weights, parts = SAMPLE_WEIGHTS[case]
    network = binary()
    theta = network.theta.copy()
    for call in (
        lambda: nn.train(network, X, Y, nn.SGD(0.1), 1, sample_weight=weights),
        lambda: nn.train(network, X, Y, nn.SGD(0.1), 1, sample_weight=weights, class_weight="balanced"),
        lambda: nn.train(network, X, Y, nn.SGD(0.1), 1, validation=(X, Y, weights)),
        lambda: network.loss(X, Y, weights),
        lambda: network.loss(X, Y, weights, training=True),
        lambda: network.loss_and_gradient(X, Y, weights),
        lambda: nn.check_gradient(network, X, Y, 0, sample_weight=weights),
        lambda: nn.binary_cross_entropy(network.logits(X), Y, weights),
    ):
        with pytest.raises((ValueError, TypeError)) as info:
            call()
        assert all(part in str(info.value) for part in parts), str(info.value)
    np.testing.assert_array_equal(network.theta, theta)


@pytest.mark.parametrize("scale", [1e38, 1e-50])
def test_weights_that_float32_cannot_add_up(scale):
    with pytest.raises(ValueError, match="finite sum above 0.*float32"):
        trained(binary(dtype="float32"), X, Y, sample_weight=np.full(20, scale))


@pytest.mark.parametrize(
    "make, labels, class_weight, error, parts",
    [
        (binary, Y, {2: 1.0}, ValueError, ["class_weight names 2", "classes are 0 to 1"]),
        (categorical, CLASSES, {0: 1, "two": 1}, ValueError, ["class_weight names 'two'", "classes are 0 to 2"]),
        (categorical, CLASSES, {-1: 1}, ValueError, ["class_weight names -1"]),
        (categorical, CLASSES, {0.5: 1}, ValueError, ["class_weight names 0.5"]),
        (binary, Y, {0: -1}, ValueError, ["class_weight[0] must be a finite number above 0, not -1"]),
        (binary, Y, {0: np.nan}, ValueError, ["class_weight[0]", "not nan"]),
        (binary, Y, {1: None}, ValueError, ["class_weight[1]", "not None"]),
        (binary, Y, {1: "5"}, ValueError, ["class_weight[1]", "not '5'"]),
        (binary, Y, {0: 0, 1: 0}, ValueError, ["at least 0 with a finite sum above 0", "the sum is 0"]),
        (binary, Y, "balance", TypeError, ['a dict, such as {0: 1, 1: 5}, or "balanced"', "not 'balance'"]),
        (binary, Y, [1, 5], TypeError, ["class_weight must be a dict", "not [1, 5]"]),
        (binary, Y, np.array([1.0, 5.0]), TypeError, ["class_weight must be a dict", "array([1., 5.])"]),
        (binary, np.full(20, 0.5), "balanced", ValueError, ["y holds 0.5", "whole numbers 0 to 1"]),
        (binary, 1, "balanced", ValueError, ["y has shape ()"]),
        (regression, X[:, 0], {0: 1}, ValueError, ["class_weight needs one class per sample", "use sample_weight"]),
        (lambda: build(2), np.stack([Y, Y], axis=1), "balanced", ValueError, ["needs one class per sample"]),
    ],
)
def test_bad_weights_of_classes(make, labels, class_weight, error, parts):
    network = make()
    theta = network.theta.copy()
    with pytest.raises(error) as info:
        nn.train(network, X, labels, nn.SGD(0.1), 1, class_weight=class_weight)
    assert info.type is error
    assert all(part in str(info.value) for part in parts), str(info.value)
    np.testing.assert_array_equal(network.theta, theta)
