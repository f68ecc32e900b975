"""Watch the memory of a process's children, and end them when it is more than they may have.

What they have is the sum of their proportional set sizes (proc_pid_smaps(5)): pages that several share count once.
Nix runs builders as children of its own where no daemon does; those of a daemon are out of sight, and not limited here.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

INTERVAL = 0.1  # seconds
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


class MemoryWatch(Thread):
    """Watches until it is told to stop; ``peak`` is what the children had when they had too much, else None."""

    def __init__(self, process: int, most: int) -> None:
        super().__init__(daemon=True, name=f"memory of {process}")
        self.process = process
        self.most = most  # bytes
        self.peak: int | None = None
        self._over = Event()

    def run(self) -> None:
        """Look every now and then."""
        while not self._over.wait(INTERVAL):
            family = list(children(self.process))
            # The resident set is quick to read, but counts shared pages several times.
            if sum(map(resident, family)) > self.most and (used := sum(map(proportional, family))) > self.most:
                self.peak = max(used, self.peak or 0)
                for process in family:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """End the watch."""
        self._over.set()
        self.join()


def children(process: int) -> Iterator[int]:
    """Yield all descendants of a process."""
    try:
        tasks = list((_PROC / str(process) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            found = (task / "children").read_text().split()
        except OSError:
            continue
        for child in map(int, found):
            yield child
            yield from children(child)


def resident(process: int) -> int:
    """Return the resident set of a process in bytes, 0 if it is gone."""
    try:
        return int((_PROC / str(process) / "statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def proportional(process: int) -> int:
    """Return the proportional set of a process in bytes, 0 if it is gone."""
    try:
        text = (_PROC / str(process) / "smaps_rollup").read_text()
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024
