"""Errors that no other file of tests asks for: each names what is wrong and what to do.

Those about samples, labels and options stand in `test_bad_input.py`, those of one module beside its other tests.
"""

import sys

import numpy as np
import pytest
from scipy import sparse

import nnlib as nn

X = np.random.default_rng(0).normal(size=(20, 2))
Y = (X[:, 0] > 0).astype(int)


def build(seed=0, first=None):
    layers = [first or nn.Dense(3, "tanh"), nn.Dense(1)]
    return nn.Network(2, layers, loss="binary_cross_entropy", rng=seed)


def trained(seed=0, optimizer=None, epochs=2, **options):
    return lambda: nn.train(build(seed), X, Y, optimizer or nn.SGD(0.1), epochs, **options)


class NoForward(nn.Layer):
    pass


class NoBackward(nn.Layer):
    def forward(self, inputs, buffers, training):
        return inputs


class NoApply(nn.optimizers.Transform):
    pass


class Bare:
    def start(self, theta, decayed):
        pass

    def step(self, theta, grad):
        pass


# The call, the error, and what its message must say.
MESSAGES = {
    "bias_init as a number": (
        lambda: nn.Dense(3, bias_init=0.0),
        TypeError,
        ["bias_init must be a function f(rng, fan_in, units)", "not 0.0"],
    ),
    "bias_init as a name": (lambda: nn.Dense(3, bias_init="zeros"), TypeError, ["bias_init", "not 'zeros'"]),
    "checkpoint as a path": (
        trained(checkpoint="run.checkpoint"),
        TypeError,
        ["checkpoint must be nn.Checkpoint(path)", "not 'run.checkpoint'"],
    ),
    "resume without a checkpoint": (
        trained(resume=True),
        ValueError,
        ["resume=True needs the checkpoint", "pass checkpoint=nn.Checkpoint(path)"],
    ),
    "resume of a stream": (
        lambda: nn.train(build(), [(X, Y)], None, nn.SGD(0.1), 2, resume=True),
        ValueError,
        ["resume=True", "nn.Checkpoint(path)"],
    ),
    "half a network": (
        lambda: build(range(3)).replicate(1.5),
        TypeError,
        ["r must be the number of one network, 0 to 2", "not 1.5"],
    ),
    "a network too many": (
        lambda: build(range(3)).replicate(3),
        IndexError,
        ["index 3 is out of bounds", "size 3"],
    ),
    "a vector too short": (
        lambda: build(range(3)).unpack(np.ones((3, 12))),
        ValueError,
        ["vector has shape (3, 12)", "expected 13 numbers per network"],
    ),
    "a part of nothing": (lambda: build(range(3)).part([False] * 3), ValueError, ["at least one network", "a sequence"]),
    "a part of one network": (lambda: build().part(slice(1)), ValueError, ["this is a single network", "rng=[seed"]),
    "complex sparse samples": (
        lambda: build().predict(sparse.csr_array(X * 1j)),
        TypeError,
        ["X has dtype complex128", "X.astype(float)"],
    ),
    "a gradient check of a number": (
        lambda: nn.check_gradient(3, X, Y, rng=0),
        TypeError,
        ["check_gradient(network, X, y, rng) takes a Network first", "not int"],
    ),
    "a loss that decides, and never tells what is correct": (
        lambda: nn.Loss("half", nn.identity, print, print, decide=print),
        ValueError,
        ["needs both decide and correct"],
    ),
    "a range test with an optimizer of one's own": (
        lambda: nn.range_test(build(), X, Y, Bare()),
        TypeError,
        ["sets optimizer.learning_rate", "Bare", "nn.Optimizer"],
    ),
    "a function of batches that returns nothing": (
        lambda: nn.train(build(), lambda: None, None, nn.SGD(0.1), 1),
        TypeError,
        ["the function of batches returned None", "iterator of pairs (X, y)"],
    ),
    "jobs for one network": (
        trained(n_jobs=2),
        ValueError,
        ["n_jobs splits a stack", "this is a single network", "Leave it out"],
    ),
    "jobs as text": (
        trained(range(3), n_jobs="2"),
        ValueError,
        ["n_jobs must be a whole number of processes", "-1 for all cores", "not '2'"],
    ),
    "jobs with a generator": (
        trained(range(3), n_jobs=2, batch_size=5, rng=np.random.RandomState(0)),
        TypeError,
        ["every job needs the same batches", "pass a seed as rng, not a generator"],
    ),
    "jobs without restart": (trained(range(3), n_jobs=2, restart=False), ValueError, ["with n_jobs", "restart"]),
    "jobs and epochs": (trained(range(3), epochs=0, n_jobs=2), ValueError, ["epochs must be", "at least 1, not 0"]),
    "jobs and rates": (
        trained(range(3), nn.SGD([0.1, 0.2]), n_jobs=2),
        ValueError,
        ["learning_rate has shape (2,)", "a stack of 3", "one rate per replicate"],
    ),
}


def refused(call, error, parts):
    with pytest.raises(error) as info:
        call()
    assert info.type is error
    assert all(part in str(info.value) for part in parts), str(info.value)


@pytest.mark.parametrize("case", MESSAGES)
def test_messages_name_the_remedy(case):
    refused(*MESSAGES[case])


@pytest.mark.parametrize(
    "call, parts",
    [
        (lambda: build(first=NoForward()).predict(X), ["NoForward", "forward(inputs, buffers, training)"]),
        (lambda: build(first=NoBackward()).loss_and_gradient(X, Y), ["NoBackward", "backward(inputs, buffers"]),
        (trained(optimizer=nn.Optimizer(0.1, [NoApply()])), ["NoApply", "apply(update, theta)"]),
    ],
    ids=["forward", "backward", "apply"],
)
def test_layers_and_transforms_are_told_what_they_lack(call, parts):
    refused(call, NotImplementedError, parts)


@pytest.mark.parametrize(
    "package, module, call, remedy",
    [
        ("tqdm", None, trained(progress=True), "progress=True needs one more package: pip install tqdm"),
        ("joblib", None, trained(range(3), n_jobs=2), "n_jobs needs one more package: pip install joblib"),
        *(
            (
                package,
                f"nnlib.{module}",
                lambda name=name: getattr(nn, name),
                f"nnlib.{name} needs more packages: {pip}",
            )
            for package, module, name, pip in (
                ("sklearn", "estimators", "MLPClassifier", "pip install scikit-learn scipy"),
                ("scipy.optimize", "estimators", "MLPRegressor", "pip install scikit-learn scipy"),
                ("onnx", "export", "to_onnx", "pip install onnx"),
            )
        ),
    ],
)
def test_what_to_install(monkeypatch, package, module, call, remedy):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were missing
    if module is not None:
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(ModuleNotFoundError, match=package) as info:
        call()
    assert info.value.__notes__ == [remedy]
