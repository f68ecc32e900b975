"""Progress as plain lines, for logs: when something begins, now and then while it lasts, and when it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self, TextIO

from nivis.cli.activity import DOING, Activity, build_summary, current_lines, summary
from nivis.cli.units import duration_text
from nivis.progress import BuildSnapshot

HEARTBEAT = 15.0  # seconds between lines that only say that it goes on
NAMED = 5  # steps in one line
CALM = 1.0  # seconds between lines about finished steps


class PlainDisplay:
    """Writes lines to a stream; safe to call from several threads."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._activity = Activity(clock())
        self._told: set[str] = set()  # kinds whose beginning was told and whose end was not
        self._last = clock()  # when the last line was written
        self._told_done = 0

    def begin(self, task: str, kind: str, total: int | None = None) -> None:
        """Tell that a kind of work begins, once."""
        with self._lock:
            now = self._clock()
            if kind not in self._told:
                self._close_phases(now)
                self._activity.phases.pop(kind, None)
                self._told.add(kind)
                self._write(f"{DOING[kind]} {task}" if kind in DOING else f"{kind}: {task}", now)
            self._activity.begin(task, kind, total, now)

    def advance(self, task: str, amount: int) -> None:
        """Tell now and then that it goes on."""
        with self._lock:
            now = self._clock()
            self._activity.advance(task, amount, now)
            self._beat(now)

    def end(self, task: str, *, failed: bool = False) -> None:
        """Count; what was done is told when other work begins."""
        with self._lock:
            self._activity.end(task, failed, self._clock())

    def note(self, text: str) -> None:
        """Write the line."""
        with self._lock:
            self._write(text, self._clock())

    def building(self, snapshot: BuildSnapshot) -> None:
        """Tell which steps were built since, and now and then that it goes on."""
        with self._lock:
            now = self._clock()
            self._close_phases(now)
            self._take(snapshot, now)
            done, over = snapshot.done, snapshot.done + len(snapshot.failed) >= snapshot.total
            if done > self._told_done and (over or now - self._last >= CALM):
                new = [f"{name} ({duration_text(seconds)})" for name, seconds in snapshot.ended[self._told_done : done]]
                more = f" and {len(new) - NAMED} more" if len(new) > NAMED else ""
                names = f": {', '.join(new[:NAMED])}{more}" if new else ""
                self._write(f"built {done}/{snapshot.total}{names}", now)
                self._told_done = done
            self._beat(now)

    def _take(self, snapshot: BuildSnapshot, now: float) -> None:
        before = self._activity.build
        for name in snapshot.failed:
            if before is None or name not in before.failed:
                self._write(f"failed: {name}", now)
        if before is None and snapshot.total > snapshot.done:
            self._write(f"building {snapshot.done}/{snapshot.total}", now)
        self._activity.building(snapshot, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        with self._lock:
            now = self._clock()
            self._close_phases(now)
            text = build_summary(self._activity, now)
            if text:
                self._write(text, now)

    def _close_phases(self, now: float) -> None:
        """Tell what was done of every kind that no longer runs."""
        for kind in [kind for kind in self._told if not self._activity.active(kind)]:
            self._told.discard(kind)
            text = summary(self._activity, kind)
            if text:
                self._write(text, now)

    def _beat(self, now: float) -> None:
        if now - self._last < HEARTBEAT:
            return
        for line in current_lines(self._activity, now):
            self._write(f"{line.doing} {line.numbers}: {', '.join(line.names[:3])}", now)

    def _write(self, text: str, now: float) -> None:
        self._last = now
        with suppress(OSError, ValueError):  # listeners never fail: perhaps nobody reads the log any more
            print(text, file=self._stream, flush=True)
