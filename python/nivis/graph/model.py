"""A graph of experiments, ready to be written in any format: what is drawn, and in which state it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEEP = 8  # layers: a longer chain runs downwards, since pages are narrow and scroll


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A data set, a step (of a swept one: all of its instances, or one), a check, or an experiment's result."""

    id: str  # unique: "penguins.train", "penguins.train@c=0.1", "penguins:data.penguins", "penguins"
    kind: str  # data, step, check, result
    experiment: str
    label: str
    state: str = ""  # built, stale, missing, failed, frozen, unlocked; held, warned, blocked; empty for data
    note: str = ""  # a few words below the label
    count: int | None = None  # instances that it stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in the order of their experiments, what is needed before what needs it; edges are pairs of ids."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    titles: Mapping[str, str]  # of the experiments

    def states(self) -> list[str]:
        """Return the states that occur, for a legend."""
        found = {node.state for node in self.nodes}
        return [state for state in PALETTE if state in found]

    def part(self, experiment: str) -> Graph:
        """Return one experiment's graph."""
        nodes = tuple(node for node in self.nodes if node.experiment == experiment)
        own = {node.id for node in nodes}
        edges = tuple(edge for edge in self.edges if edge[0] in own)
        return Graph(nodes=nodes, edges=edges, titles={experiment: self.titles[experiment]})


@dataclass(frozen=True, slots=True)
class Colors:
    """How a state is painted."""

    fill: str
    line: str
    dashed: bool = False


# Told apart in greyscale and by the colour-blind as well: by lightness, a dash and the word below the label.
PALETTE: Mapping[str, Colors] = {
    "built": Colors("#e3f4e6", "#2f8f46"),
    "stale": Colors("#fff1d6", "#c17d00"),
    "missing": Colors("#f6f8fa", "#6e7b8a", dashed=True),
    "failed": Colors("#fde4e1", "#c62f24"),
    "frozen": Colors("#dfeefc", "#2468b5"),
    "held": Colors("#e3f4e6", "#2f8f46"),
    "warned": Colors("#fff1d6", "#c17d00"),
    "blocked": Colors("#fde4e1", "#c62f24"),
    "unlocked": Colors("#f3e8fb", "#8250b8", dashed=True),
}
DATA = Colors("#eceff3", "#57606a")
PLAIN = Colors("#ffffff", "#57606a")


def colors_of(node: Node) -> Colors:
    """Return how a node is painted."""
    return DATA if node.kind == "data" else PALETTE.get(node.state, PLAIN)


def layers_of(graph: Graph) -> dict[str, int]:
    """Return the layer of each node: after all that it needs, data just before the first step that reads it."""
    needs: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    used: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for source, target in graph.edges:
        needs[target].append(source)
        used[source].append(target)
    layers: dict[str, int] = {}
    for node in graph.nodes:  # what is needed comes first
        layers[node.id] = max((layers[source] + 1 for source in needs[node.id]), default=0)
    for node in graph.nodes:
        if not needs[node.id] and used[node.id]:
            layers[node.id] = min(layers[target] for target in used[node.id]) - 1
    return layers


def is_deep(graph: Graph) -> bool:
    """Tell whether the graph is to run downwards instead of to the right."""
    return max(layers_of(graph).values(), default=0) >= DEEP
