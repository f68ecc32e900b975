"""Say in words what the fit found: conclude.py METRICS CONCLUSION."""

import json
import sys
from pathlib import Path

metrics, conclusion = map(Path, sys.argv[1:])
distance = json.loads(metrics.read_text())["distance"]
verdict = "close to" if distance <= 0.05 else "far from"
conclusion.write_text(f"The sum of the dice is {verdict} normal: the distributions differ by {distance:.1%} at most.\n")
