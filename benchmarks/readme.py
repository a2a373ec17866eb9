"""Write the table of the last benchmark into the README: `python -m benchmarks.readme [JSON]`."""

import json
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmark -->", "<!-- end of benchmark -->"
WORKS = ("moons", "digits-float64", "batches-float64", "batches-float32", "adam", "adam-deep", "large", "wide")
WORKS += ("stack-float64", "stack-float32")


def table(report):
    """The README's lines, between the two marks: nnlib's time as a share of each peer's."""
    peers = {"tutorial loop": "the plain loop", **{name: name for name in ("scikit-learn", "PyTorch", "JAX")}}
    machine = report["machine"]
    lines = [
        f"Measured on {machine['cores']} cores of {machine['processor']}, in {report['rounds']} rounds:",
        "",
        "| work | " + " | ".join(f"of {name}'s" for name in peers.values()) + " |",
        "|---|" + "---|" * len(peers),
    ]
    for name in WORKS:
        work = report["works"][name]
        batch = "full batch" if work["batch"] is None else f"batches of {work['batch']}"
        batch += ", shuffled" if work["shuffle"] else ""
        cores = "one core" if work["threads"] == 1 else f"{work['threads']} cores"
        shares = [f"{work['ratios'][peer]:.2f}" if peer in work["ratios"] else "" for peer in peers]
        lines.append(f"| {work['work']}, {batch}, {work['dtype']}, {cores} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def update(text, report):
    """`text` with a new table between the marks."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the README has no {START!r} followed by {END!r}: put both where the table belongs.")
    return f"{before}{START}\n{table(report)}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ".build/bench.json")
    if not path.exists():
        sys.exit(f"There is no {path}. Run `make bench` first.")
    report = json.loads(path.read_text(encoding="utf-8"))
    README.write_text(update(README.read_text(encoding="utf-8"), report), encoding="utf-8")
