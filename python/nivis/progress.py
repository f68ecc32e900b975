"""What the rooms report while they work; who draws it is the command line's business."""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Receives progress. Calls may come from several threads; they never fail."""

    def begin(self, task: str, kind: str, total: int | None = None) -> None:
        """Announce ``task``, a unique label. ``kind``: download, hash, add (``total`` in bytes), unpack, build."""

    def advance(self, task: str, amount: int) -> None:
        """Report ``amount`` more units of ``task``."""

    def end(self, task: str, *, failed: bool = False) -> None:
        """Announce that ``task`` is over."""

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

    def note(self, text: str) -> None:
        """Ignore."""
