"""Errors that a writer of pages can act on."""

from pathlib import PurePath


class PublishError(Exception):
    """Something in the sources, or around them, that stops the render.

    The message says what is wrong and what to do; ``file`` and ``line`` say where.
    """

    def __init__(self, message: str, file: PurePath | str | None = None, line: int | None = None):
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message)
