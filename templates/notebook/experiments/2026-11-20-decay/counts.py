"""Simulate how many decays a counter sees in each second: counts.py SEED HALF-LIFE TABLE."""

import random
import sys
from pathlib import Path

seed, half_life, table = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
noise = random.Random(seed)
lines = ["second,count"]
for second in range(20):
    expected = 10_000 * 0.5 ** (second / half_life)
    lines.append(f"{second},{round(noise.gauss(expected, expected**0.5))}")
table.write_text("\n".join(lines) + "\n")
