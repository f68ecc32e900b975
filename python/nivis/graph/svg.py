"""A graph as an SVG image: self-contained, without scripts or fonts of its own, the same bytes for the same graph.

Laid out here rather than by Graphviz: its layout differs between versions, and few machines have it. Whoever wants it
has ``--format dot``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from nivis.graph.layout import Box, Layout, lay_out
from nivis.graph.model import DATA, PALETTE, Colors, Graph, Node, colors_of, is_deep

FONT = "ui-sans-serif, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
LABEL, NOTE = 13.0, 10.5  # font sizes
LONGEST = 34  # characters of a line; the whole text is in the tooltip
MARGIN, GAP, BETWEEN = 20.0, 16.0, 56.0
HEADING = 30.0
LEGEND = 34.0
_STYLE = f"""
    text {{ font-family: {FONT}; fill: #1f2328; dominant-baseline: central; text-anchor: middle }}
    .label {{ font-size: {LABEL:g}px; font-weight: 500 }}
    .note {{ font-size: {NOTE:g}px; fill: #59636e }}
    .title {{ font-size: 14px; font-weight: 600; text-anchor: start }}
    .legend {{ font-size: 11px; text-anchor: start; fill: #59636e }}
    .edge {{ fill: none; stroke: #8c959f; stroke-width: 1.4 }}"""


def svg(graph: Graph) -> str:
    """Return the image; experiments stand one below the other, a legend at the bottom."""
    panels = [_Panel(graph.part(name), several=len(graph.titles) > 1) for name in sorted(graph.titles)]
    legend = _legend(graph)
    width = max([panel.width for panel in panels] + [_legend_width(legend)], default=0.0) + 2 * MARGIN
    body: list[str] = []
    y = MARGIN
    for panel in panels:
        body += panel.lines(MARGIN, y)
        y += panel.height + MARGIN
    if legend:
        body += _legend_lines(legend, MARGIN, y)
        y += LEGEND
    return "\n".join([*_head(width, y), *body, "</svg>"]) + "\n"


def _head(width: float, height: float) -> Iterator[str]:
    size = f'width="{_number(width)}" height="{_number(height)}" viewBox="0 0 {_number(width)} {_number(height)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Graph of experiments">'
    yield f"  <style>{_STYLE}\n  </style>"
    yield '  <defs><marker id="tip" viewBox="0 0 8 8" refX="7.2" refY="4"'
    yield '    markerWidth="7" markerHeight="7" orient="auto">'
    yield '    <path d="M0.5 0.8 L7.2 4 L0.5 7.2 z" fill="#8c959f"/></marker></defs>'
    yield f'  <rect width="{_number(width)}" height="{_number(height)}" rx="8" fill="#ffffff"/>'


class _Panel:
    """One experiment's picture."""

    def __init__(self, graph: Graph, *, several: bool) -> None:
        self.graph = graph
        [(name, title)] = graph.titles.items()
        self.title = f"{name}: {title}" if title and several else title or (name if several else "")
        self.layout = lay_out(
            graph,
            {node.id: _size(node) for node in graph.nodes},
            downwards=is_deep(graph),
            gap=GAP,
            between=BETWEEN,
        )
        self.top = HEADING if self.title else 0.0
        self.width = max(self.layout.width, text_width(self.title, 14) * 1.05)
        self.height = self.layout.height + self.top

    def lines(self, x: float, y: float) -> Iterator[str]:
        """Yield the elements, moved to a place."""
        if self.title:
            yield f'  <text class="title" x="{_number(x)}" y="{_number(y + 8)}">{escape(self.title)}</text>'
        yield f'  <g transform="translate({_number(x)} {_number(y + self.top)})">'
        yield from (f"    {_edge(points, self.layout)}" for points in self.layout.stations.values())
        for node in self.graph.nodes:
            yield from (f"    {line}" for line in _node(node, self.layout.boxes[node.id]))
        yield "  </g>"


def _size(node: Node) -> tuple[float, float]:
    text = max(text_width(shortened(node.label), LABEL) * 1.06, text_width(shortened(node.note), NOTE))
    return max(64.0, text + (36 if node.kind in {"result", "check"} else 28)), (46.0 if node.note else 34.0) + 4 * (
        node.kind == "data"
    )


def _edge(points: Sequence[tuple[float, float]], layout: Layout) -> str:
    """Draw an edge through its stations: straight through a layer, in a bow between two."""
    (x, y), *rest = points
    path = [f"M{_number(x)} {_number(y)}"]
    for index, (next_x, next_y) in enumerate(rest):
        if index % 2:
            path.append(f"L{_number(next_x)} {_number(next_y)}")
        elif layout.downwards:
            half = (y + next_y) / 2
            path.append(f"C{_numbers(x, half, next_x, half, next_x, next_y)}")
        else:
            half = (x + next_x) / 2
            path.append(f"C{_numbers(half, y, half, next_y, next_x, next_y)}")
        x, y = next_x, next_y
    return f'<path class="edge" marker-end="url(#tip)" d="{" ".join(path)}"/>'


def _node(node: Node, box: Box) -> Iterator[str]:
    colors = colors_of(node)
    middle, center = box.x + box.width / 2, box.y + box.height / 2
    yield f"<g><title>{escape(_tooltip(node))}</title>"
    yield f"  {_shape(node, box, colors)}"
    lower = 3.5 if node.kind == "data" else 0.0  # below the lid of the drum
    yield f"  {_text('label', middle, center + lower - (8.5 if node.note else 0.0), shortened(node.label))}"
    if node.note:
        yield f"  {_text('note', middle, center + lower + 8.5, shortened(node.note))}"
    yield "</g>"


def _tooltip(node: Node) -> str:
    name = node.id.partition(":")[2] or node.id
    return " · ".join(part for part in (name, node.state, node.note) if part)


def _shape(node: Node, box: Box, colors: Colors) -> str:
    dash = ' stroke-dasharray="4 3"' if colors.dashed else ""
    paint = f'fill="{colors.fill}" stroke="{colors.line}" stroke-width="{2 if node.kind == "result" else 1.4}"{dash}'
    x, y, width, height = box.x, box.y, box.width, box.height
    if node.kind == "data":  # a drum
        bend = 5.0
        arc = f"a{_numbers(width / 2, bend)} 0 0 0"
        top = f"M{_numbers(x, y + bend)} {arc} {_number(width)} 0"
        side = f"M{_numbers(x, y + bend)} v{_number(height - 2 * bend)} {arc} {_number(width)} 0"
        back = f"V{_number(y + bend)} {arc} {_number(-width)} 0 z"
        return (
            f'<path {paint} d="{side} {back}"/><path fill="none" stroke="{colors.line}" stroke-width="1.4" d="{top}"/>'
        )
    if node.kind == "check":  # a hexagon
        points = [(x, 0.5), (x + 11, 0), (x + width - 11, 0), (x + width, 0.5), (x + width - 11, 1), (x + 11, 1)]
        corners = " ".join(f"{_number(across)},{_number(y + share * height)}" for across, share in points)
        return f'<polygon {paint} stroke-linejoin="round" points="{corners}"/>'
    radius = height / 2 if node.kind == "result" else 7.0
    place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f'<rect {place} rx="{_number(radius)}" {paint}/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{_number(x)}" y="{_number(y)}">{escape(text)}</text>'


# ---------------------------------------------------------------------------------------------- legend

_SWATCH = 22.0


def _legend(graph: Graph) -> Mapping[str, Colors]:
    entries = {state: PALETTE[state] for state in graph.states()}
    if entries and any(node.kind == "data" for node in graph.nodes):
        return {"data": DATA, **entries}
    return entries


def _legend_width(entries: Mapping[str, Colors]) -> float:
    return sum(_SWATCH + text_width(name, 11) + 22 for name in entries)


def _legend_lines(entries: Mapping[str, Colors], x: float, y: float) -> Iterator[str]:
    for name, colors in entries.items():
        dash = ' stroke-dasharray="3 2"' if colors.dashed else ""
        place = f'x="{_number(x)}" y="{_number(y)}" width="16" height="12" rx="{2 if name == "data" else 4}"'
        yield f"  <rect {place} fill={quoteattr(colors.fill)} stroke={quoteattr(colors.line)}{dash}/>"
        yield f'  <text class="legend" x="{_number(x + _SWATCH)}" y="{_number(y + 6.5)}">{name}</text>'
        x += _SWATCH + text_width(name, 11) + 22


# ------------------------------------------------------------------------------------------------ text

_NARROW, _WIDE = frozenset("fijlrtI.,:;'|![]()/ "), frozenset("mwMW@%")


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, rather too wide: which font draws it is not known."""
    return size * sum(_share(char) for char in text)


def _share(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.36 if char in _NARROW else 0.92 if char in _WIDE else 0.7 if char.isupper() else 0.6


def shortened(text: str) -> str:
    """Return a text with its middle left out if it is long: the ends tell names apart."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 13]}…{text[-12:]}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _numbers(*values: float) -> str:
    return " ".join(map(_number, values))
