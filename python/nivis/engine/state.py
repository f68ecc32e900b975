"""What the last builds of a project came to: ``.nivis/state.json``, a memory that may be deleted at any time.

    {"version": 1,
     "results": {"penguins": {"key": digest of all inputs, "out": store path}},
     "steps": {"penguins.train": {"out": store path, "failed": false, "seconds": 1.9, "memory": 206788}}}

``memory`` is the peak resident set of the step's largest process, in KiB. A step that failed may have a ``folder`` with
what it left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nivis.files import write_atomically

_VERSION = 1
_FILE = Path(".nivis/state.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An experiment's result and the digest of everything that it follows from."""

    key: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """The last run of a step on this machine."""

    out: str
    failed: bool = False
    seconds: float | None = None  # wall
    memory: int | None = None  # KiB
    folder: str = ""  # of one that failed: where it left its files


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The whole memory."""

    results: Mapping[str, Result] = field(default_factory=dict)
    steps: Mapping[str, StepRun] = field(default_factory=dict)

    def with_result(self, experiment: str, result: Result) -> State:
        """Return the state with one result replaced."""
        return replace(self, results={**self.results, experiment: result})

    def with_steps(self, steps: Mapping[str, StepRun]) -> State:
        """Return the state with some steps' runs replaced."""
        return replace(self, steps={**self.steps, **steps})


def read_state(root: Path) -> State:
    """Return the project's state; an unreadable one counts as empty."""
    try:
        raw = json.loads((root / _FILE).read_text(encoding="utf-8"))
        if raw["version"] != _VERSION:
            return State()
        return State(
            results={name: Result(**entry) for name, entry in raw["results"].items()},
            steps={name: StepRun(**entry) for name, entry in raw["steps"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def write_state(root: Path, state: State) -> None:
    """Write the state atomically."""
    document = {
        "version": _VERSION,
        "results": {name: {"key": r.key, "out": r.out} for name, r in state.results.items()},
        "steps": {name: _step(run) for name, run in state.steps.items()},
    }
    write_atomically(root / _FILE, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode())


def _step(run: StepRun) -> dict[str, object]:
    entry = {"out": run.out, "failed": run.failed, "seconds": run.seconds, "memory": run.memory}
    entry |= {"folder": run.folder} if run.folder else {}
    return {name: value for name, value in entry.items() if value is not None}
