"""Files: networks saved and loaded, and trainings that go on after a break. No pickle, so reading one runs nothing."""
