"""The contestants at several widths of the hidden layer: where their lines cross."""

from dataclasses import replace

from benchmarks.measure import check_same_work, race
from benchmarks.peers import contestants
from benchmarks.switches import epochs_for, name_of
from benchmarks.timing import ratio, summary
from benchmarks.works import WORKS

WIDTHS = 8, 32, 128, 512, 1024
NAMES = "digits-float32", "batches-float32"


def measure(rounds, widths=WIDTHS, budget=0.1):
    """For a full batch and for small ones: each contestant's times, and nnlib's as shares of them."""
    result = {}
    for name in NAMES:
        base, rows = WORKS[name], []
        for width in widths:
            work = replace(base, hidden=(width,), title=base.title.replace("-128-", "-h-"))
            field, _ = contestants(work)
            field.pop("scikit-learn", None)
            work = replace(work, epochs=epochs_for(work, budget))
            check_same_work(work, field, epochs=min(work.epochs, 20))
            times, _ = race(work, field, rounds)
            rows.append(
                {
                    "width": width,
                    "epochs": work.epochs,
                    "megaflops": work.products() / 1e6,
                    "microseconds": {name: summary(values, 1e6) for name, values in times.items()},
                    "ratios": {
                        name: ratio(times["nnlib"], values) for name, values in times.items() if name != "nnlib"
                    },
                }
            )
        result[name_of(work)] = rows
    return result
