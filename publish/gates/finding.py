"""What a gate reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that must be put right before the site is published.

    `page` is the file's path in the site, `line` its line where one is known, `gate` the check's name.
    """

    page: str
    line: int | None
    gate: str
    message: str

    def __str__(self) -> str:
        where = self.page if self.line is None else f"{self.page}:{self.line}"
        return f"{where}: {self.gate}: {self.message}"
