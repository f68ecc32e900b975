"""Freeze steps: keep what they wrote, though their recipes change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from nivis.engine.checks import check_name
from nivis.engine.evaluate import evaluate
from nivis.engine.inventory import ExperimentItem
from nivis.engine.plans import lock_named
from nivis.engine.records import Record, Records, name_in
from nivis.engine.results import Results
from nivis.engine.targets import Target, check_known, check_steps
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError, UsageError, raise_all
from nivis.flake.git import added_note, intend_to_add
from nivis.nix.command import run
from nivis.nix.store import fixed_output_path, name_of

ROOTS = ".nivis/frozen"


def freeze(workspace: Workspace, targets: Sequence[Target]) -> list[str]:
    """Freeze steps, of those with instances all of them, or single instances; return their names.

    Raises StepError where nothing is recorded, or what is recorded cannot be handed on by its content.
    """
    results, items = _open(workspace, targets)
    problems: list[NivisError] = []
    done: list[str] = []
    for target in targets:
        name = target.experiment
        for step in _instances(items[name], target):
            records, label = results.of(name), name_in(results.prefix(name), step)
            try:
                record = _recorded(records, items[name], step, label, f"{name}.{step}")
            except StepError as error:
                problems.append(error)
                continue
            records.frozen[label] = record
            path = fixed_output_path(name_of(items[name].steps[step].out), tree_sri=record.hash)
            _keep(workspace, f"{name}.{step}", path)
            done.append(f"{name}.{step}")
    raise_all(problems)
    _write(workspace, results)
    return done


def unfreeze(workspace: Workspace, targets: Sequence[Target]) -> list[str]:
    """Let steps be made by their recipes again; raises UsageError for one that is not frozen."""
    results, items = _open(workspace, targets)
    done: list[str] = []
    for target in targets:
        name = target.experiment
        frozen = [step for step in _instances(items[name], target) if step in results.frozen(name)]
        if not frozen:
            hint = "Run `nivis status` to see what is."
            raise UsageError("is not frozen", where=str(target), hint=hint)
        for step in frozen:
            del results.of(name).frozen[name_in(results.prefix(name), step)]
            (workspace.project.root / ROOTS / f"{name}.{step}").unlink(missing_ok=True)
            done.append(f"{name}.{step}")
    _write(workspace, results)
    return done


def _open(workspace: Workspace, targets: Sequence[Target]) -> tuple[Results, dict[str, ExperimentItem]]:
    for target in targets:
        if target.step is None:
            raise UsageError("is an experiment, but steps are frozen", where=str(target), hint=f"Say {target}.STEP.")
        if check_name(target.step) is not None:
            hint = 'Write severity = "warn" to have it stop nothing.'
            raise UsageError("is a check, but steps are frozen", where=str(target), hint=hint)
    names = sorted({target.experiment for target in targets})
    locked = lock_named(workspace, names)
    check_steps(targets, locked.plans)
    results = Results(workspace.project.root, locked.plans, names)
    items = dict(evaluate(workspace, names).experiments)
    check_known(targets, items)
    return results, items


def _instances(item: ExperimentItem, target: Target) -> Iterator[str]:
    step = target.step or ""
    names = [step] if step in item.steps or step in item.pending else item.instances(step)
    for name in names:
        if name not in item.steps:
            hint = f"Run `nivis build {target}`."
            raise StepError("nothing is recorded of it yet", where=f"{target.experiment}.{name}", hint=hint)
        yield name


def _recorded(records: Records, item: ExperimentItem, step: str, label: str, where: str) -> Record:
    """Return the record of a step: of its present recipe, else of its last one."""
    present = records.by_recipe.get(item.steps[step].key)
    last = next((record for record in records.by_recipe.values() if record.step == label), None)
    record = present or records.frozen.get(label) or last
    if record is None:
        raise StepError("nothing is recorded of it yet", where=where, hint=f"Run `nivis build {where}`.")
    if record.hash is None:
        what = "its output refers to the store or is larger than copy-limit, so that it cannot be kept by its content"
        raise StepError(what, where=where, hint="Write what it is to hand on without store paths, or raise copy-limit.")
    path = fixed_output_path(name_of(item.steps[step].out), tree_sri=record.hash)
    if not os.path.lexists(path):
        hint = f"Run `nivis build {where}`."
        raise StepError("what is recorded of it is not in the store any more", where=where, hint=hint)
    return Record(step=label, hash=record.hash, size=record.size)


def _keep(workspace: Workspace, label: str, path: str) -> None:
    """Keep a path from the garbage collector."""
    link = workspace.project.root / ROOTS / label
    link.parent.mkdir(parents=True, exist_ok=True)
    argv = [workspace.nix.tool("nix-store"), "--realise", path, "--add-root", str(link), "--indirect"]
    run(argv, environ=workspace.nix_environ, doing=f"keeping {label}")


def _write(workspace: Workspace, results: Results) -> None:
    files = results.write(None)
    new = intend_to_add(workspace.project.root, files)
    if new:
        workspace.listener.note(added_note(new))
