"""Have in the store what steps need: only what the wanted outputs still need; bring.py brings it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nivis.engine.inventory import Inventory
from nivis.engine.need import given, needed
from nivis.engine.workspace import Workspace
from nivis.lock.model import Lock
from nivis.nix.serve import Connection
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
    store: Connection | None = None,
) -> set[str]:
    """Bring what is needed to run ``steps``; return the paths that are not in the store, of what is no step's output.

    Raises what downloads and the store raise, all problems together. ``store``: if it is open already.
    """
    paths = set(inventory.given())
    if store is not None:
        absent = paths - store.valid(sorted(paths))
    else:
        absent = missing(sorted(paths), nix=workspace.nix, environ=workspace.nix_environ)
    need = needed(inventory, lock, plans, absent, steps, shell=shell)
    need = given(need) if given_only else need
    if need:
        from nivis.engine.bring import bring  # the HTTP client is slow to import, and most runs fetch nothing

        bring(workspace, lock, need)
    return absent
