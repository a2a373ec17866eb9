"""From the sources of the website to a checked site: run chunks, render pages, write notebooks, check it all."""

import sys

# nbformat imports jsonschema, which builds a grammar of web addresses where rfc3987-syntax is installed (jupyter brings
# it along): 4 s at each start, for a check that no notebook needs. None makes that import fail, as if it were absent.
sys.modules.setdefault("rfc3987_syntax", None)
