"""The packages that roots are made from: which of them are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nivis.engine.inventory import Inventory
from nivis.lock.debian.tools import root_key
from nivis.lock.model import DebianPackage, Lock
from nivis.plan.instances import LIST, Plan, step_of


def tools_of_step(plan: Plan, step: str) -> str:
    """Return the key of the root that a step, or an instance of one, runs in; empty if it needs none."""
    planned = {} if step.endswith(LIST) else plan["steps"].get(step_of(step)[0], {})  # a check has none
    return root_key(planned.get("tools", ()))


def missing_debs(
    inventory: Inventory, lock: Lock, tools: Collection[str], absent: Collection[str]
) -> Mapping[str, DebianPackage]:
    """Return the packages that are missing of those roots of ``tools`` that are to be made."""
    making = {key: root for key, root in inventory.roots.items() if key in tools and root.out in absent}
    pairs = (pair for key, root in making.items() for pair in zip(lock.roots[key].packages, root.debs, strict=True))
    return {name: lock.debs[name] for name, path in sorted(pairs) if path in absent}
