"""What a step used, read back from its log: lib/step.sh ends it with one machine-readable line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

PREFIX = "@nivis "


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Wall seconds, and the peak resident set of the step's largest process in KiB."""

    seconds: float
    memory: int


def find_usage(lines: Iterable[str]) -> Usage | None:
    """Return what the last such line says, None if there is none."""
    found = None
    for line in lines:
        if line.startswith(PREFIX):
            try:
                raw = json.loads(line.removeprefix(PREFIX))
                found = Usage(seconds=float(raw["seconds"]), memory=int(raw["memory"]))
            except (ValueError, KeyError, TypeError):
                continue
    return found
