"""Have Nix build derivations, and tell what it is doing in the project's words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nivis.engine.usage import PREFIX
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError, raise_all
from nivis.nix.builds import Build, BuildState
from nivis.nix.command import stream, translate
from nivis.nix.events import parse
from nivis.progress import BuildSnapshot

SHOWN = 12  # lines of a failed step's log in its error


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """What a run of Nix did: the derivations that it built, in the order in which they ended."""

    built: tuple[Build, ...]


def realise(
    workspace: Workspace,
    derivations: Sequence[str],
    labels: Mapping[str, str],
    *,
    keep_going: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Realised:
    """Build ``derivations`` and all they need; raises StepError for steps that failed, else what Nix says.

    ``labels`` are what people call a derivation (Inventory.labels); others go by their name.
    """
    argv = [workspace.nix.tool("nix-store"), "--realise", *derivations, "--log-format", "internal-json"]
    argv += ["--keep-going"] if keep_going else []
    state = BuildState()
    with stream(argv, environ=workspace.nix_environ, cwd=workspace.project.root) as running:
        for line in running.lines():
            now = clock()
            state.apply(parse(line), now)
            workspace.listener.building(_snapshot(state, labels, now))
        status, _ = running.finish()
    if status != 0:
        raise_all(_problems(state, labels))
    return Realised(built=tuple(state.done.values()))


def _snapshot(state: BuildState, labels: Mapping[str, str], now: float) -> BuildSnapshot:
    return BuildSnapshot(
        total=state.expected,
        done=len(state.done),
        running=[(labels.get(b.derivation, b.name), now - b.started) for b in state.running.values()],
        failed=[labels.get(path, build.name) for path, build in state.failed.items()],
    )


def _problems(state: BuildState, labels: Mapping[str, str]) -> list[NivisError]:
    """Return an error for each build that failed by itself; what only waited for it is not mentioned."""
    problems = [_problem(build, labels.get(path)) for path, build in sorted(state.failed.items())]
    return problems or [translate("\n".join([*state.errors, *state.notes]), doing="building")]


def _problem(build: Build, label: str | None) -> NivisError:
    text = [line for line in build.lines if not line.startswith(PREFIX)]
    if label is None or "." not in label:
        return translate("\n".join(text) or build.reason, doing=f"building {label or build.name}")
    shown = "".join(f"\n    {line}" for line in text[-SHOWN:])
    missing = re.search(r"^the command did not write: (.*)$", "\n".join(text), re.MULTILINE)
    reason = build.reason or "no reason given"
    what = f"the step did not write {missing[1]}" if missing else f"the step failed: {reason}"
    return StepError(
        what + (f"; its last lines:{shown}\n" if shown else ""),
        where=label,
        hint=f"'nivis log {label}' shows the whole log, 'nivis shell {label}' enters its environment.",
    )
