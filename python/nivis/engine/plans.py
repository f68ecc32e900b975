"""Plans by what people call them: those that are committed, and those of runs whose parameters are written nowhere.

A run with ``-P model.c=3`` has its plan in ``.nivis/plans``, which git ignores, so that its steps can be looked at
later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from nivis.engine.locking import Locked, lock_project
from nivis.engine.targets import Target
from nivis.engine.workspace import Workspace
from nivis.errors import UsageError, did_you_mean
from nivis.files import write_atomically
from nivis.flake.generate import PLANS
from nivis.manifest.model import Experiment, Value
from nivis.manifest.params import with_overrides, with_profile
from nivis.plan.build import build_plan, dumps
from nivis.plan.instances import Plan

EXTRA = PurePosixPath(".nivis/plans")


def plan_file(root: Path, name: str) -> PurePosixPath | None:
    """Return where a plan is written, relative to the project's root; None if there is none."""
    return next(
        (folder / f"{name}.json" for folder in (PLANS, EXTRA) if (root / folder / f"{name}.json").is_file()), None
    )


def read_plan(workspace: Workspace, name: str) -> Plan:
    """Return a plan as it is written; raises UsageError if there is none."""
    file = plan_file(workspace.project.root, name)
    if file is None:
        known = [path.stem for path in (workspace.project.root / PLANS).glob("*.json")]
        hint = did_you_mean(name, known) or "Run `nivis lock`."
        raise UsageError(f"no experiment named '{name}' is locked", hint=hint)
    plan: Plan = json.loads((workspace.project.root / file).read_text(encoding="utf-8"))
    return plan


def lock_named(workspace: Workspace, names: Collection[str]) -> Locked:
    """Lock what is named: experiments, with a profile or not, and runs of which only the plan is left."""
    root = workspace.project.root
    extra = {name: read_plan(workspace, name) for name in names if _is_extra(plan_file(root, name))}
    locked = lock_project(workspace, only=sorted({str(extra[n]["name"]) if n in extra else n for n in names}))
    return replace(locked, plans={**locked.plans, **extra})


def _is_extra(file: PurePosixPath | None) -> bool:
    return file is not None and file.parent == EXTRA


def vary(
    workspace: Workspace, locked: Locked, targets: Sequence[Target], *, profile: str, overrides: Mapping[str, Value]
) -> tuple[Locked, list[Target]]:
    """Return the targets with other parameters, and the project with the plans that they need."""
    if profile and not targets:
        targets = _with_that_profile(locked, profile)
    chosen = {name: _varied(locked, name, profile, overrides) for name in sorted({t.experiment for t in targets})}
    new = {e.variant: _plan(workspace, locked, e) for e in chosen.values() if e.variant not in locked.plans}
    plans = {**locked.plans, **new}
    return replace(locked, plans=plans), [replace(t, experiment=chosen[t.experiment].variant) for t in targets]


def _with_that_profile(locked: Locked, profile: str) -> list[Target]:
    found = [Target(name) for name, experiment in locked.experiments.items() if profile in experiment.profiles]
    if found:
        return found
    known = {name for experiment in locked.experiments.values() for name in experiment.profiles}
    hint = did_you_mean(profile, known) or f"Declare it in a manifest: [profiles.{profile}]."
    raise UsageError(f"no experiment has a profile named '{profile}'", where="--profile", hint=hint)


def _varied(locked: Locked, name: str, profile: str, overrides: Mapping[str, Value]) -> Experiment:
    plan = locked.plans[name]
    experiment = locked.experiments[str(plan["name"])]
    already = str(plan.get("profile", ""))
    if already and profile not in {"", already}:
        hint = f"Say {experiment.name} --profile {profile}."
        raise UsageError(f"'{name}' has a profile already, '{already}'", where="--profile", hint=hint)
    if already or profile:
        experiment = with_profile(experiment, already or profile)
    return with_overrides(experiment, overrides) if overrides else experiment


def _plan(workspace: Workspace, locked: Locked, experiment: Experiment) -> Plan:
    """Plan a run whose parameters are written down nowhere, and leave the plan where git does not look."""
    data = {name: locked.lock.data[f"{experiment.name}/{name}"] for name in experiment.data}
    root = workspace.project.root
    plan = build_plan(workspace.project, experiment, data, locked.files)
    write_atomically(root / EXTRA / f"{experiment.variant}.json", dumps(plan).encode())
    return plan
