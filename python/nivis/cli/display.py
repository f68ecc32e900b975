"""Progress for people: a live display on terminals, plain lines elsewhere, nothing for --quiet.

All of them are listeners (nivis.progress) that also take snapshots of a build, and context managers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol, Self, TextIO

from nivis.cli.plain import PlainDisplay
from nivis.progress import Listener, Silent


class Display(Listener, Protocol):
    """A listener whose ``with`` block begins and ends the show."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *details: object) -> None:
        """Clear what is live and leave a summary."""


class SilentDisplay(Silent):
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        """Do nothing."""


def open_display(
    stream: TextIO, *, environ: Mapping[str, str], quiet: bool = False, clock: Callable[[], float] = time.monotonic
) -> Display:
    """Return the display that suits a stream: live on a terminal that can move its cursor, else plain lines."""
    if quiet:
        return SilentDisplay()
    if stream.isatty() and environ.get("TERM", "dumb") != "dumb":
        from nivis.cli.live import LiveDisplay  # rich takes longer to import than most commands run

        return LiveDisplay(stream, clock=clock)
    return PlainDisplay(stream, clock=clock)
