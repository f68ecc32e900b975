"""The instances in a plan, one by one: a step that is not swept is the one instance of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Plan = Mapping[str, Any]

LIST = " (items)"  # behind a step's name: the list that it is fanned out over
CHECK = "checks."  # before a check's name: its verdict, which fails where the check does not hold
TEST = " (test)"  # behind that: what tests, and writes what was found
_LIGHT: Mapping[str, Any] = {"steps": (), "data": (), "cores": 1, "memory": None, "gpus": 0}


def instances(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every instance's name (``clean``, ``train@c=0.1``) and what the plan has of it, in order."""
    for name, step in plan["steps"].items():
        if "instances" not in step:
            yield name, step
            continue
        for label, own in step["instances"].items():
            yield f"{name}@{label}", {**step, **own}


def reading(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """Yield what the plan has of all that reads files of the project: instances, and checks that are commands."""
    yield from (step for _, step in instances(plan))
    yield from (check for check in plan.get("checks", {}).values() if "files" in check)


def with_checks(plan: Plan) -> Plan:
    """Return the plan with its checks among the steps: each a test, and a verdict that the steps it guards need.

    To whatever runs steps, records and hands on, they are steps like others.
    """
    checks = plan.get("checks")
    if not checks:
        return plan
    steps = {
        name: {**step, "steps": [*step["steps"], *(f"{CHECK}{guard}" for guard in step["guards"])]}
        if "guards" in step
        else step
        for name, step in plan["steps"].items()
    }
    tests = {f"{CHECK}{name}{TEST}": {**_LIGHT, **check} for name, check in checks.items()}
    verdicts = {f"{CHECK}{name}": {**_LIGHT, "steps": [f"{CHECK}{name}{TEST}"]} for name in checks}
    return {**{key: value for key, value in plan.items() if key != "checks"}, "steps": {**steps, **tests, **verdicts}}


def names(plan: Plan) -> list[str]:
    """Return what can be asked for: every step, and every instance of those that are swept."""
    return [*plan["steps"], *(name for name, _ in instances(plan) if name not in plan["steps"])]


def needs(step: Mapping[str, Any]) -> list[str]:
    """Return the steps that a step needs, the one that it is fanned out over included."""
    foreach = step.get("foreach", {})
    return sorted({*step["steps"], *(foreach[kind] for kind in ("step", "along") if kind in foreach)})


def data_of(plan: Plan, name: str) -> list[str]:
    """Return the data sets that a step or an instance is given, or the list of a fan-out (``each (items)``)."""
    step = plan["steps"][base_of(name)]
    source = step.get("foreach", {}).get("data")
    return [*([] if name.endswith(LIST) else step["data"]), *([source] if source else [])]


def base_of(name: str) -> str:
    """Return the step that an instance, or a list, is of."""
    return step_of(name.removesuffix(LIST))[0]


def fanned(plan: Plan) -> list[str]:
    """Return the steps whose instances are known only when another step has run."""
    return [name for name, step in plan["steps"].items() if "foreach" in step]


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
