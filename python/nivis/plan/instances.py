"""The instances in a plan, one by one: a step that is not swept is the one instance of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Plan = Mapping[str, Any]

LIST = " (items)"  # behind a step's name: the list that it is fanned out over


def instances(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every instance's name (``clean``, ``train@c=0.1``) and what the plan has of it, in order."""
    for name, step in plan["steps"].items():
        if "instances" not in step:
            yield name, step
            continue
        for label, own in step["instances"].items():
            yield f"{name}@{label}", {**step, **own}


def names(plan: Plan) -> list[str]:
    """Return what can be asked for: every step, and every instance of those that are swept."""
    return [*plan["steps"], *(name for name, _ in instances(plan) if name not in plan["steps"])]


def needs(step: Mapping[str, Any]) -> list[str]:
    """Return the steps that a step needs, the one that it is fanned out over included."""
    foreach = step.get("foreach", {})
    return sorted({*step["steps"], *(foreach[kind] for kind in ("step", "along") if kind in foreach)})


def data_of(plan: Plan, name: str) -> list[str]:
    """Return the data sets that a step or an instance is given, or the list of a fan-out (``each (items)``)."""
    step = plan["steps"][step_of(name.removesuffix(LIST))[0]]
    source = step.get("foreach", {}).get("data")
    return [*([] if name.endswith(LIST) else step["data"]), *([source] if source else [])]


def fanned(plan: Plan) -> list[str]:
    """Return the steps whose instances are known only when another step has run."""
    return [name for name, step in plan["steps"].items() if "foreach" in step]


def swept(plan: Plan) -> dict[str, list[str]]:
    """Return the labels of every swept step."""
    return {name: list(step["instances"]) for name, step in plan["steps"].items() if "instances" in step}


def variant(plan: Plan) -> str:
    """Return the plan's own name: the experiment's, unless its parameters are others than [params]."""
    name: str = plan.get("variant", plan["name"])
    return name


def step_of(name: str) -> tuple[str, str]:
    """Split an instance's name into step and label (empty if it has none)."""
    step, _, label = name.partition("@")
    return step, label
