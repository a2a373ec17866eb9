"""scikit-learn's own tests of its MLP, and its checks of any estimator, run on nnlib's."""

import functools
import importlib.util
import math
import types
from pathlib import Path

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import nnlib as nn

# scikit-learn's tests were not written for warnings that are errors.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Tests that look inside scikit-learn's class say nothing about the behavior of another.
LEFT_OUT = {
    "test_fit": "sets the private state of an estimator that was never fitted; test_agreement.py compares training",
    "test_gradient": "calls the private _loss_grad_lbfgs; tests/nnlib/test_gradients.py checks every gradient",
}
CASES = 57  # of the 59 of scikit-learn 1.9


def load():
    path = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp").origin
    text = Path(path).read_text(encoding="utf-8")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    assert text.count(line) == 1
    module = types.ModuleType("suite")
    code = compile(text.replace(line, "from nnlib import MLPClassifier, MLPRegressor"), path, "exec")
    exec(code, vars(module))  # noqa: S102 - the tests of an installed package
    assert (module.MLPClassifier, module.MLPRegressor) == (nn.MLPClassifier, nn.MLPRegressor)
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


def must_not_skip(test):
    @functools.wraps(test)
    def run(*args, **kwargs):
        try:
            test(*args, **kwargs)
        except pytest.skip.Exception as skipped:
            if "could not import 'pandas'" not in str(skipped):
                pytest.fail(f"skipped: {skipped}")
            raise

    return run


SUITE = load()
globals().update((name, must_not_skip(test)) for name, test in SUITE.items() if name not in LEFT_OUT)


@pytest.fixture
def global_random_seed():
    return 42


def test_no_case_of_the_suite_is_lost():
    def cases(test):
        return math.prod(len(mark.args[1]) for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize")

    assert set(LEFT_OUT) <= set(SUITE)
    assert sum(cases(test) for name, test in SUITE.items() if name not in LEFT_OUT) >= CASES


SMALL = {"hidden_layer_sizes": 20, "learning_rate_init": 0.02, "max_iter": 50}


@parametrize_with_checks([nn.MLPClassifier(**SMALL), nn.MLPRegressor(**SMALL)])
def test_checks(estimator, check):
    check(estimator)
