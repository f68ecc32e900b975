"""Have in the store what steps need: only what the wanted outputs still need; bring.py brings it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nivis.engine.inventory import Inventory
from nivis.engine.need import given, needed
from nivis.engine.workspace import Workspace
from nivis.lock.model import Lock
from nivis.nix.store import missing
from nivis.plan.instances import Plan


def supply(
    workspace: Workspace,
    inventory: Inventory,
    lock: Lock,
    plans: Mapping[str, Plan],
    *,
    steps: Mapping[str, Collection[str]],
    shell: bool = False,
    given_only: bool = False,
) -> set[str]:
    """Bring what is needed to run ``steps``; return the inventory's own paths that are not in the store.

    Raises what downloads and the store raise, all problems together.
    """
    absent = missing(list(inventory.paths()), nix=workspace.nix, environ=workspace.nix_environ)
    need = needed(inventory, lock, plans, absent, steps, shell=shell)
    need = given(need) if given_only else need
    if need:
        from nivis.engine.bring import bring  # the HTTP client is slow to import, and most runs fetch nothing

        bring(workspace, lock, need)
    return absent
