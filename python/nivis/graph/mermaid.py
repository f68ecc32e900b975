"""A graph in Mermaid's flowchart syntax (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nivis.graph.model import DATA, PALETTE, Graph, Node, is_deep

_SHAPES = {"data": ("[(", ")]"), "step": ("(", ")"), "check": ("{{", "}}"), "result": ("([", "])")}
_ODD = re.compile(r"\W+", re.ASCII)


def mermaid(graph: Graph) -> str:
    """Return the text of a flowchart; a legend where anything has a state."""
    return "\n".join([f"flowchart {_direction(graph)}", *_lines(graph)]) + "\n"


def _direction(graph: Graph) -> str:
    return "TD" if is_deep(graph) else "LR"


def _lines(graph: Graph) -> Iterator[str]:
    ids = _ids(graph.nodes)
    several = len(graph.titles) > 1
    for number, experiment in enumerate(sorted(graph.titles)):
        nodes = [node for node in graph.nodes if node.experiment == experiment]
        if several:
            yield f"  subgraph experiment{number}[{_quoted(experiment)}]"
            yield f"    direction {_direction(graph)}"
        yield from (f"  {'  ' * several}{_node(node, ids[node.id])}" for node in nodes)
        if several:
            yield "  end"
    yield from (f"  {ids[source]} --> {ids[target]}" for source, target in graph.edges)
    states = graph.states()
    if states:
        yield f"  subgraph legend[{_quoted('Legend')}]"
        yield "    direction LR"
        # links that are not drawn put them in a row
        yield "    " + " ~~~ ".join(f"legend_{state}({_quoted(state)}):::{state}" for state in states)
        yield "  end"
    frames = [*(f"experiment{number}" for number in range(len(graph.titles) * several)), *["legend"][: len(states)]]
    yield from (f"  style {frame} fill:none,stroke:#d0d7de" for frame in frames)
    yield f"  classDef data fill:{DATA.fill},stroke:{DATA.line},color:#1f2328"
    for state in states:
        colors = PALETTE[state]
        dash = ",stroke-dasharray:4 3" if colors.dashed else ""
        yield f"  classDef {state} fill:{colors.fill},stroke:{colors.line},color:#1f2328{dash}"


def _node(node: Node, name: str) -> str:
    left, right = _SHAPES[node.kind]
    text = "<br/>".join(_escaped(part) for part in (node.label, node.note) if part)
    style = node.kind if node.kind == "data" else node.state
    return f'{name}{left}"{text}"{right}{f":::{style}" if style else ""}'


def _ids(nodes: Sequence[Node]) -> dict[str, str]:
    """Return names that Mermaid accepts, near to the ids: a later node does not rename an earlier one."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        base = _ODD.sub("_", f"{node.kind}_{node.id.replace(':data.', '.')}").rstrip("_")
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        names[node.id] = name
    return names


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Write what Mermaid would read as markup as its entity codes."""
    return "".join(f"#{ord(char)};" if char in '"#<>&`\\' else char for char in text)
