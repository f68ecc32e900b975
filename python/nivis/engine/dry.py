"""What a build would do: which steps would run, what would be fetched, how long it takes; nothing is changed.

Only what is ready now is certain: a step after it runs if what it is given comes out with other bytes than before.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from nivis.engine.evaluate import evaluate
from nivis.engine.inventory import ExperimentItem, experiment_paths
from nivis.engine.limits import Limits
from nivis.engine.locking import Locked, lock_project
from nivis.engine.need import Need, needed
from nivis.engine.plans import vary
from nivis.engine.results import Results
from nivis.engine.schedule import ranks
from nivis.engine.state import State, read_state
from nivis.engine.targets import Target, check_steps
from nivis.engine.waves import Wave
from nivis.engine.workspace import Workspace
from nivis.files import write_atomically
from nivis.lock.file import NAME as LOCK
from nivis.lock.file import dumps as dump_lock
from nivis.manifest.model import Value
from nivis.nix.store import missing
from nivis.plan.build import dumps
from nivis.plan.instances import LIST, TEST, step_of, with_checks
from nivis.plan.order import order_of_plan

FOLDER = ".nivis/dry"  # a lock and plans that are not written into the project


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One step of an experiment: how many of its instances run, run perhaps, are in place."""

    name: str
    run: int = 0
    perhaps: int = 0
    there: int = 0
    taken: int = 0  # in the store, though not recorded yet
    seconds: float | None = None  # of one instance, the last time


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a build of one experiment would do."""

    target: str
    steps: Sequence[Expected]
    fetch: Sequence[str] = ()  # files to be downloaded
    seconds: float | None = None  # if everything runs that may; None: not known


def forecast(
    workspace: Workspace,
    targets: Sequence[Target],
    limits: Limits,
    *,
    profile: str = "",
    overrides: Mapping[str, Value] | None = None,
) -> list[Forecast]:
    """Return what a build of the targets (none: of every experiment) would do, an entry an experiment."""
    locked = lock_project(workspace, only=sorted({t.experiment for t in targets}) or None, dry_run=True)
    if profile or overrides:
        named = targets or ([] if profile else [Target(name) for name in locked.experiments])
        locked, targets = vary(workspace, locked, named, profile=profile, overrides=overrides or {})
    check_steps(targets, locked.plans)
    wanted: dict[str, list[str | None]] = {}
    for target in targets or [Target(name) for name in locked.experiments]:
        wanted.setdefault(target.experiment, []).append(target.step)
    folder = workspace.project.root / FOLDER
    try:
        write_atomically(folder / LOCK, dump_lock(locked.lock).encode())
        for name in wanted:
            write_atomically(folder / f"{name}.json", dumps(locked.plans[name]).encode())
        inventory = evaluate(workspace, sorted(wanted), extra=FOLDER)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    locked = replace(locked, plans={name: with_checks(plan) for name, plan in locked.plans.items()})
    results = Results(workspace.project.root, locked.plans, sorted(wanted))
    state = read_state(workspace.project.root)
    found = []
    absent = missing(list(inventory.paths()), nix=workspace.nix, environ=workspace.nix_environ)
    for name, steps in wanted.items():
        item = inventory.experiments[name]
        valid = {path for path in experiment_paths(item) if path not in absent}
        wave = results.survey(name, item, steps, valid)
        need = needed(inventory, locked.lock, locked.plans, absent, {name: wave.run} if wave.run else {})
        found.append(_forecast(name, item, locked, wave, need, state, limits))
    return found


def _forecast(
    name: str, item: ExperimentItem, locked: Locked, wave: Wave, need: Need, state: State, limits: Limits
) -> Forecast:
    plan = locked.plans[name]
    took: dict[str, list[float]] = {}
    for label, run in state.steps.items():
        experiment, _, step = label.partition(".")
        if experiment == name and run.seconds is not None:
            took.setdefault(step_of(step)[0], []).append(run.seconds)
    seconds = {step: median(several) for step, several in took.items()}
    now, later, taken = set(wave.run), set(wave.later), set(wave.take)
    steps = []
    for step in order_of_plan(plan):
        names = [] if step in item.pending else item.instances(step)
        expected = Expected(
            name=step,
            run=sum(one in now for one in names),
            perhaps=sum(one in later for one in names) or (step in later) or (step + LIST in now | later),
            taken=sum(one in taken for one in names),
            there=sum(one not in now | later | taken for one in names),
            seconds=seconds.get(step),
        )
        steps.append(expected)
    fetch = [*(["the toolchain"] if need.base else []), *(wheel.file for wheel in need.wheels), *need.data]
    verdicts = {step.name.removesuffix(TEST) for step in steps if step.name.endswith(TEST)}  # no work
    told = [replace(step, name=step.name.removesuffix(TEST)) for step in steps if step.name not in verdicts]
    return Forecast(target=name, steps=told, fetch=fetch, seconds=_total(plan, steps, seconds, limits))


def _total(
    plan: Mapping[str, object], steps: Sequence[Expected], seconds: Mapping[str, float], limits: Limits
) -> float | None:
    """Return how long it takes at least: along the longest path, or with all cores at work, whichever is more."""
    running = {step.name: step.run + step.perhaps for step in steps if step.run or step.perhaps}
    if not set(running) <= set(seconds):
        return None
    longest = max(ranks(plan, {step: seconds[step] for step in running}).values(), default=0.0)
    return max(longest, sum(seconds[step] * count for step, count in running.items()) / limits.cores)
