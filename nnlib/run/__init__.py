"""What stands around training: checks, batches, the guard against divergence, early stopping, range test, processes."""
