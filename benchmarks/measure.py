"""Works that use as many cores, in one process: `python -m benchmarks.measure ROUNDS NAME ...` prints JSON lines.

The process is started with the thread counts in its environment, where BLAS reads them once.
"""

import json
import os
import statistics
import sys
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_info

import nnlib as nn
from benchmarks.peers import batches, compiled, contestants, with_nnlib
from benchmarks.timing import Clock, ratio, seconds, summary
from benchmarks.works import WORKS
from nnlib import training
from nnlib.run.samples import Samples

# Relative: how far the contestants' losses may lie apart.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


def measure(work, rounds):
    """The contestants' times, ratios, targets and share of the peak, and where nnlib's time goes; as a dict."""
    field, missing = contestants(work)
    check_same_work(work, field)
    compiled.cache_clear()
    preparation = {name: seconds(lambda ready=ready: ready(work, work.epochs)) for name, ready in field.items()}
    alone = None if work.replicates else products_alone(work)
    times, others = race(work, field, rounds, lambda: (peak(work.dtype), alone and seconds(alone) / work.epochs))
    microseconds = 1e6 / (work.replicates or 1)
    ratios = {peer: ratio(times["nnlib"], times[peer]) for peer in field if peer != "nnlib"}
    medians = {peer: row["median"] for peer, row in ratios.items()}
    result = {
        "work": work.title,
        "dtype": work.dtype,
        "batch": work.batch,
        "shuffle": work.shuffle,
        "threads": work.threads,
        "epochs": work.epochs,
        "missing": missing,
        "seconds_to_get_ready": preparation,
        "microseconds_per_epoch_and_network": {name: summary(values, microseconds) for name, values in times.items()},
        "ratios": medians,
        "ratio_ranges": {peer: [row["least"], row["most"]] for peer, row in ratios.items()},
        "targets": [verdict(peer, most, medians.get(peer)) for peer, most in work.at_most.items()],
        "where_nnlib_spends_it": profile(work, min(rounds, 3)),
    }
    if alone:
        result["products_alone"] = summary([floor for _, floor in others], microseconds)
    if work.threads == 1:
        peaks = [speed for speed, _ in others]
        shares = {
            name: statistics.median(work.products() / time / peak for time, peak in zip(values, peaks))
            for name, values in times.items()
        }
        result["peak"] = {"gigaflops": statistics.median(peaks) / 1e9, "share": shares}
    return result


def race(work, field, rounds, between=lambda: None):
    """Seconds per epoch of each contestant, a list over rounds, and what `between` returned after each round."""
    times, others = {name: [] for name in field}, []
    for _ in range(rounds):  # in turns, so that a slow spell of the machine meets them all
        for name, ready in field.items():
            times[name].append(seconds(ready(work, work.epochs)) / work.epochs)
        others.append(between())
    return times, others


def check_same_work(work, field, epochs=None, tolerance=None):
    """An AssertionError if a contestant's losses differ from the first one's, from the same start, epoch by epoch."""
    epochs = epochs or min(work.epochs, 100)
    # The contestants shuffle differently, and scikit-learn's epsilon is added elsewhere: make it next to nothing.
    work = replace(work, shuffle=False, epsilon=1e-16)
    losses = {name: np.asarray(ready(work, epochs)()) for name, ready in field.items()}
    first = next(iter(losses.values()))
    for name, values in losses.items():
        tolerance = tolerance or TOLERANCE[work.dtype]
        np.testing.assert_allclose(values, first, tolerance, 0, err_msg=f"{name} does other work: {work}")


def verdict(peer, most, ratio):
    word = "not installed" if ratio is None else "met" if ratio <= most else "missed"
    return {"to": peer, "at_most": most, "ratio": ratio, "verdict": word}


def peak(dtype, size=1000):
    """Operations per second of NumPy's product of square matrices, the best of three."""
    a = np.random.default_rng(0).random((size, size)).astype(dtype)
    out = np.empty_like(a)
    return 2 * size**3 / min(seconds(lambda: np.matmul(a, a, out=out)) for _ in range(3))


def products_alone(work):
    """The matrix products of so many epochs and nothing else, in nnlib's layout, into arrays that are there."""
    X = work.samples()[0]
    size, pairs = work.batch or len(X), list(pairwise((X.shape[1], *work.hidden, work.outputs)))
    weights = [np.ones(pair, X.dtype) for pair in pairs]

    def products(x, W, outputs, dW, dx):
        np.dot(W.T, x, out=outputs)
        np.dot(x, outputs.T, out=dW)
        if dx is not None:  # nobody needs it for the first layer
            np.dot(W, outputs, out=dx)

    def arrays(n):
        outputs = [np.ones((units, n), X.dtype) for _, units in pairs]
        gradients = [np.empty_like(array) for array in outputs[:-1]]
        return list(zip(weights, outputs, map(np.empty_like, weights), [None, *gradients])), outputs[:-1]

    ready = {n: arrays(n) for n in {size, len(X) % size or size}}

    def run():
        for _ in range(work.epochs):
            for start in range(0, len(X), size):
                x = X[start : start + size].T
                layers, hidden = ready[x.shape[1]]
                for inputs, layer in zip([x, *hidden], layers):
                    products(inputs, *layer)

    return run


def profile(work, rounds):
    """Shares of nnlib's time in one process, and the time with the clock divided by that without, as medians.

    Products: what `Dense` does apart from its activations. Batches: copying their rows. Rest: what `train` does
    around that, checks of the data and for divergence among it, and most of the cost of the clock.
    """
    runs = [profiled(work) for _ in range(rounds)]
    return {part: statistics.median(run[part] for run in runs) for part in runs[0]}


def profiled(work):
    plain = seconds(with_nnlib(replace(work, threads=1), work.epochs))
    network, optimizer, clock = work.network(), work.optimizer(), Clock()
    optimizer.step = clock.wrap("optimizer", optimizer.step)
    loss = network.loss_function
    network.loss_function = replace(loss, evaluate=clock.wrap("loss", loss.evaluate))
    for layer in network.layers:
        f = layer.activation
        layer.activation = replace(f, forward=clock.wrap_both_ways("activations", f.forward))
        layer.forward = clock.wrap_both_ways("products", layer.forward)
    X, y = work.samples()
    batch, average = clock.wrap("batches", Samples.batch), clock.wrap("loss", training.average)
    with patch.object(Samples, "batch", batch), patch.object(training, "average", average):
        clock.start()
        nn.train(network, X, y, optimizer, work.epochs, accuracy=False, **batches(work))
        total = clock.stop()
    return {part: value / total for part, value in clock.parts.items()} | {"slowed_by": total / plain}


def main():
    rounds, names = int(sys.argv[1]), sys.argv[2:]
    cores = int(os.environ["BENCHMARK_CORES"])
    if hasattr(os, "sched_setaffinity"):  # JAX and BLAS count the cores that they may use
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    pools = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
    expected = int(os.environ["OPENBLAS_NUM_THREADS"])
    assert all(pool["num_threads"] == expected for pool in pools), f"expected {expected} threads: {pools}"
    # Not at the top: two of these import this module.
    from benchmarks import cost, imports, sweep, switches

    others = {"cost": cost.measure, "import": imports.measure, "sweep": sweep.measure}
    others |= {"switches": switches.measure, "threads": switches.threads}
    for name in names:
        result = others[name](rounds) if name in others else measure(WORKS[name], rounds)
        print(json.dumps([name, result]), flush=True)


if __name__ == "__main__":
    main()
