"""Figures that come out the same, bit for bit, whenever they are drawn."""

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.rcParams["svg.hashsalt"] = "nivis"  # else every SVG has random identifiers


def new_axes(*, title: str, xlabel: str, ylabel: str) -> Axes:
    """Return empty axes of a new figure, without pyplot and its global state."""
    axes = Figure(figsize=(5, 4), layout="constrained").subplots()
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return axes


def save(axes: Axes, path) -> None:
    """Write the figure as SVG, without the date."""
    axes.figure.savefig(path, format="svg", metadata={"Date": None})
