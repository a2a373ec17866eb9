"""A post-render script: it writes into the output folder."""

import os
from pathlib import Path

(Path(os.environ["QUARTO_PROJECT_OUTPUT_DIR"]) / "after.txt").write_text("written after the render")
