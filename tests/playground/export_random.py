"""NumPy's random numbers for playground/random.js: `python tests/playground/export_random.py` writes the file."""

import hashlib
import json
from pathlib import Path

import numpy as np

SEEDS = [0, 1, 42, 20240229, 2**31, 2**32 - 1]
DRAWS = 200_000
TAIL = 3.6541528853610088  # the ziggurat's base strip begins here; NumPy takes a logarithm beyond


def sha256(array, dtype):
    return hashlib.sha256(np.asarray(array).astype(dtype).tobytes()).hexdigest()


def permutations(make):
    """One generator after another draw, so that a half of 64 bits left over is carried along."""
    rng = make()
    return [{"n": n, "first": (p := rng.permutation(n))[:8].tolist(), "sha256": sha256(p, "<i4")}
            for n in [0, 1, 2, 3, 10, 500, 500, 2000, 65536, 65537, 100_001]]


def mixed(rng):
    """Draws of all kinds in turn: what one leaves behind for the next."""
    draws = []
    for n in range(2, 8):
        names = list(range(n))
        draws += [rng.random(), rng.standard_normal()]
        rng.shuffle(names)
        draws += [*names, rng.uniform(-1, 2), *rng.permutation(n).tolist(), rng.standard_normal(), rng.random()]
    return draws


def kinds(make):
    random, normal, rng = make().random(DRAWS), make().standard_normal(DRAWS), make()
    return {
        "random": {
            "first": random[:4].tolist(),
            "after": random[10_000:10_003].tolist(),
            "sha256": sha256(random, "<f8"),
        },
        "uniform": [rng.uniform(-bound, bound) for bound in [1, 4, 0.1, np.sqrt(6 / 11), np.sqrt(6 / 17), 1e-3] * 3],
        "normal": {
            "first": normal[:4].tolist(),
            "after": normal[10_000:10_003].tolist(),
            "beyond": [int((abs(normal) > edge).sum()) for edge in [1, 2, 3, 3.65, 4]],
            "tail": normal[abs(normal) > TAIL].tolist(),
            "sha256": sha256(np.where(abs(normal) > TAIL, 0, normal), "<f8"),  # without logarithms: the same anywhere
            "sha256 of float32": sha256(normal, "<f4"),
        },
        "permutation": permutations(make),
        "mixed": mixed(make()),
    }


def reference():
    both = {"RandomState": np.random.RandomState, "Generator": np.random.default_rng}
    return {name: [{"seed": seed, **kinds(lambda: make(seed))} for seed in SEEDS] for name, make in both.items()}


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "reference" / "playground" / "random.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")
