"""A progress bar over the epochs."""

import numpy as np


class ProgressBar:
    """A bar of tqdm that is silent where nobody watches."""

    def __init__(self, run, wanted):
        if not isinstance(wanted, (bool, np.bool_)):
            raise TypeError(f"progress must be True or False, not {wanted!r}.")
        try:
            from tqdm import tqdm
        except ModuleNotFoundError as error:
            error.add_note("progress=True needs one more package: pip install tqdm")
            raise
        self.bar = tqdm(total=run.epochs, initial=run.epoch, unit="epoch", disable=None)
        run.endings.append(self.bar.close)

    def __call__(self, run):
        self.bar.set_postfix_str(run.history.describe(run.epoch), refresh=False)
        self.bar.update(run.done - self.bar.n)  # all at once where a run goes on
