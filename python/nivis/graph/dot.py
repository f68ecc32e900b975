"""A graph in Graphviz's language (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from collections.abc import Iterator

from nivis.graph.model import PALETTE, Colors, Graph, Node, colors_of, is_deep

_SHAPES = {"data": "cylinder", "step": "box", "check": "hexagon", "result": "box"}


def dot(graph: Graph) -> str:
    """Return the text of a digraph; a cluster for each experiment where there are several, and a legend."""
    return "\n".join(["digraph nivis {", *(f"  {line}" for line in _lines(graph)), "}"]) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield f"rankdir={'TB' if is_deep(graph) else 'LR'}; nodesep=0.2; ranksep=0.5;"
    yield 'node [fontname="Helvetica,Arial,sans-serif", fontsize=11, style="filled,rounded"];'
    yield 'edge [color="#8c959f", arrowsize=0.7];'
    several = len(graph.titles) > 1
    for number, experiment in enumerate(sorted(graph.titles)):
        if several:
            yield f"subgraph cluster_{number} {{"
            yield f'  label={_quoted(experiment)}; color="#d0d7de"; style=rounded; fontname="Helvetica"; fontsize=12;'
        yield from (f"{'  ' * several}{_node(node)}" for node in graph.nodes if node.experiment == experiment)
        if several:
            yield "}"
    yield from (f"{_quoted(source)} -> {_quoted(target)};" for source, target in graph.edges)
    states = graph.states()
    if states:
        yield "subgraph cluster_legend {"
        yield '  label="Legend"; color="#d0d7de"; style=rounded; fontname="Helvetica"; fontsize=10;'
        for state in states:
            size = "fontsize=9, height=0.25, width=0.5"
            yield f"  {_quoted(f':{state}')} [label={_quoted(state)}, shape=box, {size}, {_style(PALETTE[state])}];"
        if len(states) > 1:  # in a row
            yield f"  {' -> '.join(_quoted(f':{state}') for state in states)} [style=invis];"
        yield "}"


def _node(node: Node) -> str:
    label = "\n".join(part for part in (node.label, node.note) if part)
    return f"{_quoted(node.id)} [label={_quoted(label)}, shape={_SHAPES[node.kind]}, {_style(colors_of(node), node)}];"


def _style(colors: Colors, node: Node | None = None) -> str:
    style = ",".join(
        part
        for part in (
            "filled",
            "" if node and node.kind in {"data", "check"} else "rounded",
            "dashed" if colors.dashed else "",
        )
        if part
    )
    wide = ", penwidth=2" if node and node.kind == "result" else ""
    return f'style="{style}", fillcolor="{colors.fill}", color="{colors.line}"{wide}'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
