import gc
import operator
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

import nnlib as nn
from nnlib import autograd, datasets
from nnlib.autograd import Tensor


def check(f, *arrays, tolerance=1e-7):
    """Gradients of `f` by each array, against differences; every entry of the result has a weight of its own."""
    tensors = [Tensor(array) for array in arrays]
    out = f(*tensors)
    seed = np.random.default_rng(1).normal(size=out.shape)
    out.backward(seed)
    for i, tensor in enumerate(tensors):

        def along(values, i=i):
            return (f(*arrays[:i], Tensor(values), *arrays[i + 1 :]).value * seed).sum()

        assert tensor.grad.shape == tensor.shape
        expected = nn.numerical_gradient(along, arrays[i])
        np.testing.assert_allclose(tensor.grad, expected, rtol=tolerance, atol=tolerance)


def away_from_zero(shape, seed=0, positive=False):
    """Numbers of size 0.5 to 2: no kink and no pole is nearer than the step of the differences."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2, size=shape) * (1 if positive else rng.choice([-1, 1], size=shape))


# name: function of a tensor, the same in NumPy, whether it needs positive numbers
ENTRYWISE = {
    "negation": (lambda x: -x, np.negative, False),
    "square": (lambda x: x**2, np.square, False),
    "cube root": (lambda x: x ** (1 / 3), np.cbrt, True),
    "reciprocal": (lambda x: x**-1, np.reciprocal, False),
    "power 0": (lambda x: x**0, np.ones_like, False),
    "exp": (autograd.exp, np.exp, False),
    "log": (autograd.log, np.log, True),
    "sigmoid": (autograd.sigmoid, lambda x: 1 / (1 + np.exp(-x)), False),
    "tanh": (autograd.tanh, np.tanh, False),
    "relu": (autograd.relu, lambda x: np.where(x > 0, x, 0), False),
    "leaky_relu": (autograd.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x), False),
    "softplus": (autograd.softplus, lambda x: np.log(1 + np.exp(x)), False),
}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 3), (0, 2)])
@pytest.mark.parametrize("name", ENTRYWISE)
def test_entrywise_functions(name, shape):
    f, in_numpy, positive = ENTRYWISE[name]
    x = away_from_zero(shape, positive=positive)
    np.testing.assert_allclose(f(Tensor(x)).value, in_numpy(x), rtol=1e-14)
    check(f, x)


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "maximum": lambda a, b: autograd.maximum(a, b) if Tensor in (type(a), type(b)) else np.maximum(a, b),
}


@pytest.mark.parametrize("op", BINARY)
@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0))
def test_binary_operations_with_any_shapes_that_broadcast(op, shapes):
    a, b = (away_from_zero(shape, seed) for seed, shape in enumerate(shapes.input_shapes))
    f = BINARY[op]
    for out in (f(Tensor(a), Tensor(b)), f(a, Tensor(b)), f(Tensor(a), b)):
        assert out.shape == shapes.result_shape and out.op == op
        np.testing.assert_array_equal(out.value, f(a, b))
    check(f, a, b)


@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_of_vectors_matrices_and_stacks(shapes):
    a, b = (away_from_zero(shape, seed) for seed, shape in enumerate(shapes.input_shapes))
    for out in (Tensor(a) @ Tensor(b), a @ Tensor(b), Tensor(a) @ b):
        assert out.shape == shapes.result_shape
        np.testing.assert_allclose(out.value, a @ b, rtol=1e-14)
    check(lambda a, b: a @ b, a, b)


@st.composite
def reductions(draw):
    shape = draw(array_shapes(max_dims=3, max_side=3))
    axes = st.integers(-len(shape), len(shape) - 1)
    several = st.lists(axes, unique_by=lambda axis: axis % len(shape), max_size=len(shape)).map(tuple)
    return away_from_zero(shape), draw(st.one_of(st.none(), axes, several)), draw(st.booleans())


@given(reductions())
def test_sum_mean_and_logsumexp_over_any_axes(case):
    x, axis, keepdims = case
    for f, in_numpy in (
        (lambda x: x.sum(axis, keepdims), lambda x: x.sum(axis, keepdims=keepdims)),
        (lambda x: x.mean(axis, keepdims), lambda x: x.mean(axis, keepdims=keepdims)),
        (lambda x: autograd.logsumexp(x, axis, keepdims), lambda x: np.log(np.exp(x).sum(axis, keepdims=keepdims))),
    ):
        out = f(Tensor(x))
        assert out.shape == in_numpy(x).shape
        np.testing.assert_allclose(out.value, in_numpy(x), rtol=1e-13, atol=1e-14)
        check(f, x)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis):
    x = away_from_zero((3, 4))
    e = np.exp(x)
    np.testing.assert_allclose(autograd.softmax(Tensor(x), axis).value, e / e.sum(axis, keepdims=True), rtol=1e-14)
    check(lambda x: autograd.softmax(x, axis), x)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x.reshape(4, 3),
        lambda x: x.reshape((2, -1)),
        lambda x: x.T,
        lambda x: x[1],
        lambda x: x[..., 1:],
        lambda x: x[:, None, ::2],
        lambda x: x[[0, 2, 0]],
        lambda x: x[np.arange(3), [1, 3, 1]],
        lambda x: x[np.eye(3, 4) > 0],
        lambda x: x[2, 3],
    ],
)
def test_shapes_and_indexing(move):
    x = away_from_zero((3, 4))
    np.testing.assert_array_equal(move(Tensor(x)).value, move(x))
    check(move, x)


def test_transpose_of_a_stack_reverses_the_axes_as_in_numpy():
    x = away_from_zero((2, 3, 4))
    np.testing.assert_array_equal(Tensor(x).T.value, x.T)
    check(lambda x: x.T, x)


# The graph


def test_a_value_used_twice_gets_both_gradients():
    x = Tensor(3.0)
    (x * x + x).backward()
    assert x.grad == 7
    a = Tensor(1.0)
    b = a + a
    c = b + b  # each path through b counts
    c.backward()
    assert (a.grad, b.grad, c.grad) == (4, 2, 1)


def test_a_diamond_whose_arms_differ_in_length():
    check(lambda x: (autograd.exp(autograd.tanh(x * x)) + x) * x, away_from_zero((2, 3)))


def test_the_order_puts_parents_first_and_holds_everything_once():
    x, y = Tensor(2.0), Tensor(3.0)
    product = x * y
    loss = (product + x) * product
    graph = loss.graph()
    assert len(graph) == len(set(graph)) == 5 and graph[-1] is loss
    for tensor in graph:
        assert all(graph.index(parent) < graph.index(tensor) for parent in tensor.parents)


def test_the_graph_of_a_neuron_can_be_drawn():
    x, w, b = [1.0, 2.0], Tensor([0.5, -0.5]), Tensor(0.1)
    neuron = autograd.sigmoid(x @ w + b)
    edges = [(parent.op, tensor.op) for tensor in neuron.graph() for parent in tensor.parents]
    assert edges == [("constant", "@"), ("leaf", "@"), ("@", "+"), ("leaf", "+"), ("+", "sigmoid")]
    assert (x @ w).parents[1] is w and w.parents == ()
    assert repr(neuron) == "<Tensor sigmoid, shape (): 0.4013>"


@pytest.mark.slow
def test_a_chain_of_100_000_operations():
    x = Tensor(1.0)
    y = x
    for _ in range(50_000):
        y = -(y + x)
    y.backward()
    assert y.value == 1 and x.grad == 1  # the uses of x cancel in pairs, and the start remains
    last = weakref.ref(y.parents[0])
    del y  # frees one tensor after the other, which must not go deep either
    assert last() is None


def test_the_graph_is_freed_with_its_last_tensor_without_the_garbage_collector():
    x = Tensor([1.0, 2.0])
    gc.disable()
    try:
        hidden = autograd.logsumexp(autograd.softmax(x[[0, 0]].T.reshape(2, 1)) @ x[None, :] / x - x.mean())
        loss = autograd.maximum(autograd.tanh(hidden) ** 2, autograd.exp(hidden)).sum()
        loss.backward()
        inner = [weakref.ref(tensor) for tensor in loss.graph() if tensor is not x]
        assert len(inner) > 12
        del hidden, loss
        assert not any(ref() for ref in inner)
    finally:
        gc.enable()


def test_backward_starts_from_zero_each_time():
    x = Tensor([1.0, 2.0])
    first, second = (x**2).sum(), (3 * x).sum()
    first.backward()
    first.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
    second.backward()
    np.testing.assert_array_equal(x.grad, [3, 3])
    (first + second).backward()
    np.testing.assert_array_equal(x.grad, [5, 7])


def test_gradients_are_arrays_of_their_own():
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    loss = (x + y).sum()
    loss.backward()
    x.grad[...] = np.nan
    np.testing.assert_array_equal(y.grad, [1, 1])


def test_constants_get_no_gradient():
    X = np.ones((3, 2))
    w = Tensor([1.0, 2.0])
    loss = (X @ w).sum() * 2
    loss.backward()
    np.testing.assert_array_equal(w.grad, [6, 6])
    assert [tensor.grad is None for tensor in loss.graph()] == [tensor.op == "constant" for tensor in loss.graph()]


def test_what_the_caller_changes_later_does_not_matter():
    X, start = np.array([2.0, 3.0]), np.array([1.0, 1.0])
    w = Tensor(start)
    loss = (X * w).sum()
    X[...] = start[...] = np.nan
    loss.backward()
    np.testing.assert_array_equal(w.grad, [2, 3])
    np.testing.assert_array_equal(w.value, [1, 1])


# Numbers and types


def test_numpy_on_the_left_gives_one_tensor():
    t = Tensor([1.0, 2.0])
    for out, expected in (
        (np.array([3.0, 4.0]) - t, [2, 2]),
        (np.float64(6) / t, [6, 3]),
        (np.array(2.0) * t, [2, 4]),
        (np.eye(2) @ t, [1, 2]),
        (1 + t, [2, 3]),
    ):
        assert isinstance(out, Tensor)
        np.testing.assert_array_equal(out.value, expected)


@pytest.mark.parametrize("f", [f for f, _, _ in ENTRYWISE.values()] + [autograd.logsumexp, autograd.softmax])
def test_float32_stays_float32(f):
    x = Tensor(np.array([[0.5, 1.5], [1.0, 2.0]], np.float32))
    w = Tensor(np.ones((2, 2), np.float32))
    labels = np.array([0, 1])
    loss = ((2 * f(x @ w) - labels + [0.5, 1]) / 3.0 - True).mean()
    loss.backward()
    assert {tensor.value.dtype for tensor in loss.graph()} == {np.dtype(np.float32)}
    assert x.grad.dtype == w.grad.dtype == np.float32


def test_integers_become_float64_and_precisions_mix_as_in_numpy():
    assert Tensor([1, 2]).value.dtype == Tensor(True).value.dtype == np.float64
    assert Tensor(np.uint8(200)).value + 100 == 300
    assert Tensor(np.float16(1)).value.dtype == np.float32  # as everywhere in nnlib
    single = Tensor(np.ones(2, np.float32))
    double = single * np.ones(2)
    double.sum().backward()
    assert double.value.dtype == np.float64 and single.grad.dtype == np.float32


def test_extreme_values_do_not_overflow():
    x = Tensor([-1000.0, 0.0, 1000.0])
    for f, gradient in (
        (autograd.sigmoid, [0, 0.25, 0]),
        (autograd.softplus, [0, 0.5, 1]),
        (autograd.logsumexp, [0, 0, 1]),
        (autograd.tanh, [0, 1, 0]),
    ):
        f(x).sum().backward()
        np.testing.assert_array_equal(x.grad, gradient)


def test_derivatives_where_there_is_none():
    """At a kink the choice is that of the networks; `maximum` splits evenly."""
    for name in ("relu", "leaky_relu"):
        x = Tensor(0.0)
        getattr(autograd, name)(x).backward()
        assert x.grad == getattr(nn, name).derivative(0.0)
    a, b = Tensor([1.0, 2.0]), Tensor(2.0)
    autograd.maximum(a, b).sum().backward()
    np.testing.assert_array_equal(a.grad, [0, 0.5])
    assert b.grad == 1.5
    zero = Tensor(0.0)
    (zero**0 + zero**1 + zero**2).backward()
    assert zero.grad == 1


T = Tensor([1.0, 2.0, 3.0])


def assign(target, name, value):
    setattr(target, name, value)


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (lambda: T.backward(), ValueError, r"this tensor has shape \(3,\): reduce it to a number, with \.sum\(\)"),
        (lambda: T.backward([1, 2]), ValueError, r"seed has shape \(2,\); expected \(3,\)"),
        (lambda: T.backward("1"), TypeError, "seed has dtype <U1; real numbers are needed"),
        (lambda: T + [1, 2], ValueError, r"add of shapes \(3,\) and \(2,\): they do not fit; .* equal, or one of them"),
        (lambda: np.ones((2, 2)) * T, ValueError, r"multiply of shapes \(2, 2\) and \(3,\)"),
        (lambda: autograd.maximum([1, 2], T), ValueError, r"maximum of shapes \(3,\) and \(2,\)"),
        (lambda: T @ np.ones((2, 3)), ValueError, r"matmul of shapes \(3,\) and \(2, 3\): .* two k must be equal"),
        (lambda: T @ 2, ValueError, r"matmul of shapes \(3,\) and \(\): .* neither side may be a single number"),
        (lambda: T.reshape(2, 2), ValueError, r"size 3 into shape \(2,2\)"),
        (lambda: T.sum(axis=1), ValueError, "axis 1 is out of bounds"),
        (lambda: T[3], IndexError, "index 3 is out of bounds"),
        (lambda: T**T, TypeError, r"the exponent must be a number, .* write exp\(exponent \* log\(x\)\)"),
        (lambda: T + "1", TypeError, "dtype <U1; real numbers are needed"),
        (lambda: None * T, TypeError, "dtype object; real numbers are needed"),
        (lambda: Tensor(1j), TypeError, "dtype complex128; real numbers are needed"),
        (lambda: Tensor([[1], [2, 3]]), ValueError, "values has rows of different lengths"),
        (lambda: Tensor(T), TypeError, r"take the array: x\.value"),
        (lambda: Tensor([T, T]), TypeError, r"take the array: x\.value"),
        (lambda: np.concatenate([T, T]), TypeError, r"Use those of nnlib\.autograd"),
        (lambda: np.exp(T), TypeError, "operand 'Tensor' does not support ufuncs"),
        (lambda: list(Tensor(1.0)), TypeError, "not iterable"),
        (lambda: T.__setitem__(0, 1), TypeError, r"a tensor cannot be changed in place\. Make a new one"),
        (lambda: assign(T, "value", 1), TypeError, r"a tensor cannot be changed in place\. Make a new one"),
        (lambda: T.value.__setitem__(0, 1), ValueError, "read-only"),
        (lambda: (T + 1).value.__setitem__(0, 1), ValueError, "read-only"),
        (lambda: T[:2].value.__setitem__(0, 1), ValueError, "read-only"),
    ],
)
def test_errors_name_the_remedy(bad, error, message):
    with pytest.raises(error, match=message):
        bad()


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul]


@pytest.mark.parametrize("op", IN_PLACE, ids=lambda op: op.__name__)
def test_nothing_is_changed_in_place(op):
    t, array = Tensor([1.0, 2.0]), np.ones(2)
    with pytest.raises(TypeError, match=r"cannot be changed in place\. .* Tensor\(w\.value - 0\.1 \* w\.grad\)"):
        op(t, 2)
    with pytest.raises(TypeError):  # NumPy's: an array has no room for the record
        op(array, t)
    np.testing.assert_array_equal(t.value, [1, 2])
    np.testing.assert_array_equal(array, [1, 1])


# Beside other sources of the same gradients

ON_LOGITS = {  # each loss as its textbook has it, from the logits z and the targets t
    "binary_cross_entropy": lambda z, t: (
        -(t * autograd.log(autograd.sigmoid(z)) + (1 - t) * autograd.log(1 - autograd.sigmoid(z)))
    ),
    "categorical_cross_entropy": lambda z, t: -t * autograd.log(autograd.softmax(z)),
    "squared_error": lambda z, t: (z - t) ** 2,
    "half_squared_error": lambda z, t: (z - t) ** 2 / 2,
    "poisson": lambda z, t: autograd.exp(z) - t * z - t + t * np.log(np.maximum(t, 1)),
}
OF_THE_TAPE = {"identity": lambda z: z, "exponential": autograd.exp}


@pytest.mark.parametrize("activation", sorted(nn.ACTIVATIONS))
@pytest.mark.parametrize("loss", sorted(nn.LOSSES))
def test_the_tape_agrees_with_the_network(loss, activation):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(7, 3))
    network = nn.Network(3, [nn.Dense(5, activation), nn.Dense(2)], loss=loss, rng=4)
    network.theta = rng.normal(size=network.theta.shape) * 0.5
    if loss == "categorical_cross_entropy":
        y = rng.integers(0, 2, size=7)
        t = np.eye(2)[y]
    elif loss == "binary_cross_entropy":
        y = t = rng.integers(0, 2, size=(7, 2))
    else:
        y = t = rng.integers(0, 4, size=(7, 2))

    expected, gradient = network.loss_and_gradient(X, y)
    (W1, b1), (W2, b2) = [(Tensor(W), Tensor(b)) for W, b in network.unpack(network.theta)]
    f = OF_THE_TAPE.get(activation) or getattr(autograd, activation)
    value = ON_LOGITS[loss](f(X @ W1 + b1) @ W2 + b2, t).sum(axis=1).mean()
    value.backward()

    np.testing.assert_allclose(value.value, expected, rtol=1e-10)
    by_hand = [part for layer in network.unpack(gradient) for part in layer]
    for tensor, part in zip((W1, b1, W2, b2), by_hand, strict=True):
        np.testing.assert_allclose(tensor.grad, part, rtol=1e-10, atol=1e-14)


@pytest.mark.slow
def test_the_tape_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, W, b, y = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=4), rng.integers(0, 4, size=6)

    def loss(W, b, X, lib, logsumexp, maximum):
        z = lib.tanh(X @ W + b) / (1 + lib.exp(-(X @ W)))
        z = maximum(z, z.T.reshape(6, 4) ** 2) + lib.log(z * z + 1)
        return (logsumexp(z) - z[np.arange(6), y]).mean()

    tape = [Tensor(W), Tensor(b)]
    ours = loss(*tape, X, autograd, autograd.logsumexp, autograd.maximum)
    ours.backward()
    leaves = [torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)]
    theirs = loss(*leaves, torch.tensor(X), torch, lambda z: torch.logsumexp(z, -1), torch.maximum)
    theirs.backward()
    np.testing.assert_allclose(ours.value, theirs.item(), rtol=1e-12)
    for tensor, leaf in zip(tape, leaves):
        np.testing.assert_allclose(tensor.grad, leaf.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_the_tape_trains_a_network_on_xor():
    X, y = datasets.xor()
    rng = np.random.default_rng(0)
    parameters = [Tensor(rng.normal(size=shape)) for shape in ((2, 4), (4,), (4,), ())]
    for _ in range(300):
        W1, b1, w2, b2 = parameters
        p = autograd.sigmoid(autograd.tanh(X @ W1 + b1) @ w2 + b2)
        loss = -(y * autograd.log(p) + (1 - y) * autograd.log(1 - p)).mean()
        loss.backward()
        parameters = [Tensor(parameter.value - parameter.grad) for parameter in parameters]
    assert loss.value < 0.05
    np.testing.assert_array_equal(p.value.round(), y)
