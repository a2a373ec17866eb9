"""How nnlib's cost grows with the work: `time = c * size**exponent`, fitted where the overhead of calls is small."""

import statistics
import time

import numpy as np

import nnlib as nn

# For each axis: sizes, and the shape of the work at one of them.
SIZES = {
    "samples": [2000, 4000, 8000, 16000, 32000, 64000],
    "width": [64, 128, 256, 512, 1024, 2048],
    "depth": [2, 4, 8, 16, 32],
    "replicates": [10, 20, 40, 80, 160, 320],
}
LINEAR = 0.9, 1.1
NAMES = {"samples": "samples", "width": "hidden units", "depth": "hidden layers", "replicates": "networks"}


def work(axis, size):
    """Network and data, of which one size is given: float64, full batches."""
    n, width, depth, rng = 1000, [64], 1, 0
    if axis == "samples":
        n = size
    elif axis == "width":
        width = [size]
    elif axis == "depth":
        depth = size
    else:
        n, width, rng = 500, [8], range(size)
    data = np.random.default_rng(0)
    X, y = data.normal(size=(n, 32)), data.integers(10, size=n)
    layers = [nn.Dense(units, "tanh") for units in width * depth] + [nn.Dense(10)]
    return nn.Network(32, layers, loss="categorical_cross_entropy", rng=rng), X, y


def measure(rounds, sizes=SIZES, budget=0.1):
    """Seconds per epoch of each size, medians of rounds, and the fitted exponent of each axis."""
    result = {}
    for axis, values in sizes.items():
        works = [work(axis, size) for size in values]
        # As many epochs as fill the budget, but at least two.
        epochs = [max(2, round(budget / seconds(w, 3))) for w in works]
        rows = [[seconds(w, e) for w, e in zip(works, epochs)] for _ in range(rounds)]
        medians = [statistics.median(column) for column in zip(*rows)]
        exponent = float(np.polyfit(np.log(values), np.log(medians), 1)[0])
        verdict = "met" if LINEAR[0] <= exponent <= LINEAR[1] else "missed"
        result[axis] = {"sizes": values, "seconds_per_epoch": medians, "exponent": exponent, "verdict": verdict}
    return result


def seconds(work, epochs):
    network, X, y = work
    start = time.perf_counter()
    nn.train(network, X, y, nn.SGD(0.01), epochs, accuracy=False)
    return (time.perf_counter() - start) / epochs


def draw(result, path):
    """Time against size, with the fitted exponents, on logarithmic axes."""
    import matplotlib.pyplot as plt

    with plt.rc_context():
        nn.plots.use_style()
        figure, axes = plt.subplots(1, len(result), figsize=(2.6 * len(result), 2.8), sharey=True)
        for ax, (axis, fit) in zip(axes, result.items()):
            sizes, times = np.array(fit["sizes"]), 1000 * np.array(fit["seconds_per_epoch"])
            line = np.exp(np.log(times).mean() + fit["exponent"] * (np.log(sizes) - np.log(sizes).mean()))
            ax.loglog(sizes, line, color=nn.plots.GRAY, linewidth=1)
            ax.loglog(sizes, times, "o", color=nn.plots.BLUE)
            ax.set(xlabel=NAMES[axis], title=f"exponent {fit['exponent']:.2f}")
        axes[0].set_ylabel("ms per epoch")
        figure.savefig(path)
        plt.close(figure)
