"""Tell where a run of pages is: one live line on a terminal, a line for each page that is done, and what was slow."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import time

from publish.chunks import Chunk, Page

SLOWEST = 3  # as many pages are named in the end


class Progress:
    """The clock and the voice of a run of `total` pages, of which up to `at_once` run side by side."""

    def __init__(self, total: int, at_once: int) -> None:
        self.total = total
        self.at_once = at_once
        self.ended = 0
        self.began = time.perf_counter()
        self.live = sys.stderr.isatty()
        self.started: dict[str, float] = {}
        self.running: dict[str, tuple[str, str, float]] = {}  # page -> its chunk's number and label, and its start
        self.chunks: dict[str, tuple[float, str]] = {}  # page -> the seconds and the label of its slowest chunk
        self.pages: list[tuple[float, str]] = []  # the seconds and the name of each page that ran

    def start(self, page: Page) -> None:
        self.started[page.slug] = time.perf_counter()

    def chunk(self, page: Page, number: int, chunk: Chunk) -> None:
        """A chunk of the page begins, and the one before has ended."""
        self._end_chunk(page)
        self.running[page.slug] = f"chunk {number}/{len(page.chunks)}", chunk.label or f"{number}", time.perf_counter()
        self._draw()

    def done(self, page: Page) -> None:
        self._end_chunk(page)
        seconds = time.perf_counter() - self.started[page.slug]
        self.pages.append((seconds, page.slug))
        self._say_page(page, f"{seconds:.1f} s")

    def cached(self, page: Page) -> None:
        self._say_page(page, "from the cache")

    def summary(self) -> None:
        """Say how long all took, and name the slowest pages, each with its slowest chunk (where any ran)."""
        if len(self.pages) < 2:  # its own line has said it
            return
        wall, work = time.perf_counter() - self.began, sum(seconds for seconds, _ in self.pages)
        self._say(f"  ran in {wall:.1f} s, up to {self.at_once} pages side by side; their times add up to {work:.1f} s")
        for seconds, slug in sorted(self.pages, reverse=True)[:SLOWEST]:
            chunk = ""
            if slug in self.chunks:
                longest, label = self.chunks[slug]
                chunk = f", of which the chunk {label} {longest:.1f} s"
            self._say(f"  slowest: {slug}  {seconds:.1f} s{chunk}")

    async def tick(self) -> None:
        """Keep the clock on the live line going."""
        with contextlib.suppress(asyncio.CancelledError):
            while self.live:
                await asyncio.sleep(0.2)
                self._draw()

    def clear(self) -> None:
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _end_chunk(self, page: Page) -> None:
        if page.slug in self.running:
            _, label, start = self.running.pop(page.slug)
            slowest = self.chunks.get(page.slug, (-1.0, ""))
            self.chunks[page.slug] = max(slowest, (time.perf_counter() - start, label))

    def _draw(self) -> None:
        if not self.live or not self.running:
            return
        now = time.perf_counter()
        parts = [f"{page} {count} {label} {now - start:.0f} s" for page, (count, label, start) in self.running.items()]
        line = f"  [{self.ended}/{self.total}] " + "  |  ".join(parts)
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)

    def _say_page(self, page: Page, how: str) -> None:
        self.ended += 1
        chunks = f"{len(page.chunks)} chunk{'s' * (len(page.chunks) != 1)}"
        self._say(f"  [{self.ended}/{self.total}] {page.slug}  {chunks}  {how}")

    def _say(self, line: str) -> None:
        self.clear()
        print(line, file=sys.stderr, flush=True)
