"""Amounts of memory as people write them: ``2 GiB``, ``500 MB``, ``16G``.

kB, MB, GB, TB are powers of 1000 and KiB … TiB powers of 1024 (IEC 80000-13); a letter alone is a
power of 1024, as in Slurm, systemd and ``ulimit``.
"""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<prefix>[kmgt]?)(?P<suffix>i?b|)\Z", re.IGNORECASE)


def parse_memory(text: str) -> int | None:
    """Return the bytes that ``text`` stands for, or None if it is no amount of memory."""
    match = _AMOUNT.match(text.strip())
    if match is None or (match["suffix"].lower() == "ib" and not match["prefix"]):
        return None
    power = " kmgt".index(match["prefix"].lower() or " ")
    base = 1000 if match["suffix"].lower() == "b" else 1024
    return int(float(match["number"]) * base**power)
