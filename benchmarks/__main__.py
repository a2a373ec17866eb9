"""nnlib beside the tutorials' loop, scikit-learn, PyTorch and JAX, on the same work: `python -m benchmarks`.

Works with different numbers of cores run in different processes, because BLAS reads its number of threads when it is
loaded. There, before anything is timed, every contestant must show that it does this work: from the same start, its
losses must agree with nnlib's, epoch by epoch, to 1e-9 (float32: 1e-4). Then the contestants take turns, round after
round, so that a slow spell of the machine meets them all.
"""

import argparse
import ast
import importlib.util
import inspect
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import peers
from benchmarks.works import WORKS

NAMES = [*WORKS, "switches", "threads", "sweep", "import", "cost"]


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

    report = {"machine": machine(), "versions": versions(), "rounds": args.rounds, "lines": lines(), "works": {}}
    print(f"{report['machine']['processor']}, {report['machine']['cores']} cores")
    print(", ".join(f"{name} {number}" for name, number in report["versions"].items()))
    print(
        f"The same losses from the same start. Medians of {args.rounds} rounds, taken in turns; ratios within rounds."
    )
    parts = {"import": print_import, "cost": print_cost, "switches": print_switches}
    parts |= {"threads": print_threads, "sweep": print_sweep}
    for (cores, blas, _), names in grouped(args.only or NAMES).items():
        for name, result in in_process(names, args.rounds, cores, blas):
            if name in parts:
                report[name] = result
                parts[name](result)
            else:
                report["works"][name] = result
                print_work(name, result)

    output = args.output or (None if args.only else Path(".build/bench.json"))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(rounded(report), indent=1) + "\n", encoding="utf-8")
        print(f"\nWritten to {output}.")
        if "cost" in report:
            draw_cost(report["cost"])


def grouped(names):
    """The names by process: by the cores and the threads of NumPy's BLAS that they are measured with.

    The switches get a process of their own, in which nothing else has changed how memory is handed out.
    """
    groups = {}
    for name in names:
        work = WORKS.get(name)
        cores = work.threads if work else os.cpu_count() if name == "threads" else 1
        # A stack uses more cores by more processes, a single network by more threads.
        blas, alone = 1 if work and work.replicates else cores, name == "switches"
        groups.setdefault((cores, blas, alone), []).append(name)
    return groups


def in_process(names, rounds, cores, blas):
    """What `benchmarks.measure` finds, by name, in a process that uses so many cores and threads of NumPy's BLAS."""
    counts = {"OMP_NUM_THREADS": cores, "MKL_NUM_THREADS": cores, "OPENBLAS_NUM_THREADS": blas}
    environment = os.environ | {variable: str(count) for variable, count in counts.items()}
    environment["BENCHMARK_CORES"] = str(cores)
    command = [sys.executable, "-m", "benchmarks.measure", str(rounds), *names]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            yield json.loads(line)
    if run.returncode:
        sys.exit(f"One of the works {', '.join(names)} failed; its message is above.")


def rounded(value):
    """The same report with four digits of each number, which is more than its noise leaves."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = (names or [platform.processor() or platform.machine()])[0]
    # A load well above 0 before the start means that other programs share the cores.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system(), "load_before": load}


def lines():
    """How many lines of code each contestant takes here, without blank lines, comments and docstrings."""
    functions = {
        "nnlib": (peers.with_nnlib, peers.batches),
        "tutorial loop": (peers.with_loop, peers.adam),
        "scikit-learn": (peers.with_sklearn,),
        "PyTorch": (peers.with_torch,),
        "JAX": (peers.with_jax, peers.compiled),
    }
    return {name: sum(map(_lines, parts)) for name, parts in functions.items()}


def _lines(function):
    tree = ast.parse(inspect.getsource(function))
    return len(ast.unparse(tree).splitlines()) - len((inspect.getdoc(function) or "").splitlines())


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
    if "products_alone" in result:
        floor, mine = result["products_alone"], result["microseconds_per_epoch_and_network"]["nnlib"]
        line = "  {:26} {median:10.1f} {least:10.1f} {most:10.1f}".format("the matrix products alone", **floor)
        print(f"{line} {mine['median'] / floor['median']:9.2f} times these")
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


def print_switches(result):
    print_comparison("loops by hand", result["loops"])
    for part, title in (("nnlib", "nnlib without"), ("precision", "precision")):
        for name, comparison in result[part].items():
            print_comparison(f"{title}: {name}", comparison)
    for dtype, comparison in result["stacks"].items():
        print_comparison(f"stacks, {dtype}, per network", comparison)


def print_threads(result):
    for name, comparison in result.items():
        print_comparison(f"threads of BLAS: {name}", comparison)


def print_comparison(title, result):
    print(f"\n{title}")
    for name, row in result["microseconds"].items():
        ratios = result["ratios"][name]
        faults = f"   {result['page_faults'][name]:.1f} page faults" if result.get("page_faults") else ""
        print(
            f"  {name:30} {row['median']:10.1f} us   {ratios['median']:5.2f} "
            f"({ratios['least']:.2f} to {ratios['most']:.2f}) of the first{faults}"
        )


def print_sweep(result):
    for name, rows in result.items():
        print(f"\nsweep: {name}, float32, us per epoch")
        for row in rows:
            times = ", ".join(f"{peer} {time['median']:.0f}" for peer, time in row["microseconds"].items())
            print(f"  h = {row['width']:4}   {times}")


def draw_cost(result):
    if importlib.util.find_spec("matplotlib") is None:
        print("No figure: matplotlib is not installed.")
        return
    from benchmarks.cost import draw

    path = Path(".build/bench-cost.svg")
    path.parent.mkdir(exist_ok=True)
    draw(result, path)
    print(f"Drawn in {path}.")


if __name__ == "__main__":
    main()
