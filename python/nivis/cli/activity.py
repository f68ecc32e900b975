"""What is going on: tasks and builds, as reported, and the lines that show it (no terminal, no clock of its own)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nivis.cli.units import clock_text, duration_text, plural, size_text
from nivis.progress import BuildSnapshot

WINDOW = 5.0  # seconds over which a rate is taken
BAR = 20  # columns
ROOM_FOR_BAR = 72  # narrower terminals do without
ROOM_FOR_NAME = 6
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
DOING = {
    "read": "reading", "download": "downloading", "unpack": "unpacking", "hash": "hashing", "add": "adding",
    "build": "building",
}  # fmt: skip
DONE = {
    "read": "read", "download": "downloaded", "unpack": "unpacked", "hash": "hashed", "add": "added", "build": "built",
}  # fmt: skip
IN_BYTES = frozenset({"download", "hash", "add"})


@dataclass(slots=True, kw_only=True)
class Task:
    """One task that runs."""

    kind: str
    total: int | None
    done: int = 0


@dataclass(slots=True, kw_only=True)
class Phase:
    """All tasks of one kind so far."""

    started: float
    ended: float
    count: int = 0  # tasks that ended well
    last: str = ""  # the latest of them
    finished: int = 0  # units of tasks that are over
    expected: int = 0  # units of tasks that are over or have a known total
    unknown: int = 0  # running tasks whose total nobody knows
    samples: deque[tuple[float, int]] = field(default_factory=deque)


@dataclass(slots=True)
class Activity:
    """The state behind every display; times are seconds of one monotonic clock."""

    started: float
    tasks: dict[str, Task] = field(default_factory=dict)
    phases: dict[str, Phase] = field(default_factory=dict)
    build: BuildSnapshot | None = None
    build_started: float = 0.0
    build_told: float = 0.0  # when the snapshot came

    def begin(self, task: str, kind: str, total: int | None, now: float) -> None:
        """Take note of a new task."""
        self.tasks[task] = Task(kind=kind, total=total)
        phase = self.phases.setdefault(kind, Phase(started=now, ended=now))
        phase.expected += total or 0
        phase.unknown += total is None

    def advance(self, task: str, amount: int, now: float) -> None:
        """Take note of progress; unknown tasks are ignored."""
        if task not in self.tasks:
            return
        self.tasks[task].done += amount
        kind = self.tasks[task].kind
        samples = self.phases[kind].samples
        samples.append((now, self.units(kind)))
        while samples[0][0] < now - WINDOW:
            samples.popleft()

    def end(self, task: str, failed: bool, now: float) -> None:
        """Take note that a task is over."""
        ended = self.tasks.pop(task, None)
        if ended is None:
            return
        phase = self.phases[ended.kind]
        phase.ended = now
        phase.count += not failed
        phase.last = phase.last if failed else task
        phase.finished += ended.done
        phase.expected += ended.done - (ended.total or 0)
        phase.unknown -= ended.total is None

    def building(self, snapshot: BuildSnapshot, now: float) -> None:
        """Take note of where a build stands."""
        if self.build is None:
            self.build_started = now
        self.build, self.build_told = snapshot, now

    def units(self, kind: str) -> int:
        """Return how many units of a kind are done."""
        return self.phases[kind].finished + sum(t.done for t in self.tasks.values() if t.kind == kind)

    def rate(self, kind: str, now: float) -> float:
        """Return units per second over the last seconds; 0 while nobody knows."""
        samples = self.phases[kind].samples
        since = now - samples[0][0] if samples else 0.0
        return (self.units(kind) - samples[0][1]) / since if since >= 0.5 else 0.0

    def active(self, kind: str) -> list[str]:
        """Return the tasks of a kind that run, oldest first."""
        return [name for name, task in self.tasks.items() if task.kind == kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the display: what is done, how far (0 to 1, None: nobody knows), in numbers, and by whom."""

    doing: str
    share: float | None
    numbers: str
    names: Sequence[str]


def current_lines(activity: Activity, now: float) -> list[Line]:
    """Return a line for every kind of task that runs, and one for the build."""
    lines = [_task_line(activity, kind, now) for kind in DOING if activity.active(kind)]
    build = activity.build
    if build is not None and build.done < build.total:
        since = now - activity.build_told  # Nix is silent while a step is
        running = sorted(build.running, key=lambda r: -r[1])
        names = [f"{name} ({duration_text(seconds + since)})" for name, seconds in running]
        failed = f", {len(build.failed)} failed" if build.failed else ""
        share = build.done / build.total
        lines.append(Line(doing="building", share=share, numbers=f"{build.done}/{build.total}{failed}", names=names))
    return lines


def _task_line(activity: Activity, kind: str, now: float) -> Line:
    names = activity.active(kind)
    phase, done, rate = activity.phases[kind], activity.units(kind), activity.rate(kind, now)
    known = phase.unknown == 0 and phase.expected > 0
    if kind not in IN_BYTES:
        share = min(done / phase.expected, 1.0) if known else None
        return Line(doing=DOING[kind], share=share, numbers=f"{done}/{phase.expected}" if known else "", names=names)
    numbers = f"{size_text(done)} of {size_text(phase.expected)}" if known else size_text(done)
    if rate > 0:
        numbers += f", {size_text(rate)}/s"
    share = min(done / phase.expected, 1.0) if known else None
    return Line(doing=DOING[kind], share=share, numbers=numbers, names=names)


def line_text(line: Line, *, width: int) -> tuple[str, str, str]:
    """Return the head, bar and tail of a line that together take at most ``width`` columns."""
    head = f"{line.doing:<11} "
    bar = ""
    if line.share is not None and width >= ROOM_FOR_BAR:
        full = round(line.share * BAR)
        bar = "━" * full + "╌" * (BAR - full) + " "
    before = f"{line.numbers}: " if line.numbers else ""
    left = width - len(head) - len(bar) - len(before)
    tail = before + fitting(line.names, left) if line.names and left >= ROOM_FOR_NAME else line.numbers
    return head[:width], bar, cut(tail, max(width - len(head) - len(bar), 0))


def fitting(names: Sequence[str], width: int) -> str:
    """Return as many names as fit into ``width`` columns, and how many more there are."""
    for shown in range(len(names), 0, -1):
        rest = len(names) - shown
        text = ", ".join(names[:shown]) + (f", +{rest}" if rest else "")
        if len(text) <= width:
            return text
    return cut(names[0], width) if names else ""


def cut(text: str, width: int) -> str:
    """Return ``text`` cut to ``width`` columns, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"[:width]


def elapsed_text(activity: Activity, now: float) -> str:
    """Return the stopwatch's line."""
    return f"{clock_text(now - activity.started)} elapsed"


def spinner(activity: Activity, now: float) -> str:
    """Return the frame of the spinner for this moment."""
    return SPINNER[int((now - activity.started) * 10) % len(SPINNER)]


def summary(activity: Activity, kind: str) -> str:
    """Return what was done of a kind, or nothing: ``downloaded 53 files, 28.1 MB in 12 s``."""
    phase = activity.phases.get(kind)
    if phase is None or phase.count == 0:
        return ""
    amount = f", {size_text(phase.finished)}" if kind in IN_BYTES else ""
    noun = {"download": "file"}.get(kind, "item")
    what = phase.last if phase.count == 1 else plural(phase.count, noun)
    return f"{DONE.get(kind, kind)} {what}{amount} in {duration_text(phase.ended - phase.started)}"


def build_summary(activity: Activity, now: float) -> str:
    """Return what was built, or nothing: ``built 12 parts in 34 s`` (steps, but also wheels and the toolchain)."""
    build = activity.build
    if build is None or build.done == 0:
        return ""
    return f"built {plural(build.done, 'part')} in {duration_text(now - activity.build_started)}"
