"""The console of the commands: tables, live views and bars that data cannot steer."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import Progress, ProgressColumn
from rich.segment import Segment

from outbox.terminal import lines, one_line


class Screen(Console):
    """A console that shows every character; names of emoji, links and markup in data mean nothing.

    Strings are one line each. Renderables are looked over once more when they have become
    segments, whoever made them; only rich's own control codes pass.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)

    def print(self, *objects: Any, **how: Any) -> None:
        """Print; strings are shown as one line."""
        super().print(*(one_line(o) if isinstance(o, str) else o for o in objects), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of a renderable, with all that a terminal would obey made visible."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(lines(segment.text), segment.style)


def console() -> Screen:
    """Stdout; a pipe gets wide lines instead of folded ones."""
    return Screen(width=None if sys.stdout.isatty() else 200)


def progress_bar(*columns: str | ProgressColumn, transient: bool = False) -> Progress:
    """A bar on stderr, where that is a terminal."""
    is_seen = sys.stderr.isatty()
    return Progress(*columns, console=Screen(stderr=True), transient=transient, disable=not is_seen)
