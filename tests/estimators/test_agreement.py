"""The same training as scikit-learn's, step by step, from the same random state."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

import nnlib as nn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = scale(X)
PAIRS = [(nn.MLPClassifier, neural_network.MLPClassifier), (nn.MLPRegressor, neural_network.MLPRegressor)]
SETTINGS = {
    "hidden_layer_sizes": (12, 7),
    "learning_rate_init": 0.05,
    "alpha": 0.1,
    "max_iter": 50,
    "shuffle": False,
    "random_state": 3,
}


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "sgd", "momentum": 0},
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 2},
        {"solver": "adam"},
        {"solver": "adam", "early_stopping": True},
        {"solver": "adam", "batch_size": 40, "alpha": 0.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_every_epoch_is_the_same(ours, theirs, activation, settings):
    settings = SETTINGS | {"activation": activation} | settings
    # scikit-learn splits off the same share of each class if there are two of them, and no more.
    y = Y == 1 if settings.get("early_stopping") and ours is nn.MLPClassifier else Y
    one, two = ours(**settings).fit(X, y), theirs(**settings).fit(X, y)
    assert one.n_iter_ == two.n_iter_ and one.t_ == two.t_
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(one.predict(X), two.predict(X), rtol=1e-7)
    for a, b in zip(one.coefs_ + one.intercepts_, two.coefs_ + two.intercepts_):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    if settings.get("early_stopping"):
        np.testing.assert_allclose(one.validation_scores_, two.validation_scores_, rtol=1e-7)


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_sample_weights(ours, theirs):
    weight = np.random.default_rng(0).uniform(0, 3, len(X))
    one, two = (estimator(**SETTINGS).fit(X, Y, weight) for estimator in (ours, theirs))
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("activation", ["logistic", "relu"])
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_lbfgs_finds_the_same_minimum(ours, theirs, activation):
    settings = SETTINGS | {"solver": "lbfgs", "activation": activation, "alpha": 10.0, "max_iter": 1000}
    one, two = ours(**settings).fit(X, Y), theirs(**settings).fit(X, Y)
    assert one.loss_ == pytest.approx(two.loss_, rel=1e-5)


@pytest.mark.parametrize("batch_size", [10, 150])
def test_the_penalty_does_not_depend_on_the_batch_size(batch_size):
    # Where all inputs are zero, so is the gradient of the weights, and only the penalty is left.
    def weights(rate):
        settings = {
            "hidden_layer_sizes": (),
            "solver": "sgd",
            "momentum": 0,
            "alpha": 150,
            "max_iter": 2,
            "random_state": 0,
        }
        model = nn.MLPRegressor(**settings, batch_size=batch_size, learning_rate_init=rate)
        return model.fit(np.zeros_like(X), Y).coefs_[0]

    np.testing.assert_allclose(weights(0.01), weights(1e-300) * 0.99 ** (2 * 150 // batch_size))
