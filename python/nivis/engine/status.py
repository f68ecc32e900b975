"""Which experiments and steps are built, stale, missing or failed; nothing is written and nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nivis.engine.checks import check_of
from nivis.engine.evaluate import evaluate
from nivis.engine.inventory import ExperimentItem, StepItem, experiment_paths
from nivis.engine.locking import Locked, lock_project
from nivis.engine.recipes.remember import reason_words, remembered_states
from nivis.engine.results import Results
from nivis.engine.state import State, StepRun, read_state
from nivis.engine.targets import Target, check_known, check_steps
from nivis.engine.workspace import Workspace
from nivis.errors import NetworkError
from nivis.flake.generate import PLANS
from nivis.lock.file import dumps as dump_lock
from nivis.lock.file import read_lock
from nivis.nix.store import missing
from nivis.plan.build import dumps
from nivis.plan.instances import CHECK, TEST, Plan, step_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """One step: ``built``, ``stale`` (built once, its recipe has changed), ``missing``, ``failed`` or ``frozen``.

    The state of a swept step is the worst of its instances'.
    """

    name: str
    state: str
    seconds: float | None = None  # of its last run here
    memory: int | None = None  # KiB
    instances: tuple[StepStatus, ...] = ()  # named by label
    reason: str = ""  # of a stale one, in a word or two: code, params


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStatus:
    """One check: ``held``, ``blocked``, ``warned`` or ``missing``."""

    name: str
    state: str
    note: str = ""  # what it saw, or the first thing that it found


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentStatus:
    """One experiment; ``unlocked`` where `nivis lock` has to run before more can be said."""

    name: str
    title: str
    status: str  # as the manifest says: idea, running, done, abandoned
    state: str  # built, stale, missing, failed, blocked (by a check), unlocked
    steps: tuple[StepStatus, ...] = ()
    profile: str = ""  # the one whose parameters it has
    checks: tuple[CheckStatus, ...] = ()


def status(workspace: Workspace, targets: Sequence[Target] = ()) -> list[ExperimentStatus]:
    """Return the status of some experiments or steps (none named: of all experiments and profiles), by name."""
    offline = replace(workspace, offline=True)
    names = sorted({target.experiment for target in targets})
    try:
        locked = lock_project(offline, only=names or None, dry_run=True)
    except NetworkError:
        return _unlocked(workspace, names)
    check_steps(targets, locked.plans)
    shown = [name for name in locked.plans if name in names or not names]
    fresh = [name for name in shown if _is_written(workspace, locked, name)]
    inventory = evaluate(offline, fresh) if fresh else None
    if inventory:
        check_known([target for target in targets if target.experiment in fresh], inventory.experiments)
    state = read_state(workspace.project.root)
    results = Results(workspace.project.root, locked.plans, shown)
    found = []
    for name in shown:
        plan = locked.plans[name]
        experiment = locked.experiments[str(plan["name"])]
        item = inventory.experiments[name] if inventory and name in fresh else None
        absent = _absent(offline, item)
        each = _each(offline, locked, name, item, absent, state)
        for step in results.frozen(name):
            each |= {step: replace(each[step], state="frozen")} if step in each else {}
        wanted = [target.step for target in targets if target.experiment == name]
        folded = _folded(experiment.steps, item, each, state, name) if item else _remembered(experiment.steps, each)
        steps = tuple(_chosen(folded, wanted)) if each or item else ()
        checks = tuple(_checks(item, plan, absent, wanted)) if item else ()
        found.append(
            ExperimentStatus(
                name=name,
                title=experiment.title,
                status=experiment.status,
                state=_whole([*checks, *steps], evaluated=name in fresh),
                steps=steps,
                checks=checks,
                profile=str(plan.get("profile", "")),
            )
        )
    return found


def _absent(workspace: Workspace, item: ExperimentItem | None) -> set[str]:
    """Return what of an experiment is not in the store."""
    return missing(list(experiment_paths(item)), nix=workspace.nix, environ=workspace.nix_environ) if item else set()


def _each(
    workspace: Workspace,
    locked: Locked,
    name: str,
    item: ExperimentItem | None,
    absent: set[str],
    state: State,
) -> dict[str, StepStatus]:
    """Return the status of every step and instance; without an inventory, as far as earlier builds tell."""
    if item is None:
        remembered = remembered_states(workspace, locked, name)
        return {step: StepStatus(name=step, state=own, reason=word) for step, (own, word) in remembered.items()}
    each = {step: _step(f"{name}.{step}", entry, absent, state) for step, entry in item.steps.items()}
    stale = [step for step, own in each.items() if own.state == "stale"]
    words = reason_words(workspace, locked, name, stale) if stale else {}
    return each | {step: replace(each[step], reason=word) for step, word in words.items()}


def _checks(item: ExperimentItem, plan: Plan, absent: set[str], wanted: Sequence[str | None]) -> Iterator[CheckStatus]:
    """Yield the checks that were asked for."""
    for name in plan.get("checks", ()):
        if wanted and None not in wanted and f"{CHECK}{name}" not in wanted:
            continue
        test = item.steps.get(f"{CHECK}{name}{TEST}")
        places = [place for place in (test.content, test.out) if place and place not in absent] if test else []
        if not places:
            yield CheckStatus(name=name, state="missing")
        else:
            result = check_of(Path(places[0]), name, plan)
            yield CheckStatus(name=name, state=result.state, note=result.note)


def _folded(
    steps: Iterable[str], item: ExperimentItem, each: Mapping[str, StepStatus], state: State, plan: str
) -> Iterator[StepStatus]:
    """Yield the steps in the order of the manifest, those with instances with them."""
    for name in steps:
        if name in item.pending:
            label = f"{plan}.{name}"
            ran = any(known == label or known.startswith(f"{label}@") for known in state.steps)
            yield StepStatus(name=name, state="stale" if ran else "missing")
        elif name in item.labels:
            yield _together(name, {label: each[f"{name}@{label}"] for label in item.labels[name]})
        else:
            yield each[name]


def _remembered(steps: Iterable[str], each: Mapping[str, StepStatus]) -> Iterator[StepStatus]:
    """Yield the steps as earlier builds tell of them, those with instances with them."""
    known: dict[str, dict[str, StepStatus]] = {}
    for step, status in each.items():
        name, label = step_of(step)
        known.setdefault(name, {})[label] = status
    for name in steps:
        yield known[name][""] if "" in known[name] else _together(name, known[name])


def _together(name: str, instances: Mapping[str, StepStatus]) -> StepStatus:
    """Return the status of a step from those of its instances, by label."""
    own = tuple(replace(status, name=label) for label, status in instances.items())
    words = {word: None for instance in own for word in instance.reason.split(", ") if word}
    worst = _worst([instance.state for instance in own])
    return StepStatus(name=name, state=worst, instances=own, reason=", ".join(words))


def _chosen(steps: Iterable[StepStatus], wanted: Sequence[str | None]) -> Iterator[StepStatus]:
    """Yield the steps that were asked for, of swept ones the instances."""
    for step in steps:
        labels = [label for name, label in (step_of(want) for want in wanted if want) if name == step.name]
        if not wanted or None in wanted or "" in labels:
            yield step
        elif labels:
            instances = tuple(instance for instance in step.instances if instance.name in labels)
            yield replace(step, state=_worst([instance.state for instance in instances]), instances=instances)


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


def _step(label: str, item: StepItem, absent: set[str], state: State) -> StepStatus:
    name = label.partition(".")[2]
    run: StepRun | None = state.steps.get(label)
    if item.handed not in absent or item.out not in absent:
        last = run if run is not None and run.out == item.out else StepRun(out=item.out)
        return StepStatus(name=name, state="built", seconds=last.seconds, memory=last.memory)
    if run is None:
        return StepStatus(name=name, state="missing")
    return StepStatus(name=name, state="failed" if run.failed and run.out == item.out else "stale")


def _whole(parts: Sequence[StepStatus | CheckStatus], *, evaluated: bool) -> str:
    """Return an experiment's state; where its plan is not written yet, its result cannot be what it would be."""
    if evaluated:
        return _worst([part.state for part in parts])
    return _worst(["stale", *(part.state for part in parts)]) if parts else "unlocked"


def _worst(states: Sequence[str]) -> str:
    return next((state for state in ("blocked", "failed", "stale", "missing") if state in states), "built")
