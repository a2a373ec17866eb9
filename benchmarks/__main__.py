"""nnlib beside scikit-learn, PyTorch and JAX, on the same work: `python -m benchmarks`.

Each work runs in a process of its own, because BLAS reads its number of threads when it is loaded. There, before
anything is timed, every contestant must show that it does this work: from the same start, its losses must agree
with nnlib's, epoch by epoch, to 1e-9 (float32: 1e-4). Then the contestants take turns, round after round, so that a
slow spell of the machine meets them all.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.works import WORKS

NAMES = [*WORKS, "import", "cost"]


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each contestant is timed (default 7)")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=NAMES, help=f"some of: {', '.join(NAMES)}")
    parser.add_argument("--output", type=Path, help="JSON file (default .build/bench.json, or with --only none)")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")

    if importlib.util.find_spec("sklearn") is None:
        sys.exit("The benchmark needs scikit-learn, for its data. Run `make bench`, or: pip install -e '.[bench]'")

    report = {"machine": machine(), "versions": versions(), "rounds": args.rounds, "works": {}}
    print(f"{report['machine']['processor']}, {report['machine']['cores']} cores")
    print(", ".join(f"{name} {number}" for name, number in report["versions"].items()))
    print(
        f"The same losses from the same start. Medians of {args.rounds} rounds, taken in turns; ratios within rounds."
    )
    for name in args.only or NAMES:
        if name == "import":
            report["import"] = in_process("import", args.rounds, threads=1)
            print_import(report["import"])
        elif name == "cost":
            report["cost"] = in_process("cost", args.rounds, threads=1)
            print_cost(report["cost"])
        else:
            report["works"][name] = in_process(name, args.rounds, WORKS[name].threads)
            print_work(name, report["works"][name])

    output = args.output or (None if args.only else Path(".build/bench.json"))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        print(f"\nWritten to {output}.")
        if "cost" in report:
            draw_cost(report["cost"], output)


def in_process(name, rounds, threads):
    """What `benchmarks.measure` finds, in a process whose contestants use that many cores."""
    # NumPy's own threads stay at 1: nnlib uses more cores by more processes.
    counts = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": 1}
    environment = os.environ | {variable: str(count) for variable, count in counts.items()}
    command = [sys.executable, "-m", "benchmarks.measure", name, str(rounds)]
    run = subprocess.run(command, check=False, env=environment, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"The work {name!r} failed; its message is above.")
    return json.loads(run.stdout)


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = (names or [platform.processor() or platform.machine()])[0]
    # A load well above 0 before the start means that other programs share the cores.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system(), "load_before": load}


def versions():
    found = {"python": platform.python_version()}
    for package in ("numpy", "scikit-learn", "torch", "jax", "joblib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def print_work(name, result):
    batch = "full batch" if result["batch"] is None else f"batches of {result['batch']}"
    batch += ", shuffled" if result["shuffle"] else ""
    cores = "one core" if result["threads"] == 1 else f"{result['threads']} cores"
    print(f"\n{name}: {result['work']}, {batch}, {result['dtype']}, {cores}")
    print(f"  {'us per epoch and network':26} {'median':>10} {'least':>10} {'most':>10} {'nnlib takes':>14}")
    targets = {target["to"]: target for target in result["targets"]}
    for contestant, row in result["microseconds_per_epoch_and_network"].items():
        line = f"  {contestant:26} {row['median']:10.1f} {row['least']:10.1f} {row['most']:10.1f}"
        if contestant in result["ratios"]:
            line += f" {result['ratios'][contestant]:9.2f} of it"
        if contestant in targets:
            line += f"   at most {targets[contestant]['at_most']:.2f}: {targets[contestant]['verdict']}"
        print(line)
    for contestant in result["missing"]:
        print(f"  {contestant:26} not installed")
    if "peak" in result:
        shares = ", ".join(f"{contestant} {share:.0%}" for contestant, share in result["peak"]["share"].items())
        print(f"  of the peak of {result['peak']['gigaflops']:.0f} GFLOP/s: {shares}")
    parts = {part: share for part, share in result["where_nnlib_spends_it"].items() if part != "slowed_by"}
    print("  nnlib's time: " + ", ".join(f"{part} {share:.0%}" for part, share in parts.items() if share >= 0.005))


def print_import(result):
    seconds = {module: row["median"] for module, row in result["seconds"].items()}
    print(f"\nimport: nnlib {seconds['nnlib']:.3f} s, of which NumPy {seconds['numpy']:.3f} s; ", end="")
    print(f"loads {', '.join(result['packages'])}   below {result['at_most']} s: {result['verdict']}")


def print_cost(result):
    print("\ncost: exponents of nnlib's time per epoch")
    for axis, fit in result.items():
        sizes = f"{fit['sizes'][0]} to {fit['sizes'][-1]}"
        print(f"  {axis:12} {sizes:>14}   {fit['exponent']:.2f}   linear: {fit['verdict']}")


def draw_cost(result, output):
    if importlib.util.find_spec("matplotlib") is None:
        print("No figure: matplotlib is not installed.")
        return
    from benchmarks.cost import draw

    path = output.with_name(output.stem + "-cost.svg")
    draw(result, path)
    print(f"Drawn in {path}.")


if __name__ == "__main__":
    main()
