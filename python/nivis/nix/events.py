"""Read what Nix reports with ``--log-format internal-json``: one ``@nix {json}`` line an event.

Facts from Nix's sources (``logging.hh``, ``logging.cc``): activities start and stop and have results; numbers name
their types. The format is internal and grows: what is not known here is ignored, a line that cannot be read is
passed on as text. Differences between versions that matter are noted where they are dealt with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from nivis.nix.text import plain, plain_line

_PREFIX = "@nix "


class Kind(IntEnum):
    """Types of activities that are of interest."""

    OTHER = 0
    COPY_PATH = 100
    FILE_TRANSFER = 101
    REALISE = 102
    COPY_PATHS = 103
    BUILDS = 104
    BUILD = 105
    SUBSTITUTE = 108


class _Result(IntEnum):
    LOG_LINE = 101
    PHASE = 104
    PROGRESS = 105
    EXPECTED = 106
    POST_LOG_LINE = 107


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An activity begins."""

    id: int
    kind: Kind
    text: str
    fields: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """An activity ends; whether it went well is said elsewhere."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A builder wrote a line."""

    id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A builder entered a phase."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of an activity: builds for ``BUILDS``, bytes for a transfer."""

    id: int
    done: int
    expected: int
    running: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How much of a kind of activity is expected in all."""

    id: int
    kind: Kind
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something said to people; level 0 is an error, 1 a warning, 3 information."""

    level: int
    text: str  # without colours
    raw: str = ""  # an error without its context

    @property
    def is_error(self) -> bool:
        """Say whether it is an error."""
        return self.level == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line that is no event."""

    text: str


Event = Started | Stopped | LogLine | Phase | Progress | Expected | Message | Text


def parse(line: str) -> Event | None:
    """Return the event of one line of stderr, None for an event of no interest."""
    line = line.rstrip("\r\n")
    if not line.startswith(_PREFIX):
        return Text(text=line)
    try:
        data = json.loads(line[len(_PREFIX) :])
        return _event(data)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return Text(text=line)


def _event(data: dict[str, Any]) -> Event | None:
    action = data["action"]
    if action == "start":
        fields = tuple(field for field in data.get("fields", ()) if isinstance(field, str | int))
        return Started(
            id=int(data["id"]), kind=_kind(data.get("type", 0)), text=plain(data.get("text", "")), fields=fields
        )
    if action == "stop":
        return Stopped(id=int(data["id"]))
    if action == "result":
        return _result(int(data["id"]), data["type"], data.get("fields", ()))
    if action == "msg":
        return Message(level=int(data["level"]), text=plain(data["msg"]), raw=plain(data.get("raw_msg", "")))
    return None


def _result(activity: int, kind: int, fields: Any) -> Event | None:
    if kind in (_Result.LOG_LINE, _Result.POST_LOG_LINE):
        return LogLine(id=activity, text=plain_line(str(fields[0])))
    if kind == _Result.PHASE:
        return Phase(id=activity, name=str(fields[0]))
    if kind == _Result.PROGRESS:
        done, expected, running, failed = (int(number) for number in fields[:4])
        return Progress(id=activity, done=done, expected=expected, running=running, failed=failed)
    if kind == _Result.EXPECTED:
        return Expected(id=activity, kind=_kind(fields[0]), amount=int(fields[1]))
    return None


def _kind(number: int) -> Kind:
    try:
        return Kind(number)
    except ValueError:
        return Kind.OTHER
