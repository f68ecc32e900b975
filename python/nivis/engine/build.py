"""Build experiments: lock, evaluate, bring inputs, have Nix build, link the results.

With nothing changed no Nix process is started: the state remembers a digest of everything that a result follows from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nivis.engine.checks import CheckResult, check_name, check_of, checks_of, test_node
from nivis.engine.inventory import Inventory, Item
from nivis.engine.kept import drop_outdated
from nivis.engine.limits import Limits, machine_limits
from nivis.engine.locking import Locked, lock_project
from nivis.engine.plans import EXTRA, vary
from nivis.engine.records import NAME as RESULTS
from nivis.engine.state import Result, State, StepRun, read_state, write_state
from nivis.engine.targets import Target, check_steps
from nivis.engine.usage import find_usage
from nivis.engine.workspace import Workspace
from nivis.errors import StepError, raise_all
from nivis.flake.git import added_note, intend_to_add
from nivis.flake.resources import read_tree, resource_folder
from nivis.manifest.model import Value
from nivis.nix.builds import Build
from nivis.plan.instances import LIST, Plan, fanned, swept, tools_of
from nivis.plan.keys import source_digest

if TYPE_CHECKING:
    from nivis.engine.pipeline import Ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one target."""

    target: Target
    link: Path
    out: str
    built: tuple[str, ...] = ()  # steps and instances that ran
    sweeps: Mapping[str, int] = field(default_factory=dict)  # how many instances steps have that have some
    metrics: Mapping[str, object] = field(default_factory=dict)
    figures: tuple[Path, ...] = ()
    checks: tuple[CheckResult, ...] = ()


def build(
    workspace: Workspace,
    targets: Sequence[Target],
    *,
    profile: str = "",
    overrides: Mapping[str, Value] | None = None,
    keep_going: bool = False,
    limits: Limits | None = None,
) -> list[Outcome]:
    """Build the targets (none: every experiment) and return what became of each, in order.

    With ``profile``, with the parameters of that profile (no targets: every experiment that has it); ``overrides`` are
    parameters for this run only.
    Raises what locking, evaluation, downloads and builds raise. What was built before an error stays built.
    """
    locked = lock_project(workspace, only=sorted({t.experiment for t in targets}) or None)
    if profile or overrides:
        named = targets or ([] if profile else [Target(name) for name in locked.experiments])
        locked, targets = vary(workspace, locked, named, profile=profile, overrides=overrides or {})
    check_steps(targets, locked.plans)
    wanted = list(targets) or [Target(name) for name in locked.experiments]
    keys = {name: _key(workspace, locked, name) for name in sorted({target.experiment for target in wanted})}
    state = read_state(workspace.project.root)
    todo = [target for target in wanted if not _is_done(workspace, target, keys, state)]
    ran: Mapping[str, Build] = {}
    if todo:
        ran = _run(workspace, locked, todo, state, limits or machine_limits(), keep_going=keep_going)
    return [_outcome(workspace, target, ran, locked.plans[target.experiment]) for target in wanted]


def link_of(workspace: Workspace, target: Target) -> Path:
    """Return where a target's output is linked."""
    return workspace.project.root / workspace.project.generated / str(target)


def _key(workspace: Workspace, locked: Locked, name: str) -> str:
    lock = locked.lock
    parts = [
        _records(workspace, locked, name),
        source_digest(locked.plans[name], locked.files),
        json.dumps(
            [
                asdict(lock.toolchain),
                *(asdict(e) if e else None for e in (lock.python, lock.tables)),
                lock.source,
                lock.system,
            ]
        ),
        *(json.dumps(asdict(lock.roots[key])) for key in sorted(tools_of(locked.plans[name]))),
        *(f"{path} {sha256(content).hexdigest()}" for path, content in read_tree(resource_folder("lib")).items()),
    ]
    return sha256("\0".join(parts).encode()).hexdigest()


def _records(workspace: Workspace, locked: Locked, name: str) -> str:
    """Return the digest of the records that the result follows from."""
    folder = workspace.project.root / str(locked.plans[name]["folder"])
    files = [folder / RESULTS, workspace.project.root / EXTRA / f"{name}.results"]
    return " ".join(sha256(file.read_bytes()).hexdigest() for file in files if file.is_file())


def _is_done(workspace: Workspace, target: Target, keys: Mapping[str, str], state: State) -> bool:
    known = state.results.get(str(target))
    link = link_of(workspace, target)
    return (
        known is not None
        and known.key == keys[target.experiment]
        and link.is_symlink()
        and str(link.readlink()) == known.out
        and os.path.lexists(known.out)
    )


def _run(
    workspace: Workspace, locked: Locked, targets: Sequence[Target], state: State, limits: Limits, *, keep_going: bool
) -> Mapping[str, Build]:
    """Build the targets and link them; return the builds of steps, by ``experiment.step``."""
    # Most of the start-up time; with nothing changed none of it is needed.
    from nivis.engine.explain import explain_failures
    from nivis.engine.pipeline import Pipeline
    from nivis.engine.realise import realise
    from nivis.engine.recipes.remember import remember
    from nivis.engine.supply import supply

    root = workspace.project.root
    ran = Pipeline(workspace, locked, targets, state, limits, keep_going=keep_going).run()
    steps = {label: build for label, build in ran.built.items() if not label.endswith(LIST)}
    known = read_state(root)
    state = known.with_steps({**_runs(ran.inventory, steps), **_failures(ran)})
    items = {t: _item(ran.inventory, t) for t in targets}
    there = {t: item for t, item in items.items() if item is not None and t in ran.complete}
    new = {t: item for t, item in there.items() if item.drv and item.out not in ran.valid}
    drvs = sorted({item.drv for item in new.values()})
    try:
        if drvs:
            if not ran.built:  # else the toolchain is there
                supply(workspace, ran.inventory, locked.lock, locked.plans, steps={t.experiment: [] for t in new})
            realise(workspace, drvs, ran.inventory.labels(), base=ran.told)
        for target, item in there.items():
            _link(workspace, link_of(workspace, target), item.out)
            state = state.with_result(str(target), Result(key=_key(workspace, locked, target.experiment), out=item.out))
    finally:
        write_state(root, state)
        drop_outdated(known, state)
        _tell_git(workspace, ran.written)
        remember(workspace, locked, ran.inventory, ran.valid)
    explain_failures(workspace, locked, ran.failed.values())
    raise_all(ran.failed.values())
    return steps


def _item(inventory: Inventory, target: Target) -> Item | None:
    """Return what a target is linked to: the result, all instances of a step, or what successors get of one."""
    experiment = inventory.experiments[target.experiment]
    if target.step is None:
        return experiment.result
    if target.step in experiment.joined:
        return experiment.joined[target.step]
    if target.step in experiment.steps:
        return Item(drv="", out=experiment.steps[test_node(target.step)].handed)
    return None


def _runs(inventory: Inventory, ran: Mapping[str, Build]) -> dict[str, StepRun]:
    """Return what is to be remembered of every step that ran."""
    runs = {}
    for label, build in ran.items():
        name, _, step = label.partition(".")
        if step in inventory.experiments[name].steps:
            usage = find_usage(build.lines)
            runs[label] = StepRun(
                out=inventory.experiments[name].steps[step].out,
                seconds=usage.seconds if usage else (build.ended or build.started) - build.started,
                memory=usage.memory if usage else None,
            )
    return runs


def _failures(ran: Ran) -> dict[str, StepRun]:
    runs = {}
    for label, problem in ran.failed.items():
        name, _, step = label.partition(".")
        folder = problem.folder if isinstance(problem, StepError) else ""
        if step in ran.inventory.experiments[name].steps:
            runs[label] = StepRun(out=ran.inventory.experiments[name].steps[step].out, failed=True, folder=folder)
    return runs


def _tell_git(workspace: Workspace, files: Sequence[PurePosixPath]) -> None:
    """Have git know the records, so that plain Nix sees them."""
    new = intend_to_add(workspace.project.root, [file for file in files if file.parent != EXTRA])
    if new:
        workspace.listener.note(added_note(new))


def _link(workspace: Workspace, link: Path, out: str) -> None:
    """Link an output and register the link as a root of the garbage collector."""
    from nivis.nix.command import run  # as in _run

    link.parent.mkdir(parents=True, exist_ok=True)
    argv = [workspace.nix.tool("nix-store"), "--realise", out, "--add-root", str(link), "--indirect"]
    run(argv, environ=workspace.nix_environ, doing=f"linking {link.name}")


def _outcome(workspace: Workspace, target: Target, ran: Collection[str], plan: Plan) -> Outcome:
    link = link_of(workspace, target)
    steps = (label for label in ran if label.startswith(f"{target.experiment}."))
    built = tuple(sorted(label for label in steps if check_name(label.partition(".")[2]) is None))
    outcome = Outcome(
        target=target,
        link=link,
        out=str(link.readlink()),
        built=built,
        sweeps=_counts(plan, None if target.step else link),
    )
    if (name := check_name(target.step)) is not None:
        return replace(outcome, checks=(check_of(link, name, plan),))
    if target.step is not None:
        return outcome
    return replace(
        outcome,
        metrics=json.loads((link / "metrics.json").read_text(encoding="utf-8")),
        figures=tuple(sorted((link / "figures").iterdir())),
        checks=checks_of(link),
    )


def _counts(plan: Plan, result: Path | None) -> dict[str, int]:
    """Return how many instances steps have; those of a fan-out are counted in the result."""
    counts = {step: len(labels) for step, labels in swept(plan).items()}
    for step in fanned(plan):
        folder = result / "steps" / step if result else None
        counts[step] = len(list(folder.iterdir())) if folder and folder.is_dir() else 0
    return counts
