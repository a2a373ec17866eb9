"""A search that outgrew one machine: on a Dask cluster that loses a worker half-way."""

import os
import re
import signal
from pathlib import Path

import distributed
import joblib
import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import nnlib as nn

ROOT = Path(__file__).parents[2]
GRID = {"alpha": np.geomspace(1e-3, 10, 6).tolist(), "activation": ["tanh", "relu"]}


class KillHalfWay(distributed.SchedulerPlugin):
    """Kills the worker that is busiest when half of the fits are done."""

    def __init__(self, cluster, fits):
        self.cluster, self.fits, self.done, self.killed, self.lost = cluster, fits, 0, None, 0

    def transition(self, key, start, finish, *args, **kwargs):
        fits = re.match(r"batch_of__fit_and_score_(\d+)_calls", str(key))
        if fits and start == "processing" and finish == "memory":
            self.done += int(fits[1])
            if self.done >= self.fits / 2 and self.killed is None:
                workers = self.cluster.scheduler.workers
                nanny = max(
                    self.cluster.workers.values(), key=lambda nanny: len(workers[nanny.worker_address].processing)
                )
                self.killed, self.lost = nanny.pid, len(workers[nanny.worker_address].processing)
                os.kill(nanny.pid, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_worker_dies_and_the_search_does_not(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")  # for the workers
    X, y = make_moons(400, noise=0.2, random_state=0)
    model = nn.MLPClassifier(8, learning_rate_init=0.01, max_iter=300, n_iter_no_change=np.inf, random_state=0)
    folds = list(StratifiedKFold(3).split(X, y))
    search = GridSearchCV(model, GRID, cv=folds, error_score="raise")

    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        plugin = KillHalfWay(cluster, fits=12 * 3)
        cluster.scheduler.add_plugin(plugin)
        client.amm.stop()  # it would leave one copy of what all workers share, perhaps on the one that dies
        with joblib.parallel_config(backend="dask", scatter=[X, y, *sum(folds, ())]):
            search.fit(X, y)
    assert plugin.killed and plugin.lost  # in the midst of work

    alone = GridSearchCV(model, GRID, cv=folds).fit(X, y)
    assert search.best_params_ == alone.best_params_
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    np.testing.assert_allclose(search.predict_proba(X), alone.predict_proba(X), rtol=1e-9)
