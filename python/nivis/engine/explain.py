"""Say of steps that failed which file or package they lacked, where the project or its index has it."""

from __future__ import annotations

from collections.abc import Iterable

from nivis.engine.locking import Locked
from nivis.engine.targets import parse_target
from nivis.engine.workspace import Workspace
from nivis.errors import NivisError, StepError
from nivis.plan.files import Files
from nivis.plan.instances import Plan, step_of, with_checks
from nivis.plan.sight import Sight
from nivis.plan.undeclared import explain

KINDS = ("outputs", "metrics", "plots")
ADD = {"poetry.lock": "poetry add {}", "uv.lock": "uv add {}"}


def explain_failures(workspace: Workspace, locked: Locked, errors: Iterable[NivisError]) -> None:
    """Put before the hint of each failed step what it lacked, as far as its log tells."""
    files = Files(workspace.project.root)
    for part in (part for error in errors for part in error.parts()):
        target = parse_target(part.where)
        plan = with_checks(locked.plans.get(target.experiment, {}))
        known = plan and step_of(target.step or "")[0] in plan["steps"]
        if isinstance(part, StepError) and part.log and target.step and known:
            said = explain(part.log, sight_of(workspace, locked, plan, target.step), files)
            part.hint = f"{said} {part.hint}" if said else part.hint


def sight_of(workspace: Workspace, locked: Locked, plan: Plan, name: str) -> Sight:
    """Return what a step (or an instance) sees."""
    project = workspace.project
    step, label = step_of(name)
    common = plan["steps"][step]
    planned = {**common, **common["instances"][label]} if label and label in common.get("instances", ()) else common
    origins = {key: str(data["origin"].get("path", "")).rstrip("/") for key, data in plan["data"].items()}
    return Sight(
        step=step,
        experiment=str(plan["name"]),
        folder=str(plan["folder"]),
        manifest=f"{plan['folder']}/experiment.toml",
        files=frozenset([*planned.get("files", ()), *planned.get("links", ())]),
        script="".join(part if isinstance(part, str) else "\0" for part in planned.get("run", ())),
        root=str(project.root),
        data={key: path for key, path in origins.items() if path},
        outputs={key: [name for kind in KINDS for name in s.get(kind, ())] for key, s in plan["steps"].items()},
        sources=[str(folder) for folder in project.source],
        generated=str(project.generated),
        wheels=frozenset(wheel.name for wheel in locked.lock.python.wheels) if locked.lock.python else frozenset(),
        add=ADD.get(project.lock_file or "", ""),
    )
