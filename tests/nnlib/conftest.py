import json
import os
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

import pytest
from hypothesis import settings
from sklearn.datasets import make_moons
from threadpoolctl import threadpool_limits

# A bare pytest, too, runs with one BLAS thread; the file _environment says why.
threadpool_limits(1, user_api="blas")

# A deadline would make a slow machine fail.
settings.register_profile("nnlib", deadline=None, max_examples=20)
settings.load_profile("nnlib")


@pytest.fixture(scope="session")
def reference():
    path = Path(__file__).parents[1] / "reference" / "tutorials.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def moons():
    X, y = make_moons(n_samples=500, noise=0.2, random_state=42)
    X.flags.writeable = y.flags.writeable = False
    return X, y
