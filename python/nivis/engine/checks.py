"""What became of checks: the error for one that does not hold, and what the result of an experiment says of all.

The log of a blocked check's verdict (lib/check/verdict.py) has a line ``@nivis {"check": {…}}``; an experiment's result
has all of them in ``checks.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nivis.engine.usage import PREFIX
from nivis.errors import StepError
from nivis.plan.instances import CHECK, TEST, Plan

MOST = 12  # lines about what was found


class CheckError(StepError):
    """An assumption that does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: a sentence, and lines below it (rows, or the end of a command's output)."""

    what: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check that ran."""

    name: str
    why: str
    fix: str
    severity: str
    held: bool
    seen: str = ""  # of what held: "344 rows, 8 columns"
    found: tuple[Finding, ...] = ()

    @property
    def state(self) -> str:
        """Return ``held``, ``blocked`` or ``warned``."""
        return "held" if self.held else "blocked" if self.severity == "block" else "warned"

    @property
    def note(self) -> str:
        """Return what it is about in a few words: what was seen, or the first thing that was found."""
        return self.seen if self.held or not self.found else _flat(self.found[0].what)


def check_name(step: str | None) -> str | None:
    """Return the name of the check that a target's step is; None if it is none."""
    return step.removeprefix(CHECK) if step is not None and step.startswith(CHECK) else None


def test_node(step: str) -> str:
    """Return what has the output of a target's step: of a check its test."""
    return step if check_name(step) is None else f"{step}{TEST}"


def checks_of(result: Path) -> tuple[CheckResult, ...]:
    """Return what the result of an experiment says of its checks."""
    try:
        text = (result / "checks.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    return tuple(decode(name, entry) for name, entry in json.loads(text).items())


def check_of(out: Path, name: str, plan: Plan) -> CheckResult:
    """Return one check from its own output; the plan knows what is told of it."""
    raw = json.loads((out / "check.json").read_text(encoding="utf-8"))
    return decode(name, {**plan["checks"][name], **raw})


def warnings(checks: Iterable[CheckResult], experiment: str) -> list[CheckError]:
    """Return what is told of checks that do not hold and stop nothing."""
    return [problem(check, f"{experiment}.{CHECK}{check.name}") for check in checks if check.state == "warned"]


def decode(name: str, raw: Mapping[str, Any]) -> CheckResult:
    """Read one check as lib/ writes it."""
    found = tuple(Finding(what=entry["what"], lines=tuple(entry.get("lines", ()))) for entry in raw["found"])
    about = {key: raw[key] for key in ("why", "fix", "severity")}
    return CheckResult(name=name, held=raw["held"], seen=raw.get("seen", ""), found=found, **about)


def blocked(lines: Iterable[str], label: str) -> CheckError | None:
    """Return the error for a check whose verdict printed ``lines``; None if it failed otherwise."""
    for line in lines:
        if line.startswith(PREFIX + '{"check"'):
            raw = json.loads(line.removeprefix(PREFIX))["check"]
            return problem(decode(raw["name"], raw), label)
    return None


def problem(check: CheckResult, label: str) -> CheckError:
    """Return what is said of a check that does not hold: what was assumed, what was found, what to do."""
    what = f"{'' if check.severity == 'block' else 'warning: '}the check does not hold"
    return CheckError(
        what, where=label, hint=_sentence(check.fix), lines=[f"assumed: {_flat(check.why)}", *_shown(check.found)]
    )


def _shown(found: Sequence[Finding]) -> Iterator[str]:
    """Yield what was found, every finding with as many lines as there is room for."""
    room = max(MOST - len(found), len(found))
    for finding in found[:MOST]:
        yield f"found: {_flat(finding.what)}"
        lines = finding.lines[-max(room // len(found), 1) :] if len(finding.lines) > 0 else ()
        yield from (f"  {line}" for line in lines)
    if len(found) > MOST:
        yield f"and {len(found) - MOST} more"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    flat = _flat(text)
    return flat if flat.endswith((".", "!", "?")) else f"{flat}."
