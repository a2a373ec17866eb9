"""The estimators as strangers use them: inside scikit-learn's own tools."""

import os

os.environ["MPLBACKEND"] = "Agg"

import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_moons, make_regression
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, LearningCurveDisplay, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import nnlib as nn

NAMES = np.array(["setosa", "versicolor", "virginica"])
X, Y = load_iris(return_X_y=True)
Y = NAMES[Y]
SMALL = {"hidden_layer_sizes": 8, "learning_rate_init": 0.05, "max_iter": 100, "tol": 0.003, "random_state": 0}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def classifier(**settings):
    return nn.MLPClassifier(**(SMALL | settings))


def test_pipeline_and_cross_validation():
    model = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(model, X, Y, cv=3).mean() > 0.9
    assert set(model.fit(X, Y).predict(X)) == set(NAMES)


def test_grid_search_over_the_parameters_that_are_new():
    grid = {
        "mlpclassifier__activation": ["tanh", ("relu", "softplus")],
        "mlpclassifier__optimizer": [None, nn.AdamW(0.05)],
        "mlpclassifier__dropout": [None, 0.2],
        "mlpclassifier__schedule": [None, nn.schedules.cosine(0.05, 100)],
    }
    model = make_pipeline(StandardScaler(), classifier(hidden_layer_sizes=(8, 4), max_iter=30, tol=0.02))
    search = GridSearchCV(model, grid, cv=2, error_score="raise")
    with pytest.warns() as caught:
        search.fit(X, Y)
    assert {w.category.__name__ for w in caught} == {"ConvergenceWarning"}
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 16


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_grid_search_over_the_settings_of_an_optimizer():
    optimizer = nn.SGD(1e-9, momentum=0.9)
    model = make_pipeline(StandardScaler(), classifier(optimizer=optimizer))
    grid = {"mlpclassifier__optimizer__learning_rate": [1e-9, 0.1], "mlpclassifier__optimizer__momentum": [0.0, 0.9]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["mlpclassifier__optimizer__learning_rate"] == 0.1 and search.best_score_ > 0.9
    best = search.best_estimator_["mlpclassifier"]
    assert repr(best.optimizer) == f"SGD(0.1, momentum={best.optimizer.get_params()['momentum']})"
    assert repr(optimizer) == "SGD(1e-09, momentum=0.9)" and f"optimizer={best.optimizer!r}" in repr(best)
    assert "learning_rate_init" in best._repr_html_()
    grid = {"optimizer": [nn.SGD(1e-9), nn.AdamW(1e-9)], "optimizer__learning_rate": [0.1]}
    search = GridSearchCV(classifier(alpha=0), grid, cv=2, error_score="raise").fit(X / 5, Y)
    assert [repr(each["optimizer"]) for each in search.cv_results_["params"]] == ["SGD(1e-09)", "AdamW(1e-09)"]
    assert search.cv_results_["mean_test_score"].min() > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_settings_of_an_optimizer():
    model = classifier(optimizer=nn.Optimizer(0.1, [nn.Clip(1.0), nn.Momentum(0.5)]))
    twin = clone(model).set_params(optimizer__learning_rate=0.2)
    assert model.get_params()["optimizer__learning_rate"] == 0.1 != twin.get_params()["optimizer__learning_rate"]
    other = classifier(optimizer=nn.Optimizer(0.2, [nn.Clip(1.0), nn.Momentum(0.5)]))
    assert repr(twin) == repr(other) != repr(model)
    np.testing.assert_array_equal(twin.fit(X, Y).loss_curve_, other.fit(X, Y).loss_curve_)
    with pytest.raises(ValueError, match="Optimizer has no beta: it has learning_rate, transforms"):
        model.set_params(optimizer__beta=0.5)
    with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
        model.set_params(optimizer__learning_rate=-1)


def test_a_pipeline_transforms_the_validation_set_too():
    weight = np.random.default_rng(0).uniform(0, 2, 50)
    X_val, y_val = 100 * X[::3], Y[::3]
    with config_context(enable_metadata_routing=True):
        model = classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
        pipeline.fit(100 * X, Y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
        score = pipeline.score(X_val, y_val)
    assert score > 0.95
    best = np.average(pipeline.predict(X_val) == y_val, weights=weight)
    assert pipeline["mlp"].best_validation_score_ == pytest.approx(best)


def test_as_features_of_another_model():
    model = make_pipeline(StandardScaler(), classifier(hidden_layer_sizes=(8, 3)), LogisticRegression()).fit(X, Y)
    assert model[:-1].transform(X).shape == (150, 3)
    assert model[:-1].get_feature_names_out().tolist() == ["mlpclassifier0", "mlpclassifier1", "mlpclassifier2"]
    assert model.score(X, Y) > 0.9


def test_calibration_and_importance():
    noise = np.random.default_rng(0).normal(size=(150, 1))
    data = StandardScaler().fit_transform(np.hstack([X, noise]))
    model = CalibratedClassifierCV(classifier(), cv=2).fit(data, Y)
    p = model.predict_proba(data)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (model.classes_ == NAMES).all() and model.score(data, Y) > 0.9
    importance = permutation_importance(classifier(alpha=1.0).fit(data, Y), data, Y, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmin() == 4


@pytest.mark.parametrize("early_stopping", [False, True])
def test_copies_are_apart_and_files_are_whole(tmp_path, early_stopping):
    model = classifier(optimizer=nn.Adam(0.05), batch_norm=True, dropout=0.1, early_stopping=early_stopping).fit(X, Y)
    expected = model.predict_proba(X)
    joblib.dump(model, tmp_path / "model.joblib")
    for other in (joblib.load(tmp_path / "model.joblib"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        other.coefs_[0][...] = 0  # still views of the network
        assert not np.array_equal(other.predict_proba(X), expected)
        np.testing.assert_array_equal(model.predict_proba(X), expected)
    twin = clone(model)
    assert not hasattr(twin, "coefs_") and twin.optimizer is not model.optimizer
    np.testing.assert_array_equal(twin.fit(X, Y).predict_proba(X), expected)


def test_many_threads_ask_one_model():
    model = classifier().fit(X, Y)
    expected = model.predict_proba(X)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda rows: model.predict_proba(X[rows]), [slice(i, i + 50) for i in range(100)]))
    for i, answer in enumerate(answers):
        np.testing.assert_allclose(answer, expected[i : i + 50], rtol=1e-12)


def test_displays():
    moons = make_moons(100, noise=0.2, random_state=0)
    model = classifier(activation="tanh").fit(*moons)
    assert DecisionBoundaryDisplay.from_estimator(model, moons[0], response_method="predict_proba").surface_ is not None
    three = make_pipeline(StandardScaler(), classifier()).fit(X[:, :2], Y)
    DecisionBoundaryDisplay.from_estimator(three, X[:, :2], grid_resolution=20)
    matrix = ConfusionMatrixDisplay.from_estimator(three, X[:, :2], Y)
    assert [text.get_text() for text in matrix.ax_.get_xticklabels()] == NAMES.tolist()
    data, target = make_regression(60, 3, random_state=0)
    regressor = nn.MLPRegressor("squared_error", 8, solver="lbfgs", max_iter=200, random_state=0)
    curve = LearningCurveDisplay.from_estimator(
        make_pipeline(StandardScaler(), regressor), data, target / 50, cv=2, train_sizes=[10, 30]
    )
    assert np.isfinite(curve.test_scores).all()
