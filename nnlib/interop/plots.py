"""Figures of one style: decision boundaries, loss curves, range tests.

The style has a transparent ground and dark ink. The site turns the ink light on dark pages with one line
of CSS, so that each figure is drawn once.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from sklearn.inspection import DecisionBoundaryDisplay

import nnlib as nn
from nnlib.run.checks import look_up

BLUE, ORANGE, GREEN, RED, PURPLE, GRAY = "#1f6fb4", "#d9660f", "#2a8a3e", "#c02f2f", "#7a4fb0", "#6b6b6b"
CLASS_COLORS = (BLUE, ORANGE, GREEN, RED, PURPLE)
CLASS_MARKERS = ("o", "^", "s", "D", "v")

STYLE = dict.fromkeys(("figure.facecolor", "savefig.facecolor", "axes.facecolor"), "none") | {
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.grid": False,
    "axes.prop_cycle": plt.cycler(color=[*CLASS_COLORS, GRAY]),
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "font.size": 11,
    "svg.hashsalt": "nnlib",
}


def use_style():
    """Give all later figures the style of this module.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> with plt.rc_context():  # for a while; without it, from here on
    ...     nn.plots.use_style()
    """
    plt.rcParams.update(STYLE)


def decision_boundary(model, X, y=None, ax=None, *, title=None, grid_resolution=200):
    """Draw what a model predicts over the plane, the boundary between the classes, and the samples.

    Parameters
    ----------
    model : Network, fitted scikit-learn classifier, or callable
        With two inputs. A callable takes `(n, 2)` and returns `(n,)`: the probability of class 1.
    X : array of shape (n, 2)
        Sets the limits of the figure; drawn if `y` is given.
    y : array of shape (n,), optional
        Classes 0, 1, ...; each has a color and a marker of its own.
    ax : matplotlib Axes, optional
    title : str, optional
    grid_resolution : int
        Points per axis at which the model is asked.

    Returns
    -------
    sklearn.inspection.DecisionBoundaryDisplay
        With the axes as `ax_` and the field as `surface_`.

    Raises
    ------
    ValueError
        If the model or `X` has not exactly two features, the network is a stack, or the classifier does not
        know a label.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    >>> _, ax = plt.subplots()
    >>> display = nn.plots.decision_boundary(network, [[0, 0], [1, 1]], [0, 1], ax, grid_resolution=20)
    >>> display.response.shape
    (20, 20)
    >>> plt.close()
    """
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) == 0:
        remedy = "pass two columns, and a function of (n, 2) points that fills in the others."
        raise ValueError(f"X has shape {X.shape}; a boundary can be drawn over two features only, (n, 2): {remedy}")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values, and they set the limits of the figure. Drop or impute them.")
    ax = ax or plt.gca()
    margin = 0.08 * (np.ptp(X, axis=0).max() or 1)
    xlim, ylim = zip(X.min(axis=0) - margin, X.max(axis=0) + margin)
    xx0, xx1 = np.meshgrid(np.linspace(*xlim, grid_resolution), np.linspace(*ylim, grid_resolution))
    points = np.column_stack([xx0.ravel(), xx1.ravel()])
    response, n_classes = _ask(model, points)
    if response.shape != (len(points),):
        raise ValueError(f"the model gives shape {response.shape} for {len(points)} points; expected one number each.")
    response = response.reshape(xx0.shape)

    colors = [_pale(CLASS_COLORS[i % len(CLASS_COLORS)]) for i in range(n_classes)]
    field = {"xx0": xx0, "xx1": xx1, "response": response, "n_classes": n_classes, "multiclass_colors": colors}
    shades = {"cmap": _FIELD, "vmin": 0, "vmax": 1} if n_classes == 2 else {}
    display = DecisionBoundaryDisplay(**field).plot(ax=ax, plot_method="pcolormesh", rasterized=True, **shades)
    borders = [border for border in np.arange(n_classes - 1) + 0.5 if response.min() < border < response.max()]
    if borders:
        ax.contour(xx0, xx1, response, levels=borders, colors="black", linewidths=1.4)
    if y is not None:
        scatter(X, _number(model.classes_, y) if hasattr(model, "classes_") else y, ax=ax)
    ax.set(xlabel="", ylabel="", title=title or ax.get_title(), xlim=xlim, ylim=ylim, aspect="equal")
    return display


def scatter(X, y, ax=None, *, size=18, label=None):
    """Draw samples, a color and a marker per class; `label` is a format such as "class {}" for the legend.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> _, ax = plt.subplots()
    >>> nn.plots.scatter([[0, 0], [1, 1]], [0, 1], ax, label="class {}").get_legend_handles_labels()[1]
    ['class 0', 'class 1']
    >>> plt.close()
    """
    ax = ax or plt.gca()
    X, y = np.asarray(X), np.asarray(y).ravel()
    if X.ndim != 2 or X.shape[1] != 2 or len(y) != len(X):
        raise ValueError(f"X has shape {X.shape} and y {y.shape}; expected (n, 2) and (n,).")
    classes = np.unique(y)
    # A class number keeps its color where the classes before it are absent; other labels are counted.
    numbered = set(classes.tolist()) <= set(range(len(CLASS_COLORS)))
    for i, c in zip(classes.astype(int) if numbered else range(len(classes)), classes):
        look = {"color": CLASS_COLORS[i % len(CLASS_COLORS)], "marker": CLASS_MARKERS[i % len(CLASS_MARKERS)]}
        name = label.format(c if isinstance(c, str) else int(c)) if label else None
        ax.scatter(*X[y == c].T, s=size, edgecolors="white", linewidths=0.4, label=name, **look)
    ax.set_aspect("equal")
    return ax


def losses(histories, ax=None, *, log=False, what="loss"):
    """Draw a curve per history; a stack gives its median and a band from the 5th to the 95th percentile.

    Parameters
    ----------
    histories : History or dict of str to History
        The keys are the labels.
    ax : matplotlib Axes, optional
    log : bool
        A logarithmic vertical axis.
    what : {"loss", "accuracy", "validation_loss", "validation_accuracy"}

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    >>> history = nn.train(network, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(0.1), epochs=30)
    >>> _, ax = plt.subplots()
    >>> nn.plots.losses({"a line": history}, ax, log=True).get_ylabel()
    'loss'
    >>> plt.close()
    """
    look_up("curve", dict.fromkeys(nn.History.columns), what)
    ax = ax or plt.gca()
    for label, history in (histories if isinstance(histories, dict) else {"": histories}).items():
        values = getattr(history, what)
        if values is None:
            how = "with validation=(X, y)" if what.startswith("validation") else "a loss with classes, accuracy=True"
            raise ValueError(f"this history has no {what}; ask `train` to record it: {how}.")
        if values.ndim == 2:
            low, values, high = np.nanpercentile(values, [5, 50, 95], axis=1)
        (line,) = ax.plot(values, label=label)
        if history.loss.ndim == 2:
            ax.fill_between(np.arange(len(values)), low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    if isinstance(histories, dict):
        ax.legend()
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=what.replace("_", " "))
    return ax


def range_test(result, ax=None):
    """Draw the loss against the learning rate of a range test, and mark the suggested rate.

    Parameters
    ----------
    result : RangeTest
        What `nn.range_test` returned.
    ax : matplotlib Axes, optional

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    >>> result = nn.range_test(network, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(0.1))
    >>> _, ax = plt.subplots()
    >>> nn.plots.range_test(result, ax).get_xlabel()
    'learning rate'
    >>> plt.close()
    """
    ax = ax or plt.gca()
    ax.plot(result.rates, result.losses, color=GRAY, linewidth=0.8, label="each step")
    ax.plot(result.rates, result.smooth, color=BLUE, label="mean of 15 steps")
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
    if np.isfinite(result.suggestion):
        ax.axvline(result.suggestion, color=ORANGE, linestyle="--", label=f"suggested: {result.suggestion:.2g}")
        # The last steps are the divergence; what matters lies below the start.
        low, high = result.smooth.min(), result.smooth[0]
        ax.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low))
    ax.legend()
    return ax


def _pale(color, share=0.45):
    return tuple(1 - share + share * c for c in to_rgb(color))


# Blue for probability 0, white where the model does not know, orange for probability 1.
# 32 shades are enough to the eye, and compress to half the size of 256.
_FIELD = LinearSegmentedColormap.from_list("field", [_pale(BLUE), (1, 1, 1), _pale(ORANGE)], 32)


def _number(classes, y):
    """The place of each label of `y` among the sorted `classes`."""
    if (unknown := np.setdiff1d(y, classes)).size:
        given, known = (", ".join(map(str, labels)) for labels in (unknown, classes))
        raise ValueError(f"y holds {given}, which the classifier does not know: {known}. Fit it on them.")
    return np.searchsorted(classes, np.ravel(y))


def _ask(model, points):
    """The model's answer at each point, and the number of classes: a probability for two, a class for more."""
    if isinstance(model, nn.Network):
        if model.replicates is not None:
            raise ValueError("this is a stack; draw one of its networks: stack[0].")
        if model.n_outputs == 1 or (model.n_outputs == 2 and model.loss_function.link.name == "softmax"):
            return model.predict(points)[:, -1], 2
        return model.classify(points), model.n_outputs
    if callable(model):
        return np.asarray(model(points), dtype=float), 2
    if not hasattr(model, "classes_"):
        raise TypeError(f"model must be a Network, a fitted classifier or a function of (n, 2) points, not {model!r}.")
    if len(model.classes_) == 2 and hasattr(model, "predict_proba"):
        return model.predict_proba(points)[:, 1], 2
    return np.searchsorted(model.classes_, model.predict(points)), max(len(model.classes_), 2)
