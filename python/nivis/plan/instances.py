"""The instances in a plan, one by one: a step that is not swept is the one instance of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Plan = Mapping[str, Any]


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


def swept(plan: Plan) -> dict[str, list[str]]:
    """Return the labels of every swept step."""
    return {name: list(step["instances"]) for name, step in plan["steps"].items() if "instances" in step}


def tools_of(plan: Plan) -> set[str]:
    """Return the sets of tools that the steps ask for: names with spaces between, as nivis.lock has them."""
    return {" ".join(step["tools"]) for step in plan["steps"].values() if "tools" in step}


def variant(plan: Plan) -> str:
    """Return the plan's own name: the experiment's, unless its parameters are others than [params]."""
    name: str = plan.get("variant", plan["name"])
    return name


def step_of(name: str) -> tuple[str, str]:
    """Split an instance's name into step and label (empty if it has none)."""
    step, _, label = name.partition("@")
    return step, label
