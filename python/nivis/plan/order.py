"""The order of steps: what a step needs comes before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from nivis.errors import ManifestError
from nivis.plan.instances import needs


def order(needs: Mapping[str, Collection[str]]) -> list[str]:
    """Sort names so that each comes after those it needs, otherwise by name.

    ManifestError (without a place) for a cycle, written in the direction in which results flow: ``a → b → a``.
    """
    sorter = TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)})
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][:-1]
        first = cycle.index(min(cycle))
        shown = " → ".join([*cycle[first:], *cycle[:first], cycle[first]])
        raise ManifestError(
            f"steps need one another in a circle: {shown}", hint="Remove one of the references between them."
        ) from None
    ordered: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered.extend(ready)
        sorter.done(*ready)
    return ordered


def order_of_plan(plan: Mapping[str, object]) -> list[str]:
    """Return the names of a plan's steps in such an order."""
    steps = plan["steps"]
    assert isinstance(steps, Mapping)
    return order({name: needs(step) for name, step in steps.items()})
