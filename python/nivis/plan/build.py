"""Build the plan of an experiment: every step fully resolved, as lib/ reads it.

The plan is canonical JSON: sorted keys, no absolute path, no time. Numbers in it are integers only: Nix before 2.16
writes floats with six digits, so whatever may hold one (``params``, ``experiment``) is JSON text inside the JSON.

    {"version": 2, "name": …, "folder": …, "manifest": sha256 of experiment.toml, "experiment": text, "params": text,
     "executable": [path],
     "data": {name: {"name", "sha256" | "tree", "origin", "url"?, "archive"?, "member"?}},
     "steps": {name: {"run": [fragment] | "argv": [[fragment]], "files": [path], "links": {path: target},
                      "params": text, "data": [name], "steps": [name], "outputs", "metrics", "plots", "env", "cores",
                      "memory", "gpus", "tools"?: [name]}}}

A swept step has ``"instances": {label: {"values": text, "texts": [string], …}}`` as well: ``{"text": n}`` in its
command is an instance's n-th text, and what else an instance has takes the place of what the step has. ``"along"``
are those of its ``steps`` of which an instance gets the one with its own label; of others that are swept it gets all.
``"checks"`` and the steps' ``"guards"`` are in plan/checks.py and plan/guards.py; a plan without checks has neither.
A step that is fanned out has ``"foreach"``: ``{"step" | "data": name, "kind": "files" | "rows", "path", "label",
"keys"}``, or ``{"along": step}``, and ``"item": {variable: key}``, what its command refers to. ``locks``, ``timeout``
(seconds), ``retries`` and ``retry_memory`` (bytes) stand only where they are set, and like ``memory`` and ``gpus``
are no part of a recipe.
With parameters other than [params] the plan has ``"variant"``, its own name, ``"profile"`` and ``"overrides": text``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from nivis.errors import NivisError, raise_all
from nivis.lock.model import LockedData
from nivis.manifest.model import Experiment, Project
from nivis.manifest.toml import dotted, place
from nivis.plan.checks import plan_checks
from nivis.plan.data import plan_data
from nivis.plan.files import Files
from nivis.plan.guards import add_guards
from nivis.plan.instances import needs
from nivis.plan.matrix import Problem
from nivis.plan.order import order
from nivis.plan.steps import Planned, StepPlanner, canonical, share_keys

VERSION = 2
WITH_CHECKS = 3  # a library that knows none would let pass what they are to stop


def build_plan(
    project: Project, experiment: Experiment, lock_data: Mapping[str, LockedData], files: Files | None = None
) -> dict[str, object]:
    """Return the plan of an experiment; ``lock_data`` is by the names of its data sets.

    ``files`` may be shared between experiments. Raises ManifestError or LockError, or Problems if there are several.
    """
    files = files or Files(project.root)
    problems: list[Problem] = []
    data = plan_data(experiment, lock_data, problems)
    planner = StepPlanner(project, experiment, files, problems)
    steps = {name: planner.plan(step) for name, step in sorted(experiment.steps.items())}
    checks = plan_checks(experiment, planner, steps, data, problems)
    if not problems:
        try:
            order({name: needs(step) for name, step in steps.items()})
            share_keys(steps)
        except NivisError as error:
            problems.append((("steps",), "", error))
    if checks and not problems:
        try:
            add_guards(steps, checks)
        except NivisError as error:
            problems.append((("checks",), "", error))
    if problems:
        _raise(problems, experiment, files)
    return {
        "version": WITH_CHECKS if checks else VERSION,
        "name": experiment.name,
        "folder": str(experiment.folder),
        "manifest": files.sha256(str(experiment.manifest)),
        "experiment": canonical(_about(experiment)),
        "params": canonical(experiment.params),
        "data": data,
        "executable": sorted(path for path in _files([*steps.values(), *checks.values()]) if files.is_executable(path)),
        "steps": steps,
        **({"checks": checks} if checks else {}),
        **_variant(experiment),
    }


def _files(steps: Iterable[Planned]) -> set[str]:
    """Return the files of all steps and instances."""
    return {
        path for step in steps for own in (step, *step.get("instances", {}).values()) for path in own.get("files", ())
    }


def dumps(plan: Mapping[str, object]) -> str:
    """Write a plan: sorted keys, one value a line, a newline at the end."""
    return json.dumps(plan, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _variant(experiment: Experiment) -> dict[str, object]:
    if experiment.variant == experiment.name:
        return {}
    profile = {"profile": experiment.profile} if experiment.profile else {}
    return {"variant": experiment.variant, "overrides": canonical(experiment.overrides), **profile}


def _about(experiment: Experiment) -> dict[str, object]:
    """Return what the manifest says about the experiment, without what it leaves open."""
    about: dict[str, object] = {
        "title": experiment.title,
        "question": experiment.question,
        "goal": experiment.goal,
        "trl": experiment.trl,
        "status": experiment.status,
        "conclusion": experiment.conclusion,
        "tags": list(experiment.tags),
    }
    return {key: value for key, value in about.items() if value}


def _raise(problems: list[Problem], experiment: Experiment, files: Files) -> None:
    """Give every problem its place in the manifest, and raise them."""
    file = str(experiment.manifest)
    text = files.text(file)
    for path, needle, problem in problems:
        problem.where = f"{place(text, file, path, needle)}: {dotted(path)}"
    raise_all(list({str(problem): problem for _, _, problem in problems}.values()))
