"""Seconds, and where they go."""

import statistics
import time

PARTS = ("products", "activations", "loss", "batches", "optimizer", "rest")


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def summary(values, factor=1.0):
    values = [factor * value for value in values]
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def ratio(values, others):
    """Summary of ratios within rounds, because a slow spell of the machine slows both."""
    return summary([a / b for a, b in zip(values, others)])


class Clock:
    """Shares out time among parts: at any moment the innermost wrapped function that runs is charged."""

    def start(self):
        self.parts, self.part, self.since = dict.fromkeys(PARTS, 0.0), "rest", time.perf_counter()

    def stop(self):
        self.switch("rest")
        return sum(self.parts.values())

    def switch(self, part):
        before, now = self.part, time.perf_counter()
        self.parts[before] += now - self.since
        self.part, self.since = part, now
        return before

    def wrap(self, part, function):
        def wrapped(*args, **kwargs):
            before = self.switch(part)
            try:
                return function(*args, **kwargs)
            finally:
                self.switch(before)

        return wrapped

    def wrap_both_ways(self, part, forward):
        """For a function that returns what it computed, and a function for the way back."""
        forward = self.wrap(part, forward)

        def wrapped(*args, **kwargs):
            outputs, backward = forward(*args, **kwargs)
            return outputs, self.wrap(part, backward)

        return wrapped
