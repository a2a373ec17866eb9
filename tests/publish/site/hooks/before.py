"""A pre-render script: it leaves a trace, or fails if a file asks it to."""

import sys
from pathlib import Path

if Path("fail-before").exists():
    sys.exit("the core's tests fail")
Path("ran-before").write_text("yes")
