"""nnlib beside scikit-learn and PyTorch, on the same work: `python -m benchmarks`.

Two moons, 500 samples, a 2-8-1 sigmoid network, full batch, float64, plain gradient descent, the loss
recorded at each epoch. Before anything is timed, every contestant must show that it does this work: from the
same start, its losses must agree with the others' to 1e-9. Then the contestants take turns, round after
round, so that a slow spell of the machine meets them all.
"""

import os

# Before NumPy is imported: BLAS reads these once. More threads slow products this small.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info

import nnlib as nn

try:
    import torch
except ModuleNotFoundError:
    sys.exit("The benchmark needs PyTorch, which is not installed. Run `make bench`, or: pip install -e '.[bench]'")

HIDDEN, RATE, REPLICATES = 8, 0.5, 100
X, Y = make_moons(n_samples=500, noise=0.2, random_state=42)
TARGETS = {("nnlib", "scikit-learn"): 0.55, ("nnlib", "PyTorch"): 0.45, ("nnlib, stack", "scikit-learn"): 0.30}


def network(rng):
    layers = [nn.Dense(HIDDEN, "sigmoid", nn.normal(0.5)), nn.Dense(1, init=nn.normal(0.5))]
    return nn.Network(2, layers, loss="binary_cross_entropy", rng=rng)


# A contestant takes a number of epochs and gets ready, from the start of `network(0)`; what it returns is
# timed: it trains, and returns the loss at each epoch.


def with_nnlib(rng, accuracy):
    def ready(epochs):
        net = network(rng)
        return lambda: nn.train(net, X, Y, nn.SGD(RATE), epochs, accuracy=accuracy).loss

    return ready


def with_sklearn(epochs):
    options = dict(solver="sgd", alpha=0, momentum=0, nesterovs_momentum=False, batch_size=len(X), shuffle=False)
    # No early stop: the loss may stand still for as long as it likes.
    endless = dict(max_iter=epochs, tol=0, n_iter_no_change=epochs + 1)
    model = MLPClassifier((HIDDEN,), "logistic", learning_rate_init=RATE, warm_start=True, **options, **endless)
    # A first epoch makes the arrays; a warm start then goes on from what they hold.
    model.set_params(max_iter=1).fit(X, Y)
    for layer, W, b in zip(network(0).layers, model.coefs_, model.intercepts_):
        W[...], b[...] = layer.W, layer.b
    model.set_params(max_iter=epochs)
    return lambda: model.fit(X, Y).loss_curve_[-epochs:]


def with_torch(epochs):
    model = torch.nn.Sequential(torch.nn.Linear(2, HIDDEN), torch.nn.Sigmoid(), torch.nn.Linear(HIDDEN, 1)).double()
    for layer, linear in zip(network(0).layers, (model[0], model[2])):
        linear.weight.data, linear.bias.data = torch.tensor(layer.W.T), torch.tensor(layer.b)
    x, y = torch.tensor(X), torch.tensor(Y, dtype=torch.float64)[:, None]
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=RATE), torch.nn.BCEWithLogitsLoss()

    def run():
        losses = []
        for _ in range(epochs):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return run


# Name: how to get ready, epochs per round, networks trained at once.
CONTESTANTS = {
    "nnlib": (with_nnlib(0, accuracy=False), 1000, 1),
    "nnlib, with accuracy": (with_nnlib(0, accuracy=True), 1000, 1),
    "nnlib, stack": (with_nnlib(range(REPLICATES), accuracy=False), 40, REPLICATES),
    "nnlib, stack, with accuracy": (with_nnlib(range(REPLICATES), accuracy=True), 40, REPLICATES),
    "scikit-learn": (with_sklearn, 500, 1),
    "PyTorch": (with_torch, 500, 1),
}


def check_same_work(epochs=200):
    """Every contestant's losses from the start of `network(0)`, or an AssertionError that names the odd one."""
    expected = CONTESTANTS["nnlib"][0](epochs)()
    for name, (ready, _, networks) in CONTESTANTS.items():
        losses = np.asarray(ready(epochs)())
        first = losses[:, 0] if networks > 1 else losses
        np.testing.assert_allclose(first, expected, rtol=1e-9, atol=0, err_msg=f"{name} does other work")


def measure(rounds):
    """Microseconds per epoch and network, a list over the rounds for each contestant."""
    times = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, (ready, epochs, networks) in CONTESTANTS.items():
            run = ready(epochs)
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / epochs / networks * 1e6)
    return times


def import_seconds(module, rounds):
    """Seconds that `import module` takes in a fresh interpreter, compiled before, NumPy included."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    runs = [subprocess.check_output([sys.executable, "-c", code], env=environment) for _ in range(rounds + 1)]
    return [float(run) for run in runs[1:]]


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"processor": (names or [platform.processor()])[0], "cores": os.cpu_count(), "system": platform.system()}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each contestant is timed (default 7)")
    parser.add_argument("--output", type=Path, default=Path(".build/bench.json"), help="JSON file of the results")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")

    warnings.filterwarnings("ignore", category=sklearn.exceptions.ConvergenceWarning)
    torch.set_num_threads(1)
    assert all(pool["num_threads"] == 1 for pool in threadpool_info()), threadpool_info()
    check_same_work()
    times = measure(args.rounds)
    imports = {module: import_seconds(module, args.rounds) for module in ("nnlib", "numpy")}

    # Contestants of one round meet the same machine, so the ratios are taken within rounds.
    def ratio(name, peer):
        return statistics.median(a / b for a, b in zip(times[name], times[peer]))

    def summary(values):
        return {"median": statistics.median(values), "least": min(values), "most": max(values)}

    report = {
        "work": f"two moons, 500 x 2-{HIDDEN}-1, full batch, float64, gradient descent, the loss at each epoch",
        "machine": machine(),
        "threads": 1,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "scikit-learn", "torch")},
        "rounds": args.rounds,
        "microseconds_per_epoch_and_network": {name: summary(values) for name, values in times.items()},
        "ratios": {name: {peer: ratio(name, peer) for peer in ("scikit-learn", "PyTorch")} for name in times},
        "targets": [{"of": name, "to": peer, "at_most": most} for (name, peer), most in TARGETS.items()],
        "import_seconds": {module: summary(values) for module, values in imports.items()},
    }
    print_report(report)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {args.output}.")


def print_report(report):
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    print(f"{report['work']}\n{report['machine']['processor']}, {report['threads']} thread; {versions}")
    print(f"The same losses to 1e-9 from the same start. Medians of {report['rounds']} rounds, taken in turns.\n")
    print(f"{'us per epoch and network':28} {'median':>7} {'least':>7} {'most':>7}   / scikit-learn   / PyTorch")
    for name, row in report["microseconds_per_epoch_and_network"].items():
        cells = "  ".join(f"{value:13.2f}" for value in report["ratios"][name].values())
        print(f"{name:28} {row['median']:7.1f} {row['least']:7.1f} {row['most']:7.1f}  {cells}")
    print()
    for target in report["targets"]:
        value = report["ratios"][target["of"]][target["to"]]
        verdict = "met" if value <= target["at_most"] else "missed"
        print(f"{target['of']} / {target['to']}: {value:.2f}, target at most {target['at_most']:.2f}: {verdict}")
    seconds = {module: row["median"] for module, row in report["import_seconds"].items()}
    print(f"import nnlib: {seconds['nnlib']:.3f} s, of which NumPy {seconds['numpy']:.3f} s; target below 0.2 s")


if __name__ == "__main__":
    main()
