"""What looks on at the end of each epoch, and may end a training by returning True: one for each setting of `train`."""

import copy

import numpy as np

from nnlib.run.progress import ProgressBar
from nnlib.run.samples import Samples
from nnlib.run.stopping import EarlyStopping
from nnlib.run.stream import checked


class Validation:
    def __init__(self, run, pair):
        self.samples = run.validation = checked("validation", pair, Samples, run.network)
        history = run.history
        history.validation_loss = np.full_like(history.loss, np.nan)
        if run.network.loss_function.decide is not None:
            history.validation_accuracy = np.full_like(history.loss, np.nan)

    def __call__(self, run):
        loss, right = run.network._evaluate(self.samples)
        share = None if right is None else np.average(right, axis=-1, weights=self.samples.weight)
        run.history.record(run.epoch, run.guard, validation_loss=loss, validation_accuracy=share)


def early_stopping(run, stopping):
    if not isinstance(stopping, EarlyStopping):
        raise TypeError(f"early_stopping must be nn.EarlyStopping(patience=10) or the like, not {stopping!r}.")
    run.early_stopping = copy.copy(stopping)  # it counts for this run alone
    run.early_stopping.start(run)
    return run.early_stopping.look


def callbacks(run, functions):
    functions = functions if isinstance(functions, (list, tuple)) else [functions]
    for callback in functions:
        if not callable(callback):
            raise TypeError(f"callbacks must be a function callback(run), or a list of them, not {callback!r}.")

    def call_all(run):
        answers = [callback(run) for callback in functions]
        return any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers)

    return call_all


def checkpoint(run, given):
    if isinstance(given, type) or not hasattr(given, "restore"):
        raise TypeError(f"checkpoint must be nn.Checkpoint(path), not {given!r}.")
    if not (hasattr(run.optimizer, "memory") and hasattr(run.optimizer, "recall")):
        methods = "memory(), a dict of arrays, and recall(steps, memory)"
        raise TypeError(f"a checkpoint saves the optimizer's memory: give {run.optimizer!r} the methods {methods}.")
    return given.look
