"""From the sources of the website to a checked site: runs chunks, renders pages, writes notebooks, checks the result."""
