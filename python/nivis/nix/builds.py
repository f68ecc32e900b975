"""The state of a run of Nix, from its events: what builds now, what is done, what failed and with which last lines.

Differences between versions: 2.8 reports a failed build before its activity stops, 2.34 after it; 2.8 says
"builder for '…' failed …", 2.34 "Cannot build '…'. Reason: …". From 2.26 on the derivations to be built are listed
first, while the counter of expected builds wavers (2.34 counts a finished one twice for a moment); 2.8 lists nothing
and counts up.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from nivis.nix.events import Event, Expected, Kind, LogLine, Message, Phase, Progress, Started, Stopped, Text

LAST_LINES = 25
_DERIVATION = re.compile(r"/nix/store/[0-9a-z]{32}-[^'\s]+?\.drv")
_FAILED = re.compile(
    r"(?:builder for|Cannot build|(?:hash mismatch in fixed-output|output of) derivation|build of|derivation) "
    r"'(?P<drv>/nix/store/[0-9a-z]{32}-[^']+\.drv)'(?P<rest>.*)",
    re.DOTALL,
)
_REASON = re.compile(r"Reason: (.+?)\.?(?:\n|$)")
_MISMATCH = re.compile(r"hash mismatch.*?specified: +(?P<specified>\S+).*?got: +(?P<got>\S+)", re.DOTALL)
_BLOCKED = re.compile(r"\d+ dependenc(?:y|ies) (?:of derivation|failed)")
# Not a failure of the build to Nix but the end of the run: a socket or a pipe in the output.
_UNSUPPORTED = re.compile(
    r"file ['\"](?P<drv>/nix/store/[0-9a-z]{32}-[^'\"/]+\.drv)\.chroot(?:/root)?/nix/store/[^/]+/"
    r"(?P<file>[^'\"]*)['\"] has an unsupported type"
)
# With --keep-failed: 2.8 and 2.26 name the folder by the derivation; 2.34 by a number, just before the build's activity
# stops.
_KEPT = re.compile(r"keeping build directory ['\"](?P<folder>[^'\"]+)['\"]")
_KEPT_OF = re.compile(r"/nix-build-(?P<name>[^/]+)\.drv-\d+(?:/build)?\Z")
# 2.34 does not say what timed out.
_TIMED_OUT = re.compile(
    r"(?:building of '(?P<drv>/nix/store/[0-9a-z]{32}-[^']+\.drv)\S* from \.drv file )?"
    r"timed out after (?P<seconds>\d+) seconds(?P<silent> of silence)?"
)
_SUMMARY = re.compile(r"[Bb]uilds? failed|failed dependenc")
_LISTED = re.compile(r"(?:this derivation|these \d+ derivations) will be built:")
_UNHEARD = re.compile(
    r"because it is a restricted setting|ignoring untrusted (?:substituter|flake)|Git tree '.*' is dirty"
)


@dataclass(slots=True, kw_only=True)
class Build:
    """One derivation that is built, or was."""

    derivation: str  # store path of the .drv
    started: float  # by the clock of whoever feeds the state
    phase: str = ""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    ended: float | None = None
    reason: str = ""  # why it failed
    folder: str = ""  # kept, with what it left

    @property
    def name(self) -> str:
        """Return the derivation's name."""
        return derivation_name(self.derivation)


@dataclass(slots=True, kw_only=True)
class Transfer:
    """A file or store path on its way here."""

    name: str  # URL or store path
    done: int = 0  # bytes
    expected: int = 0


def derivation_name(path: str) -> str:
    """Return the name in a derivation's store path: ``/nix/store/<hash>-train.drv`` is ``train``."""
    return path.rpartition("/")[2][33:].removesuffix(".drv")


class BuildState:
    """Reduces events; all of its attributes may be read between two of them."""

    def __init__(self) -> None:
        self.running: dict[int, Build] = {}
        self.done: dict[str, Build] = {}  # by derivation
        self.failed: dict[str, Build] = {}
        self.blocked: set[str] = set()  # derivations whose dependencies failed
        self.transfers: dict[int, Transfer] = {}
        self.fetched = 0  # transfers that are over
        self.planned: set[str] = set()  # derivations that Nix said it will build
        self.errors: list[str] = []  # in full, as Nix says them
        self.stray: list[str] = []  # those that are about no build: they end the run
        self.kept: list[str] = []  # folders of builds that did not end well
        self.notes: list[str] = []  # warnings and text that is no event
        self._counters: dict[int, Kind] = {}
        self._counted = 0  # builds that Nix expects, and those that failed
        # What Nix has counted: it does so before a build's activity stops, and may say why it failed long after.
        self._successes = 0
        self._failures = 0
        self._listing = False
        self._unclaimed = ""  # a folder that was kept of the build that stops next

    @property
    def expected(self) -> int:
        """Return how many builds there are in all, as far as is known."""
        seen = len(self.running) + len(self.done) + len(self.failed)
        return max(len(self.planned) or self._counted + len(self.blocked), seen)

    def apply(self, event: Event | None, now: float) -> None:
        """Take note of an event that came at ``now`` (seconds, any monotonic clock)."""
        if isinstance(event, Started):
            self._start(event, now)
        elif isinstance(event, Stopped):
            self._stop(event, now)
        elif isinstance(event, LogLine) and event.id in self.running:
            self.running[event.id].lines.append(event.text)
        elif isinstance(event, Phase) and event.id in self.running:
            self.running[event.id].phase = event.name
        elif isinstance(event, Progress | Expected):
            self._count(event)
        elif isinstance(event, Message):
            self._hear(event)
        elif isinstance(event, Text) and event.text.strip():
            self.notes.append(event.text)

    def _start(self, event: Started, now: float) -> None:
        if event.kind is Kind.BUILD and event.fields:
            self.running[event.id] = Build(derivation=str(event.fields[0]), started=now)
        elif event.kind in (Kind.FILE_TRANSFER, Kind.COPY_PATH):
            self.transfers[event.id] = Transfer(name=str(event.fields[0]) if event.fields else event.text)
        elif event.kind is Kind.BUILDS:
            self._counters[event.id] = event.kind

    def _stop(self, event: Stopped, now: float) -> None:
        if build := self.running.pop(event.id, None):
            build.ended = now
            build.folder, self._unclaimed = build.folder or self._unclaimed, ""
            said = self.failed.get(build.derivation)  # before the stop: up to 2.33, where another build waits for it
            if said or self._failures > len(self.failed):
                build.reason = said.reason if said else ""
                self.failed[build.derivation] = build
            elif not self._counters or self._successes > len(self.done):
                self.done[build.derivation] = build
            # else Nix ended it, because another one failed
        elif self.transfers.pop(event.id, None):
            self.fetched += 1

    def _count(self, event: Progress | Expected) -> None:
        if isinstance(event, Progress) and event.id in self._counters:
            self._counted = event.expected + event.failed
            self._successes, self._failures = event.done, event.failed
        elif isinstance(event, Progress) and event.id in self.transfers:
            self.transfers[event.id].done, self.transfers[event.id].expected = event.done, event.expected

    def _hear(self, message: Message) -> None:
        if kept := _KEPT.search(message.text):
            self._keep(kept["folder"])
        elif message.is_error:
            self.errors.append(message.text)
            self._fail(message.raw or message.text)
        elif _LISTED.match(message.text):
            self._listing = True
            return
        elif self._listing and (listed := _DERIVATION.fullmatch(message.text.strip())):
            self.planned.add(listed[0])
            return
        elif message.level == 1 and not _UNHEARD.search(message.text):
            self.notes.append(message.text)
        self._listing = False

    def _keep(self, folder: str) -> None:
        """Give a folder that was kept to its build."""
        self.kept.append(folder)
        named = _KEPT_OF.search(folder)
        builds = [*self.running.values(), *self.failed.values()]
        build = next((b for b in builds if named and b.name == named["name"] and not b.folder), None)
        if build is None:
            self._unclaimed = folder
        else:
            build.folder = folder

    def _fail(self, text: str) -> None:
        if _BLOCKED.search(text):
            self.blocked.update(_DERIVATION.findall(text)[:1])
            return
        if match := _UNSUPPORTED.search(text):
            reason = f"failed: it wrote '{match['file']}', which is neither a file, a folder nor a link"
        elif match := _TIMED_OUT.search(text):
            took = "printed nothing for" if match["silent"] else "took longer than its timeout of"
            reason = f"failed: it {took} {match['seconds']} s"
        elif match := _FAILED.search(text):
            reason = _reason(text, match["rest"])
        else:
            self.stray += [] if _SUMMARY.search(text) else [text]
            return
        derivation = match["drv"] or next((path for path, build in self.failed.items() if not build.reason), "")
        build = next(self._builds_of(derivation), None) or self.failed.get(derivation)
        build = build or self.done.pop(derivation, None) or Build(derivation=derivation, started=0.0)
        build.reason = build.reason or reason  # what is said later sums up
        self.failed[derivation] = build

    def _builds_of(self, derivation: str) -> Iterator[Build]:
        return (build for build in self.running.values() if build.derivation == derivation)


def _reason(text: str, rest: str) -> str:
    """Return why a build failed, in the words that all versions share."""
    if mismatch := _MISMATCH.search(text):
        return f"hash mismatch: expected {mismatch['specified']}, got {mismatch['got']}"
    reason = _REASON.search(text)
    said = reason[1] if reason else rest.partition(";")[0].partition("\n")[0]
    return said.strip(" ,.:").removeprefix("builder ")
