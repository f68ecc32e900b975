"""Which steps wait for which checks.

A check guards what it refers to: steps that refer to it as well wait until the check has held. Where one of the things
that it refers to is made from another (a check compares ``clean`` with the raw data), it guards the later one only, or
``clean`` would wait for a check that waits for ``clean``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nivis.errors import ManifestError
from nivis.manifest.model import Experiment
from nivis.plan.instances import needs, with_checks
from nivis.plan.order import order
from nivis.plan.steps import Planned

Node = tuple[str, str]  # ("data", name) or ("steps", name)
Plans = Mapping[str, Planned]


def add_guards(steps: Plans, checks: Plans) -> None:
    """Note with each step which blocking checks it waits for; raises ManifestError (without a place) for a circle."""
    guards: dict[Node, list[str]] = {}
    for name, check in checks.items():
        for node in _latest(check, steps) if check["severity"] == "block" else ():
            guards.setdefault(node, []).append(name)
    for step in steps.values():
        names = sorted({name for node in _nodes(step) for name in guards.get(node, ())})
        if names:
            step["guards"] = names
    try:
        order({name: needs(step) for name, step in with_checks({"steps": steps, "checks": checks})["steps"].items()})
    except ManifestError as error:
        circle = re.sub(r"checks\.\S+ \(test\) → ", "", error.what.partition(": ")[2])
        what = f"steps and the checks that guard what they read wait for one another: {circle}"
        raise ManifestError(what, hint="Split a check that refers to several steps into one for each.") from None


def keep_secrets(experiment: Experiment, checks: Plans, steps: Plans) -> None:
    """Have tests of what comes from sensitive data tell rows, not values."""
    secret: Sequence[Node] = [("data", name) for name, data in experiment.data.items() if data.sensitive]
    for check in checks.values():
        if secret and "table" in check and not _above(check, steps).isdisjoint(secret):
            check["sensitive"] = True


def _nodes(planned: Planned) -> Iterator[Node]:
    yield from (("data", name) for name in planned["data"])
    if "data" in planned.get("foreach", ()):
        yield "data", planned["foreach"]["data"]
    yield from (("steps", name) for name in needs(planned))


def _above(planned: Planned, steps: Plans) -> set[Node]:
    """Return everything that a step, or a check, is made from."""
    found: set[Node] = set()
    waiting = list(_nodes(planned))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += _nodes(steps[node[1]]) if node[0] == "steps" else ()
    return found


def _latest(check: Planned, steps: Plans) -> list[Node]:
    """Return what a check refers to, without what other things that it refers to are made from."""
    nodes = list(_nodes(check))
    if len(nodes) < 2:
        return nodes
    earlier: set[Node] = set().union(*(_above(steps[name], steps) for name in check["steps"]))
    return [node for node in nodes if node not in earlier]
