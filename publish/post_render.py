"""Run after a render, by either engine: makes the covers light, and writes each post as a notebook into the site."""

import os
import subprocess
import sys

if __name__ == "__main__":
    output = os.environ.get("QUARTO_PROJECT_OUTPUT_DIR", "_site")
    sys.exit(subprocess.run([sys.executable, "-m", "publish", "notebooks", output], check=False).returncode)
