"""Figures of one style: decision boundaries, loss curves, network diagrams.

The style has a transparent ground and dark ink. The site turns the ink light on dark pages with one line
of CSS, so that each figure is drawn once.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from sklearn.inspection import DecisionBoundaryDisplay

from nnlib.checks import look_up
from nnlib.layers import Dense
from nnlib.network import Network

BLUE, ORANGE, GREEN, RED, PURPLE, GRAY = "#1f6fb4", "#d9660f", "#2a8a3e", "#c02f2f", "#7a4fb0", "#6b6b6b"
CLASS_COLORS = (BLUE, ORANGE, GREEN, RED, PURPLE)
CLASS_MARKERS = ("o", "^", "s", "D", "v")

STYLE = {
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.grid": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, GRAY]),
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
        raise ValueError(
            f"X has shape {X.shape}; a boundary can be drawn over two features only, (n, 2): "
            "pass two columns, and a function of (n, 2) points that fills in the others."
        )
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values, and they set the limits of the figure. Drop or impute them.")
    ax = ax or plt.gca()
    margin = 0.08 * (np.ptp(X, axis=0).max() or 1)
    low, high = X.min(axis=0) - margin, X.max(axis=0) + margin
    xx0, xx1 = np.meshgrid(*(np.linspace(a, b, grid_resolution) for a, b in zip(low, high)))
    points = np.column_stack([xx0.ravel(), xx1.ravel()])
    response, n_classes = _ask(model, points)
    if response.shape != (len(points),):
        raise ValueError(f"the model gives shape {response.shape} for {len(points)} points; expected one number each.")
    response = response.reshape(xx0.shape)

    colors = [_pale(CLASS_COLORS[i % len(CLASS_COLORS)]) for i in range(n_classes)]
    display = DecisionBoundaryDisplay(
        xx0=xx0, xx1=xx1, response=response, n_classes=n_classes, multiclass_colors=colors
    )
    if n_classes == 2:
        display.plot(ax=ax, plot_method="pcolormesh", cmap=_FIELD, vmin=0, vmax=1, rasterized=True)
    else:
        display.plot(ax=ax, plot_method="pcolormesh", rasterized=True)
    borders = [0.5] if n_classes == 2 else np.arange(n_classes - 1) + 0.5
    borders = [border for border in borders if response.min() < border < response.max()]
    if borders:
        ax.contour(xx0, xx1, response, levels=borders, colors="black", linewidths=1.4)
    if y is not None:
        scatter(X, _number(model.classes_, y) if hasattr(model, "classes_") else y, ax=ax)
    ax.set(xlabel="", ylabel="", xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    if title:
        ax.set_title(title)
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
        ax.scatter(
            *X[y == c].T,
            s=size,
            color=CLASS_COLORS[i % len(CLASS_COLORS)],
            marker=CLASS_MARKERS[i % len(CLASS_MARKERS)],
            edgecolors="white",
            linewidths=0.4,
            label=label.format(c if isinstance(c, str) else int(c)) if label else None,
        )
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
    look_up("curve", dict.fromkeys(("loss", "accuracy", "validation_loss", "validation_accuracy")), what)
    ax = ax or plt.gca()
    for label, history in (histories if isinstance(histories, dict) else {"": histories}).items():
        values = getattr(history, what)
        if values is None:
            how = "with validation=(X, y)" if what.startswith("validation") else "a loss with classes, accuracy=True"
            raise ValueError(f"this history has no {what}; ask `train` to record it: {how}.")
        epochs, band = np.arange(len(values)), None
        if values.ndim == 2:
            low, values, high = np.nanpercentile(values, [5, 50, 95], axis=1)
            band = low, high
        (line,) = ax.plot(epochs, values, label=label)
        if band is not None:
            ax.fill_between(epochs, *band, color=line.get_color(), alpha=0.2, linewidth=0)
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


def network_diagram(network, ax=None, *, inputs=None, outputs=None, weights=True, most=10):
    """Draw a network: a circle per unit, a line per weight.

    Parameters
    ----------
    network : Network
        Drawn from the object itself. Blue lines are positive weights, orange ones negative, the width
        their size.
    ax : matplotlib Axes, optional
    inputs, outputs : sequence of str, optional
        Labels beside the first and the last units, one for each.
    weights : bool
        False draws all lines alike, for a network whose weights do not matter.
    most : int
        Layers with more units are drawn with a gap; at least 3.

    Notes
    -----
    `Dropout` and `BatchNorm` have no lines of their own; the activation below the units is what the next layer gets.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    >>> _, ax = plt.subplots()
    >>> len(nn.plots.network_diagram(network, ax, inputs=["x1", "x2"]).patches)  # a circle per unit
    7
    >>> plt.close()
    """
    if network.replicates is not None:
        raise ValueError("this is a stack; draw one of its networks: network.replicate(0).")
    if most < 3:
        raise ValueError(f"most must be at least 3, two units and the last, not {most!r}.")
    ax = ax or plt.gca()
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    names = ["inputs"]
    for layer in network.layers:
        if isinstance(layer, Dense):
            names.append(layer.activation.name)
        elif hasattr(layer, "activation") and layer.activation.name != "identity":
            names[-1] = layer.activation.name
    sizes = [network.n_features] + [layer.units for layer in dense]
    shown = [list(range(n)) if n <= most else [*range(most - 1), n - 1] for n in sizes]
    heights = [_heights(n, most) for n in sizes]
    radius = 0.27
    for i, layer in enumerate(dense):
        largest = np.abs(layer.W).max() or 1
        for a, ya in zip(shown[i], heights[i]):
            for b, yb in zip(shown[i + 1], heights[i + 1]):
                w = layer.W[a, b] / largest
                style = dict(color=BLUE if w > 0 else ORANGE, linewidth=0.3 + 2.7 * abs(w)) if weights else {}
                ax.plot([2.4 * i, 2.4 * (i + 1)], [ya, yb], **(style or dict(color=GRAY, linewidth=0.8)), zorder=1)
    for i, (ids, ys) in enumerate(zip(shown, heights)):
        for unit, y in zip(ids, ys):
            ax.add_patch(plt.Circle((2.4 * i, y), radius, facecolor="white", edgecolor="black", zorder=2))
        if len(ids) < sizes[i]:
            ax.text(
                2.4 * i,
                (ys[-1] + ys[-2]) / 2,
                f"{sizes[i] - most} more",
                ha="center",
                va="center",
                fontsize="small",
                zorder=3,
            )
        name = names[i]
        if i == len(sizes) - 1 and network.loss_function.link.name != "identity":
            name = network.loss_function.link.name
        ax.text(2.4 * i, heights[i][-1] - 0.65, f"{sizes[i]}\n{name}", ha="center", va="top", fontsize="small")
    last = len(sizes) - 1
    for labels, i, side, align in ((inputs, 0, -0.4, "right"), (outputs, last, 0.4, "left")):
        if labels is None:
            continue
        if len(labels) != sizes[i]:
            raise ValueError(f"there are {len(labels)} labels for {sizes[i]} units; expected one for each.")
        for unit, y in zip(shown[i], heights[i]):
            ax.text(2.4 * i + side, y, labels[unit], ha=align, va="center")
    ax.set_aspect("equal")
    ax.axis("off")
    ax.margins(0.08)
    return ax


def _heights(n, most):
    """Vertical places of the units of a layer, centered; a wide gap before the last where some are left out."""
    places = np.arange(n, dtype=float) if n <= most else np.append(np.arange(most - 1), most)
    return places[-1] / 2 - places


def _pale(color, share=0.45):
    return tuple(1 - share + share * c for c in to_rgb(color))


# Blue for probability 0, white where the model does not know, orange for probability 1.
# 32 shades are enough to the eye, and compress to half the size of 256.
_FIELD = LinearSegmentedColormap.from_list("field", [_pale(BLUE), (1, 1, 1), _pale(ORANGE)], 32)


def _number(classes, y):
    """The place of each label of `y` among the sorted `classes`."""
    unknown = np.setdiff1d(y, classes)
    if unknown.size:
        raise ValueError(
            f"y holds {', '.join(map(str, unknown))}, which the classifier does not know: "
            f"{', '.join(map(str, classes))}. Fit it on the labels that are to be drawn."
        )
    return np.searchsorted(classes, np.ravel(y))


def _ask(model, points):
    """The model's answer at each point, and the number of classes: a probability for two, a class for more."""
    if isinstance(model, Network):
        if model.replicates is not None:
            raise ValueError("this is a stack; draw one of its networks: network.replicate(0).")
        if model.n_features != 2:
            raise ValueError(f"the network takes {model.n_features} features; a boundary can be drawn over two only.")
        if model.n_outputs == 1:
            return model.predict(points)[:, 0], 2
        if model.n_outputs == 2 and model.loss_function.link.name == "softmax":
            return model.predict(points)[:, 1], 2
        return model.classify(points).astype(float), model.n_outputs
    if callable(model):
        return np.asarray(model(points), dtype=float), 2
    if not hasattr(model, "classes_"):
        raise TypeError(f"model must be a Network, a fitted classifier or a function of (n, 2) points, not {model!r}.")
    if len(model.classes_) == 2:
        if hasattr(model, "predict_proba"):
            return model.predict_proba(points)[:, 1], 2
        return (model.predict(points) == model.classes_[1]).astype(float), 2
    return np.searchsorted(model.classes_, model.predict(points)).astype(float), max(len(model.classes_), 2)
