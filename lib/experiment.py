"""Lay out an experiment's result from its steps' outputs.

    steps/<step>          a link to the step's output; of a swept step, a folder of links by label
    figures/<step>-<plot> a link to every plot; <step>-<label>-<plot> of an instance
    metrics.json          {"train": {"accuracy": 0.97}}, {"train": {"c=0.1": {"accuracy": 0.97}}}
    hashes.txt            sha256 of every file of every step, for `sha256sum -c`
    provenance.json       what it was made from
    checks/<check>        a link to the check's output
    checks.json           {"bills": {"severity", "why", "fix", "held", "seen", "found"}}; only where there are checks

Environment: stepsPath, provenancePath, checks (JSON: of each severity, why, fix and out), metrics (metrics.py), out.
"""

import hashlib
import json
import os
import runpy

OUT = os.environ["out"]
MERGED = runpy.run_path(os.environ["metrics"])["merged"]


def called(step, separator="@"):
    """Return an entry's name: the step's, with its label if it is an instance."""
    return f"{step['name']}{separator}{step['label']}" if "label" in step else step["name"]


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
            metrics.setdefault(step["name"], {})[step["label"]] = MERGED(step["metrics"], step["out"], called(step))
        elif step["metrics"]:
            metrics[step["name"]] = MERGED(step["metrics"], step["out"], called(step))
    return metrics


def files(folder):
    """Yield the regular files below ``folder``, sorted, relative to it."""
    if os.path.isfile(folder):
        yield ""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = f"{directory}/{name}"
            if os.path.isfile(path):
                yield path[len(folder) + 1 :]


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


def all_checks():
    """Link the checks' outputs and return what checks.json holds."""
    checks = {}
    os.mkdir(f"{OUT}/checks")
    for name, check in json.loads(os.environ.get("checks", "{}")).items():
        out = check.pop("out")
        os.symlink(out, f"{OUT}/checks/{name}")
        with open(f"{out}/check.json", encoding="utf-8") as file:
            checks[name] = {**check, **json.load(file)}
    return checks


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
    if "checks" in os.environ:
        dump(f"{OUT}/checks.json", all_checks())
    with open(f"{OUT}/hashes.txt", "w", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(lines)


main()
