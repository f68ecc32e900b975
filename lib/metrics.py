"""Read what a step wrote as its metrics; used by the builders of results and checks (runpy), not a builder itself.

Environment: nothing.
"""

import json
import math
import os
import sys


def load(path):
    """Read one metrics file by its ending: JSON, YAML or TOML."""
    with open(path, "rb") as file:
        if path.endswith(".toml"):
            import tomllib  # where there is little to do, importing takes as long as all else

            return tomllib.load(file)
        if path.endswith((".yaml", ".yml")):
            import yaml

            try:
                return yaml.safe_load(file)
            except yaml.YAMLError as error:
                raise ValueError(error) from error
        return json.load(file)


def plain(value, place):
    """Return what JSON can say: names as text, null for a number that is none, and nothing but values it knows."""
    if isinstance(value, dict):
        return {str(key): plain(item, place) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, place) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return sys.exit(f"{place} has the value {value}, which is neither a number nor text: write it in quotes")


def merged(names, folder, step):
    """Join the metrics files of one step; a name that two of them have is kept below the file's name."""
    found = {}
    for name in names:
        place = f"steps.{step}.metrics: {name}"
        try:
            metrics = load(os.path.join(folder, name))
        except (OSError, ValueError) as error:
            sys.exit(f"{place} is not readable: {' '.join(str(error).split())}")
        if not isinstance(metrics, dict):
            sys.exit(f"{place} must be a table of numbers, but it is a {type(metrics).__name__}")
        metrics = plain(metrics, place)
        if found.keys() & metrics.keys():
            metrics = {os.path.splitext(name)[0]: metrics}
        found.update(metrics)
    return found
