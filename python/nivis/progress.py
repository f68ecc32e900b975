"""What the rooms report while they work; who draws it is the command line's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSnapshot:
    """Where a build stands: derivations in all and done, what runs for how many seconds, what failed."""

    total: int
    done: int
    running: Sequence[tuple[str, float]] = ()
    failed: Sequence[str] = ()
    ended: Sequence[tuple[str, float]] = ()  # all that are done, in this order, and how many seconds each took


class Listener(Protocol):
    """Receives progress. Calls may come from several threads; they never fail."""

    def begin(self, task: str, kind: str, total: int | None = None) -> None:
        """Announce ``task``, a unique label. ``kind``: download, hash, add (``total`` in bytes), read, unpack."""

    def advance(self, task: str, amount: int) -> None:
        """Report ``amount`` more units of ``task``."""

    def end(self, task: str, *, failed: bool = False) -> None:
        """Announce that ``task`` is over."""

    def building(self, snapshot: BuildSnapshot) -> None:
        """Show where a build stands."""

    def note(self, text: str) -> None:
        """Say one line that the user should see."""


class Silent:
    """A listener that ignores everything."""

    def begin(self, task: str, kind: str, total: int | None = None) -> None:
        """Ignore."""

    def advance(self, task: str, amount: int) -> None:
        """Ignore."""

    def end(self, task: str, *, failed: bool = False) -> None:
        """Ignore."""

    def building(self, snapshot: BuildSnapshot) -> None:
        """Ignore."""

    def note(self, text: str) -> None:
        """Ignore."""
