"""The order of nodes in each layer: as few crossings of edges as a few sweeps find.

Sugiyama's method (Sugiyama, Tagawa, Toda 1981): edges over several layers get a place in each layer between, then
layers are sorted by the mean position of what they are joined to, back and forth. All ties keep the order that was
there, so that the same graph is always drawn the same.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 12

Edge = tuple[str, str]


@dataclass(slots=True)
class Layered:
    """Nodes in layers; ``chains`` has the places that an edge runs through, its two ends included."""

    layers: list[list[str]]
    chains: dict[Edge, list[str]] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)


def ordered(layer_of: Mapping[str, int], edges: Sequence[Edge]) -> Layered:
    """Put nodes into layers, in an order with few crossings; ``layer_of`` is in the order that ties keep."""
    found = Layered([[] for _ in range(max(layer_of.values(), default=-1) + 1)])
    for node, layer in layer_of.items():
        found.layers[layer].append(node)
    for edge in edges:
        _add_chain(found, edge, layer_of)
    best, fewest = [list(layer) for layer in found.layers], _crossings(found)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        downwards = sweep % 2 == 0
        numbers = range(1, len(found.layers)) if downwards else range(len(found.layers) - 2, -1, -1)
        for number in numbers:
            _sort(found, number, number - 1 if downwards else number + 1, found.above if downwards else found.below)
        crossings = _crossings(found)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in found.layers], crossings
    found.layers = best
    return found


def _add_chain(found: Layered, edge: Edge, layer_of: Mapping[str, int]) -> None:
    """Give an edge a place in each layer that it passes."""
    source, target = edge
    between = range(layer_of[source] + 1, layer_of[target])
    chain = [source, *(f"{source}\0{target}\0{layer}" for layer in between), target]
    for layer, place in zip(between, chain[1:-1], strict=True):
        found.layers[layer].append(place)
    for one, other in pairwise(chain):
        found.below.setdefault(one, []).append(other)
        found.above.setdefault(other, []).append(one)
    found.chains[edge] = chain


def _sort(found: Layered, number: int, beside: int, joined: Mapping[str, Sequence[str]]) -> None:
    """Sort one layer by the mean position of its neighbours in another; what has none stays where it is."""
    place = {node: index for index, node in enumerate(found.layers[beside])}
    means = {}
    for index, node in enumerate(found.layers[number]):
        others = joined.get(node, ())
        means[node] = sum(place[other] for other in others) / len(others) if others else float(index)
    found.layers[number].sort(key=means.__getitem__)


def _crossings(found: Layered) -> int:
    """Count the pairs of edges that cross between neighbouring layers."""
    count = 0
    for upper, lower in pairwise(found.layers):
        place = {node: index for index, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            ends = sorted(place[other] for other in found.below.get(node, ()))
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count
