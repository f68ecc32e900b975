"""Ask Nix what a project's derivations are.

The project's copy of the library is evaluated as plain Nix, without copying the project to the store as a flake
does; the derivations are the same, since every file that a step sees enters the store by its own content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nivis.engine.inventory import Inventory, decode
from nivis.engine.plans import EXTRA, plan_file
from nivis.engine.targets import Target, check_known
from nivis.engine.workspace import Workspace, installed_library
from nivis.errors import LockError, NivisError
from nivis.nix.command import run


def expression(library: str, experiments: Sequence[str], extra: str = "") -> str:
    """Return the Nix expression for the inventory of some experiments; the working directory is the project.

    ``extra`` is a folder with plans beside the committed ones.
    """
    names = " ".join(json.dumps(name) for name in sorted(experiments))
    more = f" extra = {json.dumps(extra)};" if extra else ""
    return f"(import ({library})).inventory {{ root = ./.;{more} experiments = [ {names} ]; }}"


def evaluate(workspace: Workspace, experiments: Sequence[str], *, extra: str | None = None) -> Inventory:
    """Evaluate and write the derivations of the experiments; raises LockError where lock or plan are stale.

    ``extra``: a folder with plans that take the place of the committed ones.
    """
    if extra is None:
        text = expression(workspace.library, experiments, _extra(workspace, experiments))
    else:  # the project's copy of the library may be out of date as well
        text = expression(installed_library(), experiments, extra)
    return decode(json.loads(_evaluate(workspace, text)))


def _extra(workspace: Workspace, experiments: Sequence[str]) -> str:
    """Return the folder of plans that are not committed if one of them is needed."""
    files = [plan_file(workspace.project.root, name) for name in experiments]
    return str(EXTRA) if any(file is not None and file.parent == EXTRA for file in files) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One derivation: its store path, the derivations that it needs, and the attributes that its builder gets."""

    drv: str
    inputs: Sequence[str] = ()
    attributes: Mapping[str, Any]


def evaluate_recipe(
    workspace: Workspace, experiment: str | None = None, step: str | None = None
) -> tuple[Inventory, Recipe]:
    """Evaluate one step and the inventory of its experiment, or the shell; raises as ``check_known`` does."""
    wanted = [experiment] if experiment else []
    extra = _extra(workspace, wanted)
    arguments = {"extra": extra, "experiment": experiment, "step": step}
    names = "".join(f" {key} = {json.dumps(value)};" for key, value in arguments.items() if value)
    inventory = expression(workspace.library, wanted, extra)
    recipe = f"(import ({workspace.library})).recipe {{ root = ./.;{names} }}"
    raw = json.loads(_evaluate(workspace, f"{{ inventory = {inventory}; recipe = {recipe}; }}"))
    found = decode(raw["inventory"])
    if experiment:
        check_known([Target(experiment, step)], found.experiments, one=True)
    return found, Recipe(**raw["recipe"])


def _evaluate(workspace: Workspace, text: str) -> str:
    argv = [workspace.nix.tool("nix-instantiate"), "--eval", "--strict", "--json", "--read-write-mode", "--expr", text]
    try:
        return run(
            argv, environ=workspace.nix_environ, cwd=workspace.project.root, doing="evaluating the project"
        ).stdout
    except NivisError as error:
        raise _explained(error) from error


def _explained(error: NivisError) -> NivisError:
    """Turn the library's own messages (``…: run 'nivis lock'``) into errors of the lock."""
    found = re.search(r"([^\n]*?): run '(nivis lock[^']*)'", str(error))
    if not found:
        return error
    return LockError(found[1].removeprefix("error: ").strip(), hint=f"Run `{found[2]}`.")
