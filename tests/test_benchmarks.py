"""The contestants of the benchmark do the same work, and the report has its fields. No timings."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import cost, measure, peers, readme, sweep, switches, works
from nnlib.run.guard import Guard
from nnlib.run.samples import Samples


def tiny(name):
    """That work on few samples, in one process."""
    work = works.WORKS[name]
    images = work.data in (works.large, works.some)
    X, y = (np.random.default_rng(0).random((150, 784)), np.arange(150) % 10) if images else work.data()
    small = {"batch": work.batch and min(work.batch, 64), "hidden": tuple(min(units, 50) for units in work.hidden)}
    return replace(
        work, data=lambda: (X[:150], y[:150]), epochs=3, threads=1, replicates=work.replicates and 3, **small
    )


@pytest.fixture(autouse=True)
def quiet_peers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own, such as scikit-learn's of too few epochs
        yield


@pytest.mark.parametrize("name", works.WORKS)
def test_contestants_record_the_same_losses(name):
    work = tiny(name)
    field, _ = peers.contestants(work)
    if len(field) == 1:
        pytest.skip("no peer is installed")
    measure.check_same_work(work, field, epochs=3)


def test_other_work_is_noticed():
    work = tiny("moons")
    field = {"nnlib": peers.with_nnlib, "other": lambda w, epochs: peers.with_nnlib(replace(w, rate=0.4), epochs)}
    with pytest.raises(AssertionError, match="other does other work"):
        measure.check_same_work(work, field, epochs=3)


def test_batches_count_once_whatever_their_size():
    work = tiny("batches-float64")
    assert len(work.samples()[0]) % work.batch > 0
    losses = np.array(peers.with_sklearn(work, 2)())
    np.testing.assert_allclose(losses, peers.with_nnlib(work, 2)(), rtol=1e-9)


def test_report_of_a_work():
    result = measure.measure(tiny("batches-float64"), rounds=1)
    assert set(result["microseconds_per_epoch_and_network"]) >= {"nnlib", "scikit-learn"}
    assert {target["to"]: target["verdict"] for target in result["targets"]}["scikit-learn"] in ("met", "missed")
    assert sum(
        share for part, share in result["where_nnlib_spends_it"].items() if part != "slowed_by"
    ) == pytest.approx(1)
    assert 0 < result["peak"]["share"]["nnlib"] < 1


def test_absent_peers_are_named(monkeypatch):
    monkeypatch.setattr(peers, "SINGLE", peers.SINGLE | {"PyTorch": ("no_such_module", peers.with_torch)})
    result = measure.measure(replace(tiny("moons"), at_most={"PyTorch": 0.4}), rounds=1)
    assert "PyTorch" in result["missing"]  # and what else this environment has not
    assert result["targets"] == [{"to": "PyTorch", "at_most": 0.4, "ratio": None, "verdict": "not installed"}]


def test_operations_of_the_products():
    # 5 samples x 3-8-2: forward and by the weights 3 * 8 + 8 * 2 each, by the hidden activations 8 * 2.
    work = replace(works.WORKS["digits-float64"], data=lambda: (np.zeros((5, 3)), None), hidden=(8,), outputs=2)
    assert work.products() == 2 * 5 * (2 * (3 * 8 + 8 * 2) + 8 * 2)


@pytest.mark.parametrize("name", ["moons", "digits-float64", "batches-float32", "stack-float64"])
def test_nnlib_with_something_switched_off_records_the_same_losses(name):
    result = switches.compare(tiny(name), switches.switched(tiny(name)), rounds=1, budget=0)
    assert ("derivative from the sums" in result["ratios"]) == ("moons" in works.WORKS[name].title)
    assert result["ratios"]["nnlib"]["median"] == 1


def test_loops_by_hand_record_the_same_losses():
    assert len(switches.compare(tiny("moons"), switches.LOOPS, rounds=1, budget=0)["ratios"]) == len(switches.LOOPS)


def test_a_layout_is_switched_in_every_array():
    network, (X, y) = tiny("digits-float64").network(), tiny("digits-float64").samples()
    for layer in network.layers:
        switches.units_together_in(layer)
    with switches.AS_THEY_LIE:
        ((x, t, _),) = Samples(network, X, y)
    outputs, ways_back = network._forward(x, training=True)
    _, dz = network.loss_function.evaluate(outputs[-1], t)
    for array in (x, t, *outputs, dz, ways_back[1](dz)):
        assert array.strides[-2] == array.itemsize < array.strides[-1]
    assert np.shares_memory(outputs[0], network._forward(x, training=True)[0][0])  # no new ones at the next step


def test_new_arrays_are_new_at_every_step():
    network, (X, _) = tiny("digits-float64").network(), tiny("digits-float64").samples()
    for layer in network.layers:
        switches.new_arrays_in(layer)
    first, second = (network._forward(X.T, training=True)[0] for _ in range(2))
    assert not any(map(np.shares_memory, first, second))


def test_nnlib_is_changed_for_the_benchmark_alone():
    methods = Guard.check, Guard.passed, Samples.__iter__
    for patcher in (switches.NO_GUARD, switches.AS_THEY_LIE):
        switches.patched(patcher, peers.with_nnlib)(tiny("moons"), 2)()
    assert (Guard.check, Guard.passed, Samples.__iter__) == methods


def test_stacks_are_compared_per_network():
    result = switches.stacks(tiny("moons"), rounds=1, sizes=(1, 5), epochs=2)
    assert result["ratios"]["one after another"]["median"] == 1
    assert list(result["microseconds"]) == ["one after another", "tutorial loop", "stack of 1", "stack of 5"]


def test_sweep_over_widths(monkeypatch):
    monkeypatch.setattr(sweep, "WORKS", {name: tiny(name) for name in sweep.NAMES})
    result = sweep.measure(1, widths=(3, 6), budget=0)
    assert [row["width"] for row in result["digits, 1437 x 64-h-10, full batch"]] == [3, 6]
    assert len(result) == len(sweep.NAMES)


def test_one_process_for_each_number_of_cores():
    groups = command.grouped(command.NAMES)
    assert sorted(name for names in groups.values() for name in names) == sorted(command.NAMES)
    assert groups[1, 1, True] == ["switches"] and "moons" in groups[1, 1, False]
    assert groups[2, 1, False] == ["stack-float64", "stack-float32"]


def test_the_report_is_rounded_to_four_digits():
    assert command.rounded({"a": [1.23456, 7], "b": "c"}) == {"a": [1.235, 7], "b": "c"}


def test_exponents_of_cost_are_those_of_the_times(monkeypatch):
    monkeypatch.setattr(cost, "seconds", lambda work, epochs: 1e-3 * len(work[1]) ** 1.5)
    fit = cost.measure(1, {"samples": [10, 100, 1000]})["samples"]
    assert fit["exponent"] == pytest.approx(1.5) and fit["verdict"] == "missed"


def test_the_readme_shows_the_ratios_of_the_report():
    work = {"work": "w", "batch": 32, "shuffle": False, "dtype": "float64", "threads": 1}
    work["ratios"] = {"PyTorch": 0.256, "scikit-learn": 2, "tutorial loop": 0.5}
    report = {"machine": {"cores": 2, "processor": "P"}, "rounds": 5, "works": dict.fromkeys(readme.WORKS, work)}
    text = readme.update(f"a\n{readme.START}\nold\n{readme.END}\nb", report)
    assert text.startswith("a\n") and text.endswith("\nb") and "old" not in text
    assert text.count("| w, batches of 32, float64, one core | 0.50 | 2.00 | 0.26 |  |") == len(readme.WORKS)
    assert readme.update(text, report) == text
    assert readme.update(readme.README.read_text(encoding="utf-8"), report)  # it has the marks
    with pytest.raises(ValueError, match="put both where the table belongs"):
        readme.update("no marks", report)
