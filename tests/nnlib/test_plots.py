"""Figures: on the axes that were given, with the artists that they promise, and nothing global changed."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
COARSE = dict(grid_resolution=20)


@pytest.fixture
def ax():
    before = dict(mpl.rcParams)
    figure, ax = plt.subplots(figsize=(2, 2), dpi=40)
    other = plt.figure()  # the current figure is another one: drawing there is a mistake
    yield ax
    figure.canvas.draw()
    assert not other.axes
    assert dict(mpl.rcParams) == before
    plt.close("all")


@pytest.fixture
def network():
    return nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)


@pytest.fixture
def history(network):
    return nn.train(network, X, Y, nn.SGD(0.5), 5, validation=(X, Y))


def test_boundary_of_a_network(ax, network):
    display = nn.plots.decision_boundary(network, X, Y, ax, title="before", **COARSE)
    assert display.ax_ is ax and ax.get_title() == "before"
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    np.testing.assert_allclose(display.response.ravel(), network.predict(grid).ravel())
    assert len(points(ax)) == 2
    for c, collection in enumerate(points(ax)):
        np.testing.assert_array_equal(collection.get_offsets(), X[Y == c])
    low, high = ax.get_xlim()
    assert low < X[:, 0].min() and X[:, 0].max() < high


def points(ax):
    return [c for c in ax.collections if len(c.get_offsets()) > 1]


def borders(ax):
    return [c for c in ax.collections if isinstance(c, mpl.contour.ContourSet)]


def test_boundary_stands_where_the_model_changes_its_mind(ax):
    nn.plots.decision_boundary(lambda p: (p[:, 0] > 0.25).astype(float), X, ax=ax, grid_resolution=300)
    (border,) = borders(ax)
    (path,) = border.get_paths()
    np.testing.assert_allclose(path.vertices[:, 0], 0.25, atol=0.02)
    assert not points(ax)


@pytest.mark.parametrize(
    "labels", [Y, 2 * Y - 1, Y + 1, np.array(["no", "yes"])[Y], Y.astype(bool)], ids=lambda y: str(y.dtype) + str(y[0])
)
def test_boundary_of_a_classifier_with_any_labels(ax, labels):
    """The field is blue on the first class and orange on the second, as the points are."""
    tree = DecisionTreeClassifier(random_state=0).fit(X, labels)
    display = nn.plots.decision_boundary(tree, X, labels, ax, **COARSE)
    np.testing.assert_array_equal(display.response > 0.5, display.xx0 > tree.tree_.threshold[0])
    colors = [collection.get_facecolor()[0] for collection in points(ax)]
    assert same_color(colors[0], nn.plots.BLUE) and same_color(colors[1], nn.plots.ORANGE)


def test_boundary_of_three_classes(ax):
    network = nn.Network(2, [nn.Dense(3)], loss="categorical_cross_entropy", rng=0)
    nn.train(network, X, THREE, nn.SGD(1.0), 50)
    display = nn.plots.decision_boundary(network, X, THREE, ax, **COARSE)
    assert set(np.unique(display.response)) == {0, 1, 2} and len(points(ax)) == 3
    assert borders(ax)


def test_boundary_of_a_softmax_over_two_classes_shows_probabilities(ax):
    network = nn.Network(2, [nn.Dense(2)], loss="categorical_cross_entropy", rng=0)
    display = nn.plots.decision_boundary(network, X, Y, ax, **COARSE)
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    np.testing.assert_allclose(display.response.ravel(), network.predict(grid)[:, 1])


def test_boundary_between_the_last_two_of_three_classes(ax):
    network = nn.Network(2, [nn.Dense(3)], loss="categorical_cross_entropy", rng=0)
    network.layers[0].W = [[0, -1, 1], [0, 0, 0]]
    network.layers[0].b = [-100, 0, 0]
    nn.plots.decision_boundary(network, X, ax=ax, **COARSE)
    assert borders(ax)


def test_boundary_of_more_classes_than_colors_and_of_one(ax):
    many = np.arange(60) % 7
    nn.plots.decision_boundary(DecisionTreeClassifier(random_state=0).fit(X, many), X, many, ax, **COARSE)
    assert len(points(ax)) == 7
    ax.clear()
    nn.plots.decision_boundary(DecisionTreeClassifier().fit(X, 0 * Y), X, 0 * Y, ax, **COARSE)
    assert not borders(ax)


def test_boundary_of_a_classifier_without_probabilities(ax):
    class Threshold:
        classes_ = np.array([3, 8])

        def predict(self, points):
            return np.where(points[:, 0] > 0, 8, 3)

    display = nn.plots.decision_boundary(Threshold(), X, np.where(Y, 8, 3), ax, **COARSE)
    np.testing.assert_array_equal(display.response, display.xx0 > 0)


def stack():
    return nn.Network(2, [nn.Dense(1)], loss="binary_cross_entropy", rng=[0, 1])


@pytest.mark.parametrize(
    "model, samples, labels, error, message",
    [
        (stack(), X, Y, ValueError, r"a stack; draw one of its networks: stack\[0\]"),
        (nn.Network(3, [nn.Dense(1)], loss="squared_error", rng=0), X, Y, ValueError, "the network takes 3"),
        (nn.Network(2, [nn.Dense(2)], loss="binary_cross_entropy", rng=0), X, Y, ValueError, r"gives shape \(400, 2\)"),
        (np.sin, X, Y, ValueError, r"gives shape \(400, 2\) for 400 points"),
        (np.prod, X[:, :1], Y, ValueError, r"X has shape \(60, 1\)"),
        (np.prod, X[:0], Y[:0], ValueError, r"X has shape \(0, 2\)"),
        (np.prod, X * np.nan, Y, ValueError, "X holds NaN or infinite"),
        (lambda p: p[:, 0], X, Y[:5], ValueError, r"X has shape \(60, 2\) and y \(5,\)"),
        (
            DecisionTreeClassifier().fit(X, Y),
            X,
            Y + 1,
            ValueError,
            "y holds 2, which the classifier does not know: 0, 1",
        ),
        (DecisionTreeRegressor().fit(X, Y), X, Y, TypeError, "a Network, a fitted classifier or a function"),
        (DecisionTreeClassifier(), X, Y, TypeError, "not DecisionTreeClassifier()"),
    ],
)
def test_boundary_refuses(model, samples, labels, error, message):
    with pytest.raises(error, match=message):
        nn.plots.decision_boundary(model, samples, labels, mpl.figure.Figure().subplots(), **COARSE)


def test_scatter_labels_and_colors(ax):
    assert nn.plots.scatter(X, Y, ax, label="class {}") is ax
    assert ax.get_legend_handles_labels()[1] == ["class 0", "class 1"]
    ax.clear()
    nn.plots.scatter(X[Y == 1], Y[Y == 1], ax)  # a class keeps its color where the other one is absent
    assert same_color(points(ax)[0].get_facecolor()[0], nn.plots.ORANGE)
    ax.clear()
    nn.plots.scatter(X, np.array(["cat", "dog"])[Y], ax, label="a {}")
    assert ax.get_legend_handles_labels()[1] == ["a cat", "a dog"]
    with pytest.raises(ValueError, match=r"expected \(n, 2\) and \(n,\)"):
        nn.plots.scatter(X[:, :1], Y, ax)


def test_losses_of_one_and_of_several(ax, history):
    assert nn.plots.losses(history, ax) is ax
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_ydata(), history.loss)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("epoch", "loss", None)
    ax.clear()
    nn.plots.losses({"a": history, "b": history}, ax, log=True, what="validation_accuracy")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "validation accuracy"


def test_losses_of_a_stack_are_a_median_and_a_band(ax):
    history = nn.train(nn.Network(2, [nn.Dense(1)], loss="binary_cross_entropy", rng=range(9)), X, Y, nn.SGD(0.5), 5)
    nn.plots.losses(history, ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.median(history.loss, axis=1))
    assert len(ax.collections) == 1


def test_losses_refuse(ax, history):
    with pytest.raises(ValueError, match="unknown curve 'los'.*Did you mean 'loss'"):
        nn.plots.losses(history, ax, what="los")
    history.accuracy = None
    with pytest.raises(ValueError, match="no accuracy; ask `train` to record it"):
        nn.plots.losses(history, ax, what="accuracy")


def test_range_test_shows_the_suggestion(ax, network):
    result = nn.range_test(network, X, Y, nn.SGD(0.1))
    assert nn.plots.range_test(result, ax) is ax
    each, smooth, mark = ax.lines
    np.testing.assert_array_equal(each.get_ydata(), result.losses)
    np.testing.assert_array_equal(smooth.get_ydata(), result.smooth)
    assert mark.get_xdata()[0] == result.suggestion and ax.get_xscale() == "log"
    assert f"suggested: {result.suggestion:.2g}" in [text.get_text() for text in ax.get_legend().get_texts()]
    low, high = ax.get_ylim()
    assert low < result.smooth.min() < result.smooth[0] < high


def test_a_range_test_without_a_suggestion_shows_the_losses_alone(ax):
    nn.plots.range_test(nn.RangeTest(np.geomspace(0.1, 10, 20), np.arange(20.0)), ax)
    assert len(ax.lines) == 2


def test_current_axes_by_default(network, history):
    _, ax = plt.subplots()
    assert nn.plots.decision_boundary(network, X, **COARSE).ax_ is ax
    assert nn.plots.scatter(X, Y) is nn.plots.losses(history) is ax
    plt.close("all")


def test_style_is_global_and_transparent():
    with mpl.rc_context():
        nn.plots.use_style()
        assert plt.figure().get_facecolor()[3] == 0
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"][0] == nn.plots.BLUE
    plt.close("all")
