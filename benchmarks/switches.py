"""What each of nnlib's decisions brings: the same training with one of them switched off.

Where nnlib's own code can be made to do without, it is: this module changes what a layer does, or replaces a method,
for a run. Where it cannot, short loops written for the purpose differ by one thing each. Before anything is timed, the
losses of all must be equal, as for the peers.
"""

import os
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from unittest.mock import patch

try:
    import resource
except ModuleNotFoundError:  # not on Windows
    resource = None

import numpy as np
from threadpoolctl import ThreadpoolController

import nnlib as nn
from benchmarks.measure import check_same_work, race
from benchmarks.peers import with_loop, with_nnlib
from benchmarks.timing import ratio, summary
from benchmarks.works import WORKS
from nnlib.activations import Activation
from nnlib.run.guard import Guard
from nnlib.run.samples import Samples

# Seconds that a run should take at least: as many epochs as that needs.
BUDGET = 0.1
STACKS = 1, 10, 100, 1000


def new_arrays_in(layer):
    """No array is kept from the step before: NumPy makes new ones."""
    layer.arrays = lambda n, training: (None, None)


def matmul_in(layer):
    """`matmul` for all products, also where `dot` or a broadcast multiplication is quicker; the next one needs it."""
    layer.product = np.matmul


def units_together_in(layer):
    """The units of a sample, not the samples of a unit, lie next to each other."""
    matmul_in(layer)
    make, kept = layer.arrays, {}

    def arrays(n, training):
        if n not in kept:
            kept[n] = [_turned(array) for array in make(n, training)]
        return kept[n]

    layer.arrays = arrays


def _turned(array):
    """The same array, with its last axis but one contiguous in memory."""
    return np.ascontiguousarray(array.mT).mT


def _as_they_lie(samples, go_through=Samples.__iter__):
    if samples.size == samples.n and samples.whole is None:
        samples.whole = samples.batch()  # before nnlib turns it; smaller batches it leaves as they are
    return go_through(samples)


AS_THEY_LIE = patch.object(Samples, "__iter__", _as_they_lie)
# No look for numbers that are not finite, no copy of the last good parameters.
NO_GUARD = patch.multiple(Guard, **dict.fromkeys(("check", "passed"), lambda *args: None))


def patched(patcher, ready):
    """A contestant that trains under a patch of nnlib."""

    def get_ready(work, epochs):
        run = ready(work, epochs)

        def train():
            with patcher:
                return run()

        return train

    return get_ready


def from_the_sums(f):
    """The activation, with a derivative that starts from the sums, as textbooks write it: they are kept for it."""
    room = {}

    def forward(z):
        if z.shape not in room:
            room[z.shape] = np.empty_like(z)
        sums = room[z.shape]
        np.copyto(sums, z)
        a, _ = f.forward(z)
        return a, lambda da: f.forward(sums)[1](da)

    return Activation(f.name, forward)


def new_arrays(work, epochs, samples_together):
    """The tutorials' loop for one hidden layer of sigmoids; the arrays in either layout."""
    X, T, (W1, b1, W2, b2) = _by_hand(work, samples_together)

    def product(A, B):
        return (B.T @ A.T).T if samples_together else A @ B

    def run():
        losses = []
        for _ in range(epochs):
            A1 = 1 / (1 + np.exp(-(product(X, W1) + b1)))
            A2 = 1 / (1 + np.exp(-(product(A1, W2) + b2)))
            losses.append(-np.mean(T * np.log(A2) + (1 - T) * np.log(1 - A2)))
            dZ2 = (A2 - T) / len(X)
            dW2, db2 = A1.T @ dZ2, dZ2.sum(axis=0)
            dZ1 = product(dZ2, W2.T) * A1 * (1 - A1)
            dW1, db1 = X.T @ dZ1, dZ1.sum(axis=0)
            for parameter, gradient in ((W1, dW1), (b1, db1), (W2, dW2), (b2, db2)):
                parameter -= work.rate * gradient
        return losses

    return run


def arrays_in_place(work, epochs, samples_together, dot=False):
    """The same, operation by operation, into arrays that are made once; the outer product by `matmul` or by `dot`."""
    X, T, (W1, b1, W2, b2) = _by_hand(work, samples_together)
    (n, h), order = (len(X), len(b1)), "F" if samples_together else "C"
    A1, dZ1 = (np.empty((n, h), order=order) for _ in range(2))
    A2, dZ2, P, Q = (np.empty((n, 1)) for _ in range(4))
    dW1, db1, dW2, db2 = (np.empty_like(parameter) for parameter in (W1, b1, W2, b2))
    U, outer = 1 - T, np.dot if dot else np.matmul  # NumPy hands an outer product to BLAS in `dot` alone

    def sigmoid(Z):
        np.negative(Z, out=Z)
        np.exp(Z, out=Z)
        np.add(1, Z, out=Z)
        np.divide(1, Z, out=Z)

    def run():
        losses = []
        for _ in range(epochs):
            np.matmul(X, W1, out=A1)
            np.add(A1, b1, out=A1)
            sigmoid(A1)
            np.matmul(A1, W2, out=A2)
            np.add(A2, b2, out=A2)
            sigmoid(A2)
            np.log(A2, out=P)
            np.multiply(T, P, out=P)
            np.subtract(1, A2, out=Q)
            np.log(Q, out=Q)
            np.multiply(U, Q, out=Q)
            np.add(P, Q, out=P)
            losses.append(-np.mean(P))
            np.subtract(A2, T, out=dZ2)
            np.divide(dZ2, n, out=dZ2)
            np.matmul(A1.T, dZ2, out=dW2)
            np.sum(dZ2, axis=0, out=db2)
            outer(W2, dZ2.T, out=dZ1.T)
            np.multiply(dZ1, A1, out=dZ1)
            np.subtract(1, A1, out=A1)
            np.multiply(dZ1, A1, out=dZ1)
            np.matmul(X.T, dZ1, out=dW1)
            np.sum(dZ1, axis=0, out=db1)
            for parameter, gradient in ((W1, dW1), (b1, db1), (W2, dW2), (b2, db2)):
                np.multiply(work.rate, gradient, out=gradient)
                np.subtract(parameter, gradient, out=parameter)
        return losses

    return run


def _by_hand(work, samples_together):
    """Samples, targets as a column, and parameters."""
    X, y = work.samples()
    X = np.asfortranarray(X) if samples_together else X
    parameters = [part.copy() for layer in work.network().layers for part in (layer.W, layer.b)]
    return X, y.astype(X.dtype)[:, None], parameters


LOOPS = {
    "new arrays, samples in rows": partial(new_arrays, samples_together=False),
    "new arrays, samples together": partial(new_arrays, samples_together=True),
    "in place, samples in rows": partial(arrays_in_place, samples_together=False),
    "in place, samples together": partial(arrays_in_place, samples_together=True),
    "in place, together, dot": partial(arrays_in_place, samples_together=True, dot=True),
    "nnlib": with_nnlib,
}


def switched(work):
    """nnlib, and nnlib without this and that, by name."""
    field = {
        "nnlib": with_nnlib,
        "new arrays at every step": partial(with_nnlib, change=new_arrays_in),
        "matmul for dot": partial(with_nnlib, change=matmul_in),
        "units together in memory": patched(AS_THEY_LIE, partial(with_nnlib, change=units_together_in)),
        "no guard against divergence": patched(NO_GUARD, with_nnlib),
        "accuracy at every epoch": partial(with_nnlib, accuracy=True),
    }
    if work.activation == "sigmoid":
        field["derivative from the sums"] = partial(with_nnlib, activation=from_the_sums(nn.sigmoid))
    return field


def measure(rounds, budget=BUDGET):
    """All that runs on one core; as a dict."""
    moons, digits, batches = WORKS["moons"], WORKS["digits-float64"], WORKS["batches-float32"]
    images = replace(WORKS["deep"], title="synthetic, 10,000 x 784-128-10", hidden=(128,), batch=128)
    stack = replace(WORKS["stack-float64"], threads=1)
    result = {"loops": compare(moons, LOOPS, rounds, budget), "nnlib": {}, "precision": {}}
    for work in (moons, digits, batches, images, stack):
        result["nnlib"][name_of(work)] = compare(work, switched(work), rounds, budget)
    for work in (moons, digits, replace(batches, dtype="float64"), stack):
        precisions = {dtype: partial(_in_precision, dtype) for dtype in ("float64", "float32")}
        result["precision"][name_of(work)] = compare(work, precisions, rounds, budget, tolerance=1e-4)
    result["stacks"] = {dtype: stacks(replace(moons, dtype=dtype), rounds) for dtype in ("float64", "float32")}
    return result


def name_of(work):
    batch = "full batch" if work.batch is None else f"batches of {work.batch}"
    return f"{work.title}, {batch}"


def _in_precision(dtype, work, epochs):
    return with_nnlib(replace(work, dtype=dtype), epochs)


def compare(work, field, rounds, budget=BUDGET, tolerance=None):
    """Times, and their ratios within rounds to that of the first of the field, after a check for equal losses."""
    work = replace(work, epochs=epochs_for(work, budget))
    check_same_work(work, field, epochs=min(work.epochs, 20), tolerance=tolerance)
    times, _ = race(work, field, rounds)
    microseconds, first = 1e6 / (work.replicates or 1), next(iter(times.values()))
    faults = {name: page_faults(ready(work, work.epochs)) for name, ready in field.items()} if resource else {}
    return {
        "page_faults": {name: number / work.epochs for name, number in faults.items()},
        "dtype": work.dtype,
        "epochs": work.epochs,
        "microseconds": {name: summary(values, microseconds) for name, values in times.items()},
        "ratios": {name: ratio(values, first) for name, values in times.items()},
    }


@contextmanager
def on_cores(number):
    """All threads of this process on so many cores, as where others keep the rest busy; None changes nothing."""
    if number is None:
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), sorted(before)[:number])
        yield
    finally:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), before)


def page_faults(run):
    """How often the system had to provide a page of memory while that ran."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    run()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def epochs_for(work, budget):
    """As many epochs as nnlib does within the budget of seconds, at least two."""
    trial = replace(work, epochs=3)
    times, _ = race(trial, {"nnlib": with_nnlib}, 2)
    return max(2, min(1000, round(budget / min(times["nnlib"]))))


def stacks(work, rounds, sizes=STACKS, epochs=20):
    """Networks one after another, and stacks of several sizes: per network, times and ratios to one after another."""

    def one_by_one(work, epochs):
        stack = work.network()
        networks = [stack[r] for r in range(work.replicates)]
        X, y = work.samples()

        def train(network):
            return nn.train(network, X, y, work.optimizer(), epochs, accuracy=False).loss

        return lambda: np.transpose([train(network) for network in networks])

    def stack_of(size, work, epochs):
        return with_nnlib(replace(work, replicates=size), epochs)

    hundred = replace(work, replicates=100, epochs=epochs)
    field = {"stack": with_nnlib, "one after another": one_by_one, "tutorial loop": with_loop}
    check_same_work(hundred, field)
    field = {"one after another": one_by_one, "tutorial loop": with_loop}
    counts = dict.fromkeys(field, 100) | {f"stack of {size}": size for size in sizes}
    field |= {f"stack of {size}": partial(stack_of, size) for size in sizes}
    # A small stack is trained for longer, so that all take about as long.
    longer = {name: min(50, max(1, 100 // counts[name])) for name in field}
    times = {name: [] for name in field}
    for _ in range(rounds):
        for name, ready in field.items():
            once, _ = race(replace(hundred, epochs=epochs * longer[name]), {name: ready}, 1)
            times[name].append(once[name][0] / counts[name])
    return {
        "microseconds": {name: summary(values, 1e6) for name, values in times.items()},
        "ratios": {name: ratio(values, times["one after another"]) for name, values in times.items()},
    }


def threads(rounds, budget=BUDGET):
    """nnlib with one thread of BLAS, with one for each core, and with as many that must share one core."""
    controller, result = ThreadpoolController(), {}
    cores = max(pool["num_threads"] for pool in controller.info() if pool["user_api"] == "blas")

    def with_threads(number, shared, work, epochs):
        run = with_nnlib(work, epochs)

        def limited():
            with controller.limit(limits=number, user_api="blas"), on_cores(1 if shared else None):
                return run()

        return limited

    field = {f"{number} thread{'s' * (number > 1)}": partial(with_threads, number, False) for number in (1, cores)}
    if hasattr(os, "sched_setaffinity"):
        field[f"{cores} threads on one core"] = partial(with_threads, cores, True)
    moons, stack = WORKS["moons"], replace(WORKS["stack-float64"], threads=1)
    for work in (moons, WORKS["digits-float64"], WORKS["batches-float32"], stack, WORKS["deep"]):
        result[name_of(work)] = compare(work, field, rounds, budget, tolerance=1e-4)
    return result
