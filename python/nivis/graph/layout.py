"""Where the nodes of a graph are drawn: layers side by side, in each the nodes one below the other.

Positions are found in a frame of two axes: ``along`` the flow, from layer to layer, and ``across`` it.
Across, every node is drawn to the mean of its neighbours; where nodes would overlap, those that touch share the
difference (isotonic regression: the least sum of squares that keeps order and distance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nivis.graph.model import Graph, layers_of
from nivis.graph.order import Edge, Layered, ordered

PASSES = 24
THREAD = 8.0  # what an edge that passes a layer takes of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Every node's box, every edge's stations (pairs of points: where it enters and leaves a layer), and the size."""

    boxes: Mapping[str, Box]
    stations: Mapping[Edge, Sequence[tuple[float, float]]]
    width: float
    height: float
    downwards: bool


def lay_out(
    graph: Graph, sizes: Mapping[str, tuple[float, float]], *, downwards: bool, gap: float, between: float
) -> Layout:
    """Place the nodes; ``sizes`` are width and height, ``gap`` lies between neighbours, ``between`` between layers."""
    layered = ordered(layers_of(graph), graph.edges)
    extent = {node: (height, width) if downwards else (width, height) for node, (width, height) in sizes.items()}
    breadth = {node: extent[node][1] if node in extent else THREAD for layer in layered.layers for node in layer}
    across = _across(layered, breadth, gap)
    starts, depths = _along(layered, extent, between)
    frame = max((across[node] + breadth[node] / 2 for node in across), default=0.0)
    length = starts[-1] + depths[-1] if starts else 0.0
    boxes: dict[str, Box] = {}
    level = {node: number for number, layer in enumerate(layered.layers) for node in layer}
    for node, (width, height) in sizes.items():
        number = level[node]
        along = starts[number] + (depths[number] - extent[node][0]) / 2
        side = across[node] - breadth[node] / 2
        x, y = (side, along) if downwards else (along, side)
        boxes[node] = Box(x=x, y=y, width=width, height=height)
    stations = {}
    for edge, chain in layered.chains.items():
        points = []
        for index, place in enumerate(chain):
            number = level[place]
            depth = extent[place][0] if place in extent else depths[number]
            start = starts[number] + (depths[number] - depth) / 2
            ends = [start + depth] if index == 0 else [start] if index == len(chain) - 1 else [start, start + depth]
            points += [(across[place], end) if downwards else (end, across[place]) for end in ends]
        stations[edge] = points
    width, height = (frame, length) if downwards else (length, frame)
    return Layout(boxes=boxes, stations=stations, width=width, height=height, downwards=downwards)


def _along(
    layered: Layered, extent: Mapping[str, tuple[float, float]], between: float
) -> tuple[list[float], list[float]]:
    """Return where each layer begins, and how deep it is."""
    starts, depths, at = [], [], 0.0
    for layer in layered.layers:
        starts.append(at)
        depths.append(max((extent[node][0] for node in layer if node in extent), default=0.0))
        at += depths[-1] + between
    return starts, depths


def _across(layered: Layered, breadth: Mapping[str, float], gap: float) -> dict[str, float]:
    """Return the middle of every node, none below zero."""
    place: dict[str, float] = {}
    for layer in layered.layers:
        at = 0.0
        for node in layer:
            place[node] = at + breadth[node] / 2
            at += breadth[node] + gap
    for number in range(PASSES):
        down = number % 2 == 0
        joined = layered.above if down else layered.below
        for layer in layered.layers if down else layered.layers[::-1]:
            near = [joined.get(node, ()) for node in layer]
            wanted = [
                sum(place[other] for other in others) / len(others) if others else place[node]
                for node, others in zip(layer, near, strict=True)
            ]
            # Long edges are straight first of all, then whatever many depend on; what nothing pulls gives way.
            weights = [
                (8.0 if "\0" in node else 1.0 + len(others) / 4) if others else 0.1
                for node, others in zip(layer, near, strict=True)
            ]
            place.update(zip(layer, _apart(wanted, weights, [breadth[node] for node in layer], gap), strict=True))
    least = min((place[node] - breadth[node] / 2 for node in place), default=0.0)
    return {node: round(middle - least, 2) for node, middle in place.items()}


def _apart(wanted: Sequence[float], weights: Sequence[float], breadths: Sequence[float], gap: float) -> list[float]:
    """Return positions near to the wanted ones, in their order and without overlap (pool adjacent violators)."""
    offsets, offset = [], 0.0
    for index, breadth in enumerate(breadths):
        offset += (breadths[index - 1] + breadth) / 2 + gap if index else 0.0
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, heavy, count = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, more, many = blocks.pop()
            mean = (mean * heavy + other * more) / (heavy + more)
            heavy, count = heavy + more, count + many
        blocks.append((mean, heavy, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
