"""Build experiments: lock, evaluate, bring inputs, have Nix build, link the results.

With nothing changed no Nix process is started: the state remembers a digest of everything that a result follows from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from nivis.engine.inventory import Inventory
from nivis.engine.locking import Locked, lock_project
from nivis.engine.plans import vary
from nivis.engine.state import Result, State, StepRun, read_state, write_state
from nivis.engine.targets import Target, check_steps
from nivis.engine.usage import find_usage
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError
from nivis.flake.resources import read_tree, resource_folder
from nivis.manifest.model import Value
from nivis.nix.builds import Build
from nivis.plan.instances import swept, tools_of
from nivis.plan.keys import source_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one target."""

    target: Target
    link: Path
    out: str
    built: tuple[str, ...] = ()  # steps and instances that ran
    sweeps: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the labels of swept steps
    metrics: Mapping[str, object] = field(default_factory=dict)
    figures: tuple[Path, ...] = ()


def build(
    workspace: Workspace,
    targets: Sequence[Target],
    *,
    profile: str = "",
    overrides: Mapping[str, Value] | None = None,
    keep_going: bool = False,
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
    ran: Mapping[str, Build] = _run(workspace, locked, todo, keys, keep_going=keep_going) if todo else {}
    return [_outcome(workspace, target, ran, swept(locked.plans[target.experiment])) for target in wanted]


def link_of(workspace: Workspace, target: Target) -> Path:
    """Return where a target's output is linked."""
    return workspace.project.root / workspace.project.generated / str(target)


def _key(workspace: Workspace, locked: Locked, name: str) -> str:
    lock = locked.lock
    parts = [
        source_digest(locked.plans[name], workspace.project.root),
        json.dumps([asdict(lock.toolchain), asdict(lock.python) if lock.python else None, lock.source, lock.system]),
        *(json.dumps(asdict(lock.roots[key])) for key in sorted(tools_of(locked.plans[name]))),
        *(f"{path} {sha256(content).hexdigest()}" for path, content in read_tree(resource_folder("lib")).items()),
    ]
    return sha256("\0".join(parts).encode()).hexdigest()


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
    workspace: Workspace, locked: Locked, targets: Sequence[Target], keys: Mapping[str, str], *, keep_going: bool
) -> Mapping[str, Build]:
    """Build the targets and link them; return the builds of steps, by ``experiment.step``."""
    # Most of the start-up time; with nothing changed none of it is needed.
    from nivis.engine.evaluate import evaluate
    from nivis.engine.realise import realise
    from nivis.engine.supply import supply

    root = workspace.project.root
    inventory = evaluate(workspace, sorted({target.experiment for target in targets}))
    supply(workspace, inventory, locked.lock, locked.plans)
    items = {t: inventory.experiments[t.experiment] for t in targets}
    drvs = {t: item.item(t.step).drv for t, item in items.items()}
    labels = inventory.labels()
    try:
        builds = realise(workspace, sorted(set(drvs.values())), labels, keep_going=keep_going).built
    except NivisError as error:
        _remember_failures(root, inventory, [part for part in error.parts() if isinstance(part, StepError)])
        raise
    steps = inventory.step_labels()
    ran = {steps[b.derivation]: b for b in builds if b.derivation in steps}
    state = read_state(root).with_steps(_runs(inventory, ran))
    for target, item in items.items():
        out = item.item(target.step).out
        _link(workspace, link_of(workspace, target), out)
        state = state.with_result(str(target), Result(key=keys[target.experiment], out=out))
    write_state(root, state)
    return ran


def _runs(inventory: Inventory, ran: Mapping[str, Build]) -> dict[str, StepRun]:
    """Return what is to be remembered of every step that is known to be in place."""
    runs = {}
    for name, experiment in inventory.experiments.items():
        for step_name, step in experiment.steps.items():
            label = f"{name}.{step_name}"
            if label in ran:
                usage = find_usage(ran[label].lines)
                runs[label] = StepRun(
                    out=step.out, seconds=usage.seconds if usage else None, memory=usage.memory if usage else None
                )
    return runs


def _remember_failures(root: Path, inventory: Inventory, errors: Sequence[StepError]) -> None:
    runs = {}
    for error in errors:
        target, _, step = error.where.partition(".")
        experiment = inventory.experiments.get(target)
        if experiment and step in experiment.steps:
            runs[error.where] = StepRun(out=experiment.steps[step].out, failed=True)
    if runs:
        write_state(root, read_state(root).with_steps(runs))


def _link(workspace: Workspace, link: Path, out: str) -> None:
    """Link an output and register the link as a root of the garbage collector."""
    from nivis.nix.command import run  # as in _run

    link.parent.mkdir(parents=True, exist_ok=True)
    argv = [workspace.nix.tool("nix-store"), "--realise", out, "--add-root", str(link), "--indirect"]
    run(argv, environ=workspace.nix_environ, doing=f"linking {link.name}")


def _outcome(
    workspace: Workspace, target: Target, ran: Mapping[str, Build], sweeps: Mapping[str, Sequence[str]]
) -> Outcome:
    link = link_of(workspace, target)
    built = tuple(sorted(label for label in ran if label.startswith(f"{target.experiment}.")))
    if target.step is not None:
        return Outcome(target=target, link=link, out=str(link.readlink()), built=built, sweeps=sweeps)
    return Outcome(
        target=target,
        link=link,
        out=str(link.readlink()),
        built=built,
        sweeps=sweeps,
        metrics=json.loads((link / "metrics.json").read_text(encoding="utf-8")),
        figures=tuple(sorted((link / "figures").iterdir())),
    )
