"""What the estimators add to scikit-learn's interface, and what they say when something does not fit.

`tests/estimators` runs scikit-learn's own tests and compares the two epoch by epoch.
"""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

import nnlib as nn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
LABELS = (X > 0).astype(int)
TARGETS = X @ RNG.normal(size=(3, 2))


def classifier(**settings):
    return nn.MLPClassifier(**({"hidden_layer_sizes": (8, 5), "max_iter": 5, "random_state": 0} | settings))


def regressor(**settings):
    return nn.MLPRegressor(**({"hidden_layer_sizes": (8, 5), "max_iter": 5, "random_state": 0} | settings))


def test_layers_from_parameters():
    model = classifier(activation=["logistic", nn.leaky_relu], batch_norm=True, dropout=0.2, init="he").fit(X, Y)
    assert [type(layer).__name__ for layer in model.network_.layers] == [
        "Dense", "BatchNorm", "Dropout", "Dense", "BatchNorm", "Dropout", "Dense",
    ]  # fmt: skip
    assert [model.network_.layers[i].activation.name for i in (0, 1, 4, 6)] == [
        "identity", "sigmoid", "leaky_relu", "identity",
    ]  # fmt: skip
    assert [W.shape for W in model.coefs_] == [(3, 8), (8, 5), (5, 1)]
    assert [b.shape for b in model.intercepts_] == [(8,), (5,), (1,)]
    assert model.n_layers_ == 4 and model.out_activation_ == "logistic" and model.classes_.tolist() == ["other", "same"]


def test_no_hidden_layer_is_a_linear_model():
    model = regressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0, max_iter=200).fit(X, TARGETS)
    expected = np.linalg.lstsq(np.c_[X, np.ones(60)], TARGETS, rcond=None)[0]
    np.testing.assert_allclose(np.r_[model.coefs_[0], [model.intercepts_[0]]], expected, atol=1e-3)


def test_weights_can_be_set():
    model = regressor().fit(X, TARGETS)
    before = model.predict(X)
    model.coefs_[2] = 2 * model.coefs_[2]
    model.intercepts_[2][...] *= 2
    np.testing.assert_allclose(model.predict(X), 2 * before)
    model.coefs_ = [0 * W for W in model.coefs_]
    np.testing.assert_allclose(model.predict(X), [model.intercepts_[2]] * 60)


def test_an_optimizer_comes_before_the_solver_and_is_not_changed():
    optimizer = nn.SGD(0.5, momentum=0.5)
    one = classifier(optimizer=optimizer, solver="lbfgs").fit(X, Y)
    two = classifier(solver="sgd", learning_rate_init=0.5, momentum=0.5, nesterovs_momentum=False).fit(X, Y)
    np.testing.assert_array_equal(one.loss_curve_, two.loss_curve_)
    assert len(optimizer.transforms) == 1 and optimizer.steps is None
    assert hasattr(one, "partial_fit")


def test_a_schedule_sees_every_step():
    steps = []

    def schedule(step):
        steps.append(step)
        return 0.1 / (1 + step)

    model = classifier(schedule=schedule, batch_size=20, max_iter=2).fit(X, Y)
    assert sorted(set(steps)) == list(range(6))  # three batches, two epochs
    model = classifier(schedule=lambda step: 0.0, batch_size=20).fit(X, Y)
    start = classifier(learning_rate_init=1e-300).fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], start.coefs_[0])


def test_class_weights_are_sample_weights():
    one = classifier(class_weight={"same": 3.0}).fit(X, Y)
    two = classifier().fit(X, Y, np.where(Y == "same", 3.0, 1.0))
    np.testing.assert_array_equal(one.loss_curve_, two.loss_curve_)
    weights = {label: 30 / (Y == label).sum() for label in ("same", "other")}
    three, four = classifier(class_weight="balanced").fit(X, Y), classifier(class_weight=weights).fit(X, Y)
    np.testing.assert_allclose(three.loss_curve_, four.loss_curve_)


def test_weights_count_as_repeated_rows():
    repeats = RNG.integers(0, 3, 60)
    settings = {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 200, "alpha": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # batch_size is clipped
        one = classifier(**settings).fit(X, Y, repeats)
        two = classifier(**settings).fit(X.repeat(repeats, axis=0), Y.repeat(repeats))
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_)


@pytest.mark.parametrize("model, y", [(classifier(), Y), (regressor(), TARGETS)], ids=["classifier", "regressor"])
def test_validation_data(model, y):
    model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == len(model.loss_curve_) == 5
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[40:], y[40:]))
    encoded = y[40:] == "same" if y is Y else y[40:]
    assert model.validation_loss_curve_[-1] == pytest.approx(model.network_.loss(X[40:], encoded))
    assert model.best_validation_score_ == max(model.validation_scores_)
    weight = RNG.uniform(0, 2, 20)
    model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=weight)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[40:], y[40:], weight))
    assert model.validation_loss_curve_[-1] == pytest.approx(model.network_.loss(X[40:], encoded, weight))


def test_early_stopping_goes_back_to_the_best():
    model = regressor(early_stopping=True, max_iter=200, learning_rate_init=0.3, n_iter_no_change=5)
    model.fit(X[:40], TARGETS[:40], X_val=X[40:], y_val=TARGETS[40:])
    assert model.n_iter_ < 200
    assert model.score(X[40:], TARGETS[40:]) == pytest.approx(max(model.validation_scores_))
    assert model.validation_scores_[-1] < max(model.validation_scores_)


@pytest.mark.parametrize("classes", [2, 3])
def test_early_stopping_trains_on_every_class(classes):
    y = np.r_[np.repeat(range(classes - 1), 19), [classes - 1] * 2]
    data, n = RNG.normal(size=(len(y), 3)), []

    def count(self, samples, t, *rest):
        n.append(t.sum(axis=0) if classes > 2 else [len(t) - t.sum(), t.sum()])

    for seed in range(20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.MLPClassifier, "_descend", count)
            classifier(early_stopping=True, validation_fraction=0.3, random_state=seed).fit(data, y)
    assert np.min(n) >= 1 and np.ptp(n, axis=0).max() <= 1


def test_a_tie_goes_to_the_first_class():
    """At equal probability predict, the network and the score of the validation agree."""
    for y in (Y, LABELS, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)):
        model = classifier(schedule=lambda step: 0.0, max_iter=1).fit(X, y)
        model.coefs_, model.intercepts_ = [0 * W for W in model.coefs_], [0 * b for b in model.intercepts_]
        model.set_params(warm_start=True).fit(X, y, X_val=X, y_val=y)
        assert (model.predict_proba(X) == model.predict_proba(X)[0, 0]).all()
        first = 0 * LABELS if y is LABELS else np.full(60, model.classes_[0])
        np.testing.assert_array_equal(model.predict(X), first)
        assert not model.network_.classify(X).any()
        assert model.validation_scores_[-1] == model.score(X, y) == (y == first).reshape(60, -1).all(axis=1).mean()
        model.intercepts_[-1][-1] = 1e-30  # its probability rounds to 1/2
        np.testing.assert_array_equal(model.predict(X) != first, model.network_.classify(X).astype(bool))
        assert (model.predict(X) != first).any()


def test_transform_gives_the_last_hidden_layer():
    model = classifier(activation="tanh", dropout=0.5, batch_norm=True).fit(X, Y)
    hidden = model.transform(X)
    assert hidden.shape == (60, 5)
    logits = hidden @ model.coefs_[-1] + model.intercepts_[-1]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-logits[:, 0])))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_float32_stays_float32(solver):
    for model, y in ((classifier(solver=solver), Y), (regressor(solver=solver), TARGETS)):
        model.fit(X.astype(np.float32), y)
        assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype(np.float32)}
        assert model.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_input_becomes_dense_piece_by_piece(solver, monkeypatch):
    monkeypatch.setattr("nnlib.network.PIECE", 80)  # pieces of ten rows
    rows, toarray = [], csr_array.toarray

    def spy(self, *args, **kwargs):
        if self.shape[1] == 3:  # samples, not labels
            rows.append(self.shape[0])
        return toarray(self, *args, **kwargs)

    monkeypatch.setattr(csr_array, "toarray", spy)
    data = X * (abs(X) > 0.5)
    sparse, dense = (
        classifier(solver=solver, batch_size=20, activation="tanh").fit(x, Y) for x in (csr_array(data), data)
    )
    assert sparse.loss_ == pytest.approx(dense.loss_, rel=1e-9)
    assert max(rows) == (20 if solver == "adam" else 10)
    np.testing.assert_allclose(sparse.predict_proba(csr_array(data)), dense.predict_proba(data), rtol=1e-6)


def test_several_labels():
    model = classifier(solver="lbfgs", max_iter=200).fit(X, LABELS)
    assert model.predict(X).shape == (60, 3) and model.out_activation_ == "logistic"
    assert model.score(X, LABELS) > 0.95
    model = classifier(max_iter=3).fit(X, LABELS, X_val=X, y_val=LABELS)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X, LABELS))


def test_one_class_has_one_probability():
    np.testing.assert_array_equal(classifier().fit(X, ["a"] * 60).predict_proba(X).shape, (60, 1))


def test_partial_fit_goes_on_with_the_optimizer():
    whole = regressor(batch_size=60, max_iter=4).fit(X, TARGETS)
    parts = regressor(batch_size=60)
    for _ in range(4):
        parts.partial_fit(X, TARGETS)
    np.testing.assert_array_equal(parts.loss_curve_, whole.loss_curve_)
    assert parts.t_ == whole.t_ == 240


def test_interrupt_keeps_what_was_learned(monkeypatch):
    calls = []

    def schedule(step):
        calls.append(step)
        if step == 7:
            raise KeyboardInterrupt
        return 0.01

    with pytest.warns(UserWarning, match="interrupted"):
        model = regressor(schedule=schedule, batch_size=20, max_iter=50).fit(X, TARGETS)
    assert len(model.loss_curve_) == model.n_iter_ == 2
    assert np.isfinite(model.predict(X)).all()


def test_divergence_is_reported_at_once():
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*Lower the learning rate \(now 1e\+200\)"):
        regressor(solver="sgd", learning_rate_init=1e200).fit(X, TARGETS)
    with pytest.raises(ValueError, match="non-finite parameter weights.*Scale X and y"):
        regressor(solver="lbfgs").fit(X * 1e200, TARGETS)
    model = regressor(solver="sgd", learning_rate_init=3.0, max_iter=100, early_stopping=True, activation="identity")
    with pytest.warns(ConvergenceWarning, match="Early stopping went back"):
        model.fit(X, TARGETS)
    assert np.isfinite(model.predict(X)).all() and np.isnan(model.validation_scores_[-1])


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("batch_size, max_iter", [(20, 200), (200, 200), (60, 4)])
def test_an_explosion_without_an_overflow_is_told_once(early_stopping, batch_size, max_iter):
    """The relus die on the way: the loss stays as high as it has come, or its penalty, and that looks settled."""
    data = np.random.default_rng(0).uniform(0, 1e5, size=(300, 1))
    model = regressor(solver="sgd", batch_size=batch_size, max_iter=max_iter, early_stopping=early_stopping)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(data, data[:, 0] ** 2)
    (warning,) = caught
    assert model.loss_curve_[-1] > 1e40
    assert "the loss rose" in str(warning.message) and "Lower the learning rate, or scale X" in str(warning.message)


def warm(model, *data, **changes):
    return lambda: model.set_params(warm_start=True).fit(*data).set_params(**changes).fit(*data)


ERRORS = {
    "sizes": (lambda: classifier(hidden_layer_sizes=(8, 0)).fit(X, Y), "hidden_layer_sizes.*at least 1, not 0"),
    "activation": (lambda: classifier(activation="tahn").fit(X, Y), "unknown activation 'tahn'.*Did you mean 'tanh'"),
    "activations": (lambda: classifier(activation=["tanh"]).fit(X, Y), "lists 1 names for 2 hidden layers: give one"),
    "dropout": (lambda: classifier(dropout=1.0).fit(X, Y), r"'dropout'.*range \[0.0, 1.0\).*Got 1.0"),
    "momentum": (lambda: classifier(momentum=1.0).fit(X, Y), r"'momentum'.*range \[0.0, 1.0\).*Got 1.0"),
    "optimizer": (lambda: classifier(optimizer=nn.Adam).fit(X, Y), "'optimizer'.*instance of.*Optimizer"),
    "init": (lambda: classifier(init="glorot").fit(X, Y), "unknown initializer 'glorot'. Known: he"),
    "lbfgs with dropout": (
        lambda: classifier(solver="lbfgs", dropout=0.1).fit(X, Y, X_val=X, y_val=Y),
        "no dropout, X_val: set solver='adam'",
    ),
    "stopping in parts": (
        lambda: regressor(early_stopping=True).partial_fit(X, TARGETS), "partial_fit does not support early_stopping"
    ),
    "balanced in parts": (
        lambda: classifier(class_weight="balanced").partial_fit(X, Y, classes=["same", "other"]),
        "class_weight='balanced' needs all labels.*pass a dict",
    ),
    "unknown label": (
        lambda: classifier().partial_fit(X, Y, classes=["same", "no"]), r"classes not in.*\['other'\].*\['no', 'same'\]"
    ),
    "unknown label in validation": (
        lambda: classifier().fit(X, Y, X_val=X, y_val=["new"] * 60), r"y_val.*\['new'\]"
    ),
    "validation without y": (lambda: regressor().fit(X, TARGETS, X_val=X), "X_val and y_val go together: pass both"),
    "validation without X": (lambda: regressor().fit(X, TARGETS, y_val=TARGETS), "X_val and y_val go together"),
    "validation weights": (lambda: regressor().fit(X, TARGETS, X_val=X, y_val=TARGETS, sample_weight_val=[1]), "shape"),
    "validation size": (lambda: regressor(early_stopping=True).fit(X[:9], TARGETS[:9]), "set is too small: 1 of 9"),
    "a class of one": (
        lambda: classifier(early_stopping=True).fit(X, [*"abc", *["a"] * 57]),
        r"classes in y have only 1 member.*members are: \['b', 'c'\]. Early stopping .*, or pass X_val and y_val",
    ),
    "more classes than fit": (
        lambda: classifier(early_stopping=True).fit(X, [*"abcdefghij"] * 6),
        "test_size = 6 should be .* number of classes = 10. Early stopping .* increase validation_fraction",
    ),
    "other layers": (warm(regressor(), X, TARGETS, hidden_layer_sizes=3), "goes on with the network.*warm_start=False"),
    "other outputs": (
        lambda: regressor(warm_start=True).fit(X, TARGETS).fit(X, X), r"Dense\(2, 'identity'\).*Dense\(3, 'identity'\)"
    ),
    "other classes": (
        lambda: classifier(warm_start=True).fit(X, Y).fit(X, LABELS[:, 0]), "same classes as in the previous call"
    ),
    "weights of another shape": (
        lambda: regressor().fit(X, TARGETS).coefs_.__setitem__(1, X),
        r"array 1 of coefs_ or intercepts_ has shape \(60, 3\); expected \(8, 5\)",
    ),
    "nothing hidden": (lambda: regressor(hidden_layer_sizes=()).fit(X, TARGETS).transform(X), "no hidden layer"),
    "negative counts": (lambda: regressor(loss="poisson").fit(X, TARGETS), "takes counts, which are at least 0"),
    "features": (lambda: regressor().fit(X, TARGETS).predict(X[:, :2]), "X has 2 features.*expecting 3"),
    "negative weights": (lambda: regressor().fit(X, TARGETS, -np.ones(60)), "Negative values.*sample_weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_messages_name_the_remedy(name):
    act, message = ERRORS[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        act()


def test_lbfgs_has_no_partial_fit():
    with pytest.raises(AttributeError, match="partial_fit") as caught:
        classifier(solver="lbfgs").partial_fit(X, Y)
    assert "set solver='adam' or 'sgd'" in str(caught.value.__cause__)


def test_partial_fit_with_a_used_optimizer_starts_afresh():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    used = nn.Adam(0.1)
    nn.train(nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0), X, y, used, 30)
    one, two = (
        nn.MLPClassifier((), optimizer=optimizer, random_state=0).partial_fit(X, y, classes=[0, 1])
        for optimizer in (used, nn.Adam(0.1))
    )
    np.testing.assert_array_equal(one.coefs_[0], two.coefs_[0])
