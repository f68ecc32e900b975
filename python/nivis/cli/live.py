"""Progress on a terminal: a few lines that are redrawn, and a summary that stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self, TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from nivis.cli.activity import (
    DONE,
    Activity,
    build_summary,
    current_lines,
    cut,
    elapsed_text,
    line_text,
    spinner,
    summary,
)
from nivis.progress import BuildSnapshot

REDRAWS = 8  # a second


class LiveDisplay:
    """Draws an Activity; safe to call from several threads."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float], width: int | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._activity = Activity(clock())
        self._console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
        self._live = Live(
            self, console=self._console, refresh_per_second=REDRAWS, transient=True, redirect_stdout=False,
            redirect_stderr=False,
        )  # fmt: skip

    def begin(self, task: str, kind: str, total: int | None = None) -> None:
        """Show the task."""
        with self._lock:
            self._activity.begin(task, kind, total, self._clock())

    def advance(self, task: str, amount: int) -> None:
        """Show how far it is."""
        with self._lock:
            self._activity.advance(task, amount, self._clock())

    def end(self, task: str, *, failed: bool = False) -> None:
        """Show it no longer."""
        with self._lock:
            self._activity.end(task, failed, self._clock())

    def note(self, text: str) -> None:
        """Print a line above the display; it stays."""
        self._console.print(Text(text), soft_wrap=True)

    def building(self, snapshot: BuildSnapshot) -> None:
        """Show where the build stands."""
        with self._lock:
            self._activity.building(snapshot, self._clock())

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._live.stop()
        with self._lock:
            texts = [*(summary(self._activity, kind) for kind in DONE), build_summary(self._activity, self._clock())]
        for text in filter(None, texts):
            self._console.print(Text(text, style="dim"), soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines of this moment, none wider than the terminal."""
        with self._lock:
            yield from self._lines(options.max_width, self._clock())

    def _lines(self, width: int, now: float) -> list[Text]:
        lines = current_lines(self._activity, now)
        if not lines:
            return []
        frame = spinner(self._activity, now)
        drawn = []
        for line in lines:
            head, bar, tail = line_text(line, width=width - 3)
            drawn.append(Text.assemble((f"{frame} ", "cyan"), (head, "bold"), (bar, "cyan"), tail, no_wrap=True))
        drawn.append(Text(cut("  " + elapsed_text(self._activity, now), width - 1), style="dim", no_wrap=True))
        return drawn
