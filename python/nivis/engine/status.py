"""Which experiments and steps are built, stale, missing or failed; nothing is written and nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nivis.engine.evaluate import evaluate
from nivis.engine.locking import Locked, lock_project
from nivis.engine.state import State, StepRun, read_state
from nivis.engine.workspace import Workspace
from nivis.errors import NetworkError
from nivis.flake.generate import PLANS
from nivis.lock.file import dumps as dump_lock
from nivis.lock.file import read_lock
from nivis.nix.store import missing
from nivis.plan.build import dumps


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """One step: ``built``, ``stale`` (built once, its recipe has changed), ``missing`` or ``failed``."""

    name: str
    state: str
    seconds: float | None = None  # of its last run here
    memory: int | None = None  # KiB


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentStatus:
    """One experiment; ``unlocked`` where `nivis lock` has to run before more can be said."""

    name: str
    title: str
    status: str  # as the manifest says: idea, running, done, abandoned
    state: str  # built, stale, missing, failed, unlocked
    steps: tuple[StepStatus, ...] = ()


def status(workspace: Workspace, names: Sequence[str] = ()) -> list[ExperimentStatus]:
    """Return the status of some experiments (none named: of all), by name."""
    offline = replace(workspace, offline=True)
    try:
        locked = lock_project(offline, only=sorted(names) or None, dry_run=True)
    except NetworkError:
        return _unlocked(workspace, names)
    fresh = [name for name in locked.experiments if _is_written(workspace, locked, name)]
    inventory = evaluate(offline, fresh) if fresh else None
    state = read_state(workspace.project.root)
    found = []
    for name, experiment in locked.experiments.items():
        steps: tuple[StepStatus, ...] = ()
        if inventory and name in inventory.experiments:
            item = inventory.experiments[name]
            outs = {step: entry.out for step, entry in item.steps.items()}
            absent = missing([*outs.values(), item.out], nix=offline.nix, environ=offline.nix_environ)
            steps = tuple(_step(f"{name}.{step}", outs[step], absent, state) for step in experiment.steps)
        found.append(
            ExperimentStatus(
                name=name,
                title=experiment.title,
                status=experiment.status,
                state=_worst([step.state for step in steps]) if steps else "unlocked",
                steps=steps,
            )
        )
    return found


def _unlocked(workspace: Workspace, names: Sequence[str]) -> list[ExperimentStatus]:
    from nivis.manifest.discover import load_experiments

    experiments = load_experiments(workspace.project, sorted(names) or None)
    return [
        ExperimentStatus(name=name, title=e.title, status=e.status, state="unlocked") for name, e in experiments.items()
    ]


def _is_written(workspace: Workspace, locked: Locked, name: str) -> bool:
    """Tell whether lock and plan on disk are what they would be now, so that evaluating them says the truth."""
    plan = workspace.project.root / PLANS / f"{name}.json"
    old = read_lock(workspace.project.root)
    return (
        plan.is_file()
        and plan.read_text(encoding="utf-8") == dumps(locked.plans[name])
        and old is not None
        and dump_lock(replace(old, data={})) == dump_lock(replace(locked.lock, data={}))
    )


def _step(label: str, out: str, absent: set[str], state: State) -> StepStatus:
    name = label.partition(".")[2]
    run: StepRun | None = state.steps.get(label)
    if out not in absent:
        last = run if run is not None and run.out == out else StepRun(out=out)
        return StepStatus(name=name, state="built", seconds=last.seconds, memory=last.memory)
    if run is None:
        return StepStatus(name=name, state="missing")
    return StepStatus(name=name, state="failed" if run.failed and run.out == out else "stale")


def _worst(states: Sequence[str]) -> str:
    return next((state for state in ("failed", "stale", "missing") if state in states), "built")
