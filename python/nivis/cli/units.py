"""Sizes and durations as people read them, and write them on the command line (pure)."""

from __future__ import annotations

import click

from nivis.errors import UsageError
from nivis.manifest.units import parse_memory


class Memory(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """An amount of memory: ``16G``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        amount = value if isinstance(value, int) else parse_memory(str(value))
        if not amount:
            where = param.opts[0] if param else ""
            raise UsageError(f"'{value}' is no amount of memory", where=where, hint="Say 16G, or 500 MB.")
        return amount


def size_text(size: float) -> str:
    """Return bytes in decimal units: ``999 B``, ``1.2 kB``, ``28.1 MB``."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def duration_text(seconds: float) -> str:
    """Return seconds as ``0.4 s``, ``12 s``, ``1 min 5 s``, ``2 h 3 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock_text(seconds: float) -> str:
    """Return seconds as on a stopwatch: ``0:07``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def plural(count: int, noun: str) -> str:
    """Return ``1 step``, ``2 steps``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
