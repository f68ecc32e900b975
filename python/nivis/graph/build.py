"""Plans become a graph: swept steps folded into one node, or every instance for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nivis.errors import UsageError
from nivis.graph.model import Graph, Node
from nivis.plan.instances import CHECK, Plan, data_of, needs, step_of
from nivis.plan.order import order_of_plan

MOST_EDGES = 20_000  # more is no picture
TIMES = "\N{MULTIPLICATION SIGN}"
WORST = (
    "blocked",
    "failed",
    "stale",
    "unlocked",
    "missing",
    "built",
)  # what a node that stands for several is painted as

States = Mapping[str, str]  # by "penguins.train@c=0.1", "penguins.train" and "penguins"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A step of a plan, with the ids of its nodes."""

    name: str
    planned: Mapping[str, Any]
    data: Sequence[str]
    labels: Sequence[str]  # of the instances that have a node of their own

    def ids(self, experiment: str) -> list[str]:
        name = f"{experiment}.{self.name}"
        return [f"{name}@{label}" for label in self.labels] or [name]


def graph_of(
    plans: Mapping[str, Plan], states: States, *, expand: bool = False, titles: Mapping[str, str] | None = None
) -> Graph:
    """Return the graph of some plans; ``expand`` gives every instance of a swept step a node.

    Raises UsageError where that would be too many edges to draw.
    """
    nodes: list[Node] = []
    edges: list[tuple[str, str]] = []
    for name, plan in sorted(plans.items()):
        whole = _with_checks(plan)
        chosen = [_step(name, whole, step, states if expand else None) for step in order_of_plan(whole)]
        nodes += _data_nodes(name, plan)
        nodes += [node for step in chosen for node in _step_nodes(name, step, states)]
        nodes.append(Node(id=name, kind="result", experiment=name, label=name, state=states.get(name, "")))
        for edge in _edges(name, chosen):
            edges.append(edge)
            if len(edges) > MOST_EDGES:
                hint = f"Name one of its steps ({name}.STEP), or leave out --expand."
                raise UsageError(f"'{name}' has too many instances to draw each of them", where="--expand", hint=hint)
    return Graph(nodes=tuple(nodes), edges=tuple(edges), titles=titles or dict.fromkeys(plans, ""))


def _with_checks(plan: Plan) -> Plan:
    """Return the plan with its checks among the steps: a node each, which the steps that they guard need."""
    steps = {
        name: {**step, "steps": [*step["steps"], *(f"{CHECK}{guard}" for guard in step.get("guards", ()))]}
        for name, step in plan["steps"].items()
    }
    return {**plan, "steps": {**steps, **{f"{CHECK}{name}": check for name, check in plan.get("checks", {}).items()}}}


def _step(experiment: str, plan: Plan, name: str, states: States | None) -> _Step:
    """Return a step; with ``states``, which name what a fan-out came to, with all of its instances."""
    planned = plan["steps"][name]
    labels: list[str] = []
    if states is not None and "instances" in planned:
        labels = list(planned["instances"])
    elif states is not None and "foreach" in planned:
        labels = [key.partition("@")[2] for key in states if key.startswith(f"{experiment}.{name}@")]
    return _Step(name=name, planned=planned, data=data_of(plan, name), labels=labels)


def _data_nodes(experiment: str, plan: Plan) -> Iterator[Node]:
    for name, data in plan["data"].items():
        file = data["name"]
        note = "" if file.partition(".")[0] == name else file
        yield Node(id=f"{experiment}:data.{name}", kind="data", experiment=experiment, label=name, note=note)


def _step_nodes(experiment: str, step: _Step, states: States) -> Iterator[Node]:
    name = f"{experiment}.{step.name}"
    if step.labels:
        for own, label in zip(step.ids(experiment), step.labels, strict=True):
            state = states.get(own, "")
            yield Node(id=own, kind="step", experiment=experiment, label=step.name, state=state, note=label)
        return
    kind = "check" if step.name.startswith(CHECK) else "step"
    label = step.name.removeprefix(CHECK)
    node = Node(id=name, kind=kind, experiment=experiment, label=label, state=states.get(name, ""))
    if "instances" in step.planned:
        labels = list(step.planned["instances"])
        yield _folded(node, len(labels), [states.get(f"{name}@{label}", "") for label in labels])
    elif "foreach" in step.planned:  # how many is known once it has been listed
        known = [state for key, state in states.items() if key.startswith(f"{name}@")]
        yield _folded(node, len(known), known) if known else replace(node, label=f"{step.name} {TIMES}n")
    else:
        yield node


def _folded(node: Node, count: int, each: Sequence[str]) -> Node:
    """Return the node that stands for all instances of a step."""
    worst = next((state for state in WORST if state in each), node.state)
    counts = {state: each.count(state) for state in (*WORST[::-1], "frozen") if state in each}
    note = ", ".join(f"{number} {state}" for state, number in counts.items()) if len(counts) > 1 else ""
    return replace(node, label=f"{node.label} {TIMES}{count}", count=count, state=worst, note=note)


def _edges(experiment: str, steps: Sequence[_Step]) -> Iterator[tuple[str, str]]:
    """Yield what is given to what; the result gathers the steps that no other step reads."""
    by_name = {step.name: step for step in steps}
    read: set[str] = set()
    for step in steps:
        ids = step.ids(experiment)
        for data in dict.fromkeys(step.data):
            yield from ((f"{experiment}:data.{data}", own) for own in ids)
        for needed in needs(step.planned):
            read.add(needed)
            sources = by_name[needed].ids(experiment)
            if step.labels and needed in _along(step) and by_name[needed].labels == step.labels:
                yield from zip(sources, ids, strict=True)
            else:
                yield from ((source, own) for own in ids for source in sources)
    for step in steps:
        if step.name not in read:
            yield from ((own, experiment) for own in step.ids(experiment))


def _along(step: _Step) -> set[str]:
    """Return the steps of which an instance gets the one with its own label."""
    return {*step.planned.get("along", ()), step.planned.get("foreach", {}).get("along", "")}


def needed_for(graph: Graph, target: str) -> Graph:
    """Return the part of a graph that one step needs, itself included; ``target`` is ``penguins.train``.

    Of a swept step, all of its instances, unless it is one that is named.
    """
    step = step_of(target)[0]
    wanted = {node.id for node in graph.nodes if target in (node.id, step_of(node.id)[0]) and node.kind != "result"}
    if not wanted:  # an instance of a step that is folded
        wanted = {node.id for node in graph.nodes if node.id == step}
    above: dict[str, list[str]] = {}
    for source, to in graph.edges:
        above.setdefault(to, []).append(source)
    queue = list(wanted)
    while queue:
        new = [source for source in above.get(queue.pop(), ()) if source not in wanted]
        wanted.update(new)
        queue += new
    return replace(
        graph,
        nodes=tuple(node for node in graph.nodes if node.id in wanted),
        edges=tuple(edge for edge in graph.edges if edge[0] in wanted and edge[1] in wanted),
    )
