"""Lay out an experiment's result from its steps' outputs.

    steps/<step>          a link to the step's output; of a swept step, a folder of links by label
    figures/<step>-<plot> a link to every plot; <step>-<label>-<plot> of an instance
    metrics.json          {"train": {"accuracy": 0.97}}, {"train": {"c=0.1": {"accuracy": 0.97}}}
    hashes.txt            sha256 of every file of every step, for `sha256sum -c`
    provenance.json       what it was made from

Environment: stepsPath, provenancePath, out.
"""

import hashlib
import json
import math
import os
import sys
import tomllib

import yaml

OUT = os.environ["out"]


def load(path):
    """Read one metrics file by its ending: JSON, YAML or TOML."""
    with open(path, "rb") as file:
        if path.endswith(".toml"):
            return tomllib.load(file)
        return yaml.safe_load(file) if path.endswith((".yaml", ".yml")) else json.load(file)


def called(step, separator="@"):
    """Return an entry's name: the step's, with its label if it is an instance."""
    return f"{step['name']}{separator}{step['label']}" if "label" in step else step["name"]


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


def merged_metrics(step):
    """Join the metrics files of one step; a name that two of them have is kept below the file's name."""
    merged = {}
    for name in step["metrics"]:
        place = f"steps.{called(step)}.metrics: {name}"
        try:
            metrics = load(os.path.join(step["out"], name))
        except (OSError, ValueError, yaml.YAMLError) as error:
            sys.exit(f"{place} is not readable: {' '.join(str(error).split())}")
        if not isinstance(metrics, dict):
            sys.exit(f"{place} must be a table of numbers, but it is a {type(metrics).__name__}")
        metrics = plain(metrics, place)
        if merged.keys() & metrics.keys():
            metrics = {os.path.splitext(name)[0]: metrics}
        merged.update(metrics)
    return merged


def link_figures(step):
    """Link the plots; a file name is kept where no other step uses it."""
    for name in step["plots"]:
        target = f"{OUT}/figures/{called(step, '-')}-{name.replace('/', '-')}"
        os.symlink(os.path.join(step["out"], name), target)


def all_metrics(steps):
    """Return what metrics.json holds."""
    metrics = {}
    for step in steps:
        if step["metrics"] and "label" in step:
            metrics.setdefault(step["name"], {})[step["label"]] = merged_metrics(step)
        elif step["metrics"]:
            metrics[step["name"]] = merged_metrics(step)
    return metrics


def files(folder):
    """Yield the regular files below ``folder``, sorted, relative to it."""
    if os.path.isfile(folder):
        yield ""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, folder)


def hash_line(path, name):
    """Write one line as `sha256sum` does: a name with a backslash or a line break is escaped."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{chr(92) if escaped != name else ''}{digest}  {escaped}\n"


def dump(path, value):
    """Write JSON, sorted."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")


def main():
    """Build the result."""
    with open(os.environ["stepsPath"], encoding="utf-8") as file:
        steps = json.load(file)
    with open(os.environ["provenancePath"], encoding="utf-8") as file:
        provenance = json.load(file)
    for part in {"experiment", "params", "overrides"} & provenance.keys():
        provenance[part] = json.loads(provenance[part])  # JSON inside JSON: Nix 2.8 writes floats with six digits
    for step in provenance["steps"].values():
        for instance in step.get("instances", {}).values():
            instance["values"] = json.loads(instance["values"])
    os.makedirs(f"{OUT}/steps")
    os.makedirs(f"{OUT}/figures")
    for name, step in provenance["steps"].items():
        if "instances" in step:  # none, perhaps
            os.makedirs(f"{OUT}/steps/{name}")
    lines = []
    for step in steps:
        place = f"steps/{called(step, '/')}"
        os.symlink(step["out"], f"{OUT}/{place}")
        link_figures(step)
        lines += [hash_line(os.path.join(step["out"], name), f"{place}/{name}") for name in files(step["out"])]
    dump(f"{OUT}/metrics.json", all_metrics(steps))
    dump(f"{OUT}/provenance.json", provenance)
    with open(f"{OUT}/hashes.txt", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(lines)


main()
