"""Add up the squares of the numbers in a file: sum.py NUMBERS.txt METRICS.json."""

import json
import sys
from pathlib import Path

source, target = map(Path, sys.argv[1:])

numbers = [int(line) for line in source.read_text(encoding="utf-8").split()]
metrics = {"count": len(numbers), "sum-of-squares": sum(n * n for n in numbers)}
target.write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
