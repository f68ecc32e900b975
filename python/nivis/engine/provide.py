"""Make a locked project build with plain Nix on this machine."""

from __future__ import annotations

from nivis.engine.evaluate import evaluate
from nivis.engine.locking import Locked
from nivis.engine.supply import supply
from nivis.engine.workspace import Workspace
from nivis.plan.instances import with_checks


def provide(workspace: Workspace, locked: Locked) -> None:
    """Put into the store what Nix cannot fetch by itself: the base tree, the project's data, wheels without a URL."""
    inventory = evaluate(workspace, sorted(locked.experiments))
    steps = {name: with_checks(locked.plans[name])["steps"] for name in inventory.experiments}
    supply(workspace, inventory, locked.lock, locked.plans, steps=steps, shell=True, given_only=True)
