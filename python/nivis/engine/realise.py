"""Have Nix build derivations, and tell what it is doing in the project's words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nivis.engine.checks import blocked
from nivis.engine.usage import PREFIX
from nivis.engine.workspace import Workspace
from nivis.errors import HostError, NivisError, StepError, raise_all
from nivis.nix.builds import Build, BuildState
from nivis.nix.command import explained, stream, translate
from nivis.nix.events import LogLine, parse
from nivis.plan.instances import LIST
from nivis.progress import BuildSnapshot

SHOWN = 12  # lines of a failed step's log in its error
MISSING = "the command did not write: "  # lib/step.sh
REFUSED = "this machine does not let a build make user namespaces"  # lib/root.nix
WRONG = "items: "  # lib/items.py
LAST_LINES = "; its last lines"  # end of a sentence that they follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """What a run of Nix did: the derivations that it built, in the order in which they ended."""

    built: tuple[Build, ...]


def realise(
    workspace: Workspace,
    derivations: Sequence[str],
    labels: Mapping[str, str],
    *,
    base: BuildSnapshot | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Realised:
    """Build ``derivations`` and all they need; raises StepError for steps that failed, else what Nix says.

    ``labels`` are what people call a derivation (Inventory.labels); others go by their name. ``base`` is what had been
    built before, to be counted with it.
    """
    argv = [workspace.nix.tool("nix-store"), "--realise", *derivations, "--log-format", "internal-json"]
    state = BuildState()
    with stream(argv, environ=workspace.nix_environ, cwd=workspace.project.root) as running:
        for line in running.lines():
            now, event = clock(), parse(line)
            state.apply(event, now)
            workspace.listener.building(_snapshot(state, labels, now, base))
            if workspace.verbose and isinstance(event, LogLine):
                repeat(workspace, event, state, labels)
        status, _ = running.finish()
    if status != 0:
        raise_all(problems_of(state, labels))
    return Realised(built=tuple(state.done.values()))


def repeat(workspace: Workspace, line: LogLine, state: BuildState, labels: Mapping[str, str]) -> None:
    """Tell what a step printed."""
    build = state.running.get(line.id)
    label = labels.get(build.derivation, "") if build else ""
    if "." in label and not line.text.startswith(PREFIX):
        workspace.listener.note(f"{label}> {line.text}")


def _snapshot(state: BuildState, labels: Mapping[str, str], now: float, base: BuildSnapshot | None) -> BuildSnapshot:
    before = base or BuildSnapshot(total=0, done=0)
    return BuildSnapshot(
        total=before.total + state.expected,
        done=before.done + len(state.done),
        running=[(labels.get(b.derivation, b.name), now - b.started) for b in state.running.values()],
        failed=[*before.failed, *(labels.get(path, build.name) for path, build in state.failed.items())],
        ended=[*before.ended, *(ended(build, labels) for build in state.done.values())],
    )


def ended(build: Build, labels: Mapping[str, str]) -> tuple[str, float]:
    """Return what people call a build that is done, and how many seconds it took."""
    return labels.get(build.derivation, build.name), (build.ended or build.started) - build.started


def problems_of(state: BuildState, labels: Mapping[str, str]) -> list[NivisError]:
    """Return an error for each build that failed by itself; what only waited for it is not mentioned."""
    problems = [_problem(build, labels.get(path)) for path, build in sorted(state.failed.items())]
    if problems:  # what ended the run is told beside what failed until then
        return [*problems, *(translate(text, doing="building") for text in state.stray)]
    return [translate("\n".join([*state.errors, *state.notes]), doing="building")]


def _problem(build: Build, label: str | None) -> NivisError:
    if label is not None and (error := blocked(build.lines, label)):
        error.folder = build.folder
        return error
    lines = [line for line in build.lines if not line.startswith(PREFIX)]
    refused = next((index for index, line in enumerate(lines) if line.startswith(REFUSED)), None)
    if refused is not None:
        what, _, hint = lines[refused].partition(". ")
        why = lines[refused - 1] if refused else "bubblewrap did not say why"
        return HostError(f"{what} ({why})", where=label or build.name, hint=hint)
    if label is not None and label.endswith(LIST) and (wrong := [x for x in lines if x.startswith(WRONG)]):
        what = f"its items cannot be listed: {wrong[-1].removeprefix(WRONG)}"
        return StepError(what, where=label.removesuffix(LIST), hint="Correct the list, or foreach in the manifest.")
    if label is None or "." not in label:
        return _tool_problem(build, label or build.name, lines)
    problem = _step_problem(build, label, lines)
    problem.folder = build.folder
    return problem


def _step_problem(build: Build, label: str, lines: Sequence[str]) -> StepError:
    place = "its folder as it left it" if build.folder else "its environment"
    hint = f"'nivis log {label}' shows the whole log, 'nivis shell {label}' enters {place}."
    missing = next((line for line in lines if line.startswith(MISSING)), None)
    if missing is not None:
        instead = lines[lines.index(missing) + 1 :]
        return StepError(
            f"the step did not write {missing.removeprefix(MISSING)}", where=label, hint=hint, lines=instead
        )
    what = f"the step {_failed(build)}"
    error = StepError(f"{what}{LAST_LINES}" if lines else what, where=label, hint=hint, lines=lines[-SHOWN:])
    error.log = tuple(lines)
    return error


def _tool_problem(build: Build, name: str, lines: Sequence[str]) -> NivisError:
    """Return the error for a derivation that is nobody's step: a wheel, the environment, an experiment's result."""
    known = explained("\n".join([*lines, build.reason]))
    if known:
        return known
    own = next((line for line in lines if re.match(r"steps\.\S+: ", line)), None)
    if own:  # lib/experiment.py, about what a step wrote
        place, _, what = own.partition(": ")
        _, step, key = place.split(".")
        return StepError(f"{key}: {what}", where=f"{name.partition(' ')[0]}.{step}", hint="Correct what it writes.")
    what = f"building {name} {_failed(build)}"
    hint = f"`nix log {build.derivation}` shows the whole log."
    return HostError(f"{what}{LAST_LINES}" if lines else what, hint=hint, lines=lines[-SHOWN:])


def _failed(build: Build) -> str:
    """Return how a build ended, as the end of a sentence."""
    reason = build.reason or "failed"
    if "failed to produce output" in reason:
        return "failed: its command removed ${out}"
    if "exit code 137" in reason or "signal 9" in reason:
        reason += " (it was killed: perhaps it needs more memory than there is)"
    return reason if reason.startswith("failed") else f"failed: {reason}"
