"""Ask Nix what a project's derivations are.

The project's copy of the library is evaluated as plain Nix, without copying the project to the store as a flake
does; the derivations are the same, since every file that a step sees enters the store by its own content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from nivis.engine.inventory import Inventory, decode
from nivis.engine.workspace import Workspace
from nivis.errors import LockError, NivisError
from nivis.nix.command import run


def expression(experiments: Sequence[str]) -> str:
    """Return the Nix expression for the inventory of some experiments; the working directory is the project."""
    names = " ".join(json.dumps(name) for name in sorted(experiments))
    return f"(import ./nix/nivis).inventory {{ root = ./.; experiments = [ {names} ]; }}"


def evaluate(workspace: Workspace, experiments: Sequence[str]) -> Inventory:
    """Evaluate and write the derivations of the experiments; raises LockError where lock or plan are stale."""
    argv = [workspace.nix.tool("nix-instantiate"), "--eval", "--strict", "--json", "--read-write-mode"]
    argv += ["--expr", expression(experiments)]
    try:
        output = run(argv, environ=workspace.nix_environ, cwd=workspace.project.root, doing="evaluating the project")
    except NivisError as error:
        raise _explained(error) from error
    return decode(output.stdout)


def _explained(error: NivisError) -> NivisError:
    """Turn the library's own messages (``…: run 'nivis lock'``) into errors of the lock."""
    found = re.search(r"([^\n]*?): run '(nivis lock[^']*)'", str(error))
    if not found:
        return error
    return LockError(found[1].removeprefix("error: ").strip(), hint=f"Run `{found[2]}`.")
