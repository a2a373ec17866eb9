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


def split(seed=0, optimizer=None, epochs=2, **options):
    return lambda: nn.parallel.train(build(seed), X, Y, optimizer or nn.SGD(0.1), epochs, **options)


class NoForward(nn.Layer):
    pass


class NoApply(nn.Transform):
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
        ValueError,
        ["unknown initializer of biases 0.0", "Known: normal, uniform, zeros"],
    ),
    "bias_init by a rule for weights": (
        lambda: nn.Dense(3, bias_init="he"),
        ValueError,
        ["unknown initializer of biases 'he'", "Known: normal, uniform, zeros"],
    ),
    "a loss by another library's name": (
        lambda: nn.Network(2, [nn.Dense(1)], loss="mse", rng=0),
        ValueError,
        ["unknown loss 'mse'", "Did you mean 'squared_error'?"],
    ),
    "a loss by its initials": (
        lambda: nn.Network(2, [nn.Dense(1)], loss="BCE", rng=0),
        ValueError,
        ["Did you mean 'binary_cross_entropy'?"],
    ),
    "a loss that is not there": (
        lambda: nn.Network(2, [nn.Dense(1)], loss="mae", rng=0),
        ValueError,
        ["unknown loss 'mae'", "can be written in two lines: see the example of nn.Loss"],
    ),
    "classes of ten numbers": (
        lambda: nn.Network(2, [nn.Dense(10)], loss="squared_error", rng=0).classify(X),
        ValueError,
        ["squared_error has no classes; take predict(X).argmax(axis=-1)"],
    ),
    "classes of one number": (
        lambda: nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0).classify(X),
        ValueError,
        ["squared_error has no classes; round predict(X)"],
    ),
    "checkpoint as a path": (
        trained(checkpoint="run.checkpoint"),
        TypeError,
        ["checkpoint must be nn.Checkpoint(path)", "not 'run.checkpoint'"],
    ),
    "a vector too short": (
        lambda: build(range(3)).unpack(np.ones((3, 12))),
        ValueError,
        ["vector has shape (3, 12)", "expected 13 numbers per network"],
    ),
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
    "jobs for one network": (split(n_jobs=2), ValueError, ["a stack is split", "this is a single network", "nn.train"]),
    "jobs as text": (
        split(range(3), n_jobs="2"),
        ValueError,
        ["n_jobs must be a whole number of processes", "-1 for all cores", "not '2'"],
    ),
    "jobs with a generator": (
        split(range(3), n_jobs=2, batch_size=5, rng=np.random.RandomState(0)),
        TypeError,
        ["every job needs the same batches", "pass a seed as rng, not a generator"],
    ),
    "jobs without restart": (
        split(range(3), n_jobs=2, restart=False, callbacks=print),
        ValueError,
        ["processes cannot share callbacks, restart"],
    ),
    "jobs and epochs": (split(range(3), epochs=0, n_jobs=2), ValueError, ["epochs must be", "at least 1, not 0"]),
    "jobs and rates": (
        split(range(3), nn.SGD([0.1, 0.2]), n_jobs=2),
        ValueError,
        ["learning_rate has shape (2,)", "a stack of 3", "one rate per replicate"],
    ),
    "a transform that does not start": (
        lambda: nn.SGD(0.1).set_params(momentum=0.5) and nn.Optimizer(0.1, [type("Half", (), {"apply": print})()]),
        TypeError,
        ["transforms such as nn.Clip(1.0)", "start(theta, decayed) and apply(update, theta)", "nn.Transform"],
    ),
    "an optimizer's setting that is not there": (
        lambda: nn.SGD(0.1).set_params(beta=0.5),
        ValueError,
        ["SGD has no beta: it has learning_rate, momentum, nesterov, weight_decay, clip"],
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
        (lambda: build(first=NoForward()), ["NoForward", "forward(x, training)"]),
        (trained(optimizer=nn.Optimizer(0.1, [NoApply()])), ["NoApply", "apply(update, theta)"]),
    ],
    ids=["forward", "apply"],
)
def test_layers_and_transforms_are_told_what_they_lack(call, parts):
    refused(call, NotImplementedError, parts)


@pytest.mark.parametrize(
    "package, module, call, remedy",
    [
        ("tqdm", None, trained(progress=True), "progress=True needs one more package: pip install tqdm"),
        ("joblib", None, split(range(3), n_jobs=2), "nn.parallel needs one more package: pip install joblib"),
        *(
            (
                package,
                f"nnlib.{module}",
                lambda name=name: getattr(nn, name),
                f"nnlib.{name} needs more packages: {pip}",
            )
            for package, module, name, pip in (
                ("sklearn", "interop.estimators", "MLPClassifier", "pip install scikit-learn scipy"),
                ("scipy.optimize", "interop.estimators", "MLPRegressor", "pip install scikit-learn scipy"),
                ("onnx", "interop.onnx", "to_onnx", "pip install onnx"),
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
