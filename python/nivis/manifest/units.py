"""Amounts of memory and durations as people write them: ``2 GiB``, ``500 MB``, ``16G``; ``90 s``, ``1 h 30 min``.

kB, MB, GB, TB are powers of 1000 and KiB … TiB powers of 1024 (IEC 80000-13); a letter alone is a
power of 1024, as in Slurm, systemd and ``ulimit``.
"""

from __future__ import annotations

import re

_DURATION = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]+)", re.IGNORECASE)
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<prefix>[kmgt]?)(?P<suffix>i?b|)\Z", re.IGNORECASE)


def parse_memory(text: str) -> int | None:
    """Return the bytes that ``text`` stands for, or None if it is no amount of memory."""
    match = _AMOUNT.match(text.strip())
    if match is None or (match["suffix"].lower() == "ib" and not match["prefix"]):
        return None
    power = " kmgt".index(match["prefix"].lower() or " ")
    base = 1000 if match["suffix"].lower() == "b" else 1024
    return int(float(match["number"]) * base**power)


def memory_text(amount: int) -> str:
    """Return bytes as a manifest has them: ``2.0 GiB``, ``512 MiB``."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if amount >= size:
            number = amount / size
            return f"{number:.1f} {unit}" if unit == "GiB" and number < 100 else f"{number:.0f} {unit}"
    return f"{amount} B"


def parse_duration(text: str) -> int | None:
    """Return the seconds that ``text`` stands for, rounded, or None if it is no duration."""
    seconds, position = 0.0, 0
    while match := _DURATION.match(text, position):
        unit = _SECONDS.get(match["unit"].lower())
        if unit is None:
            return None
        seconds += float(match["number"]) * unit
        position = match.end()
    return None if text[position:].strip() or not position else round(seconds)
