"""Compare a metric of a step, or of each of its instances, with a floor or a ceiling.

    {"held": false, "seen": "train.accuracy = 0.87", "found": [{"what": "train.accuracy is 0.87, less than 0.9"}]}

Environment: rulesPath (bounds), step, key (of the metric, dotted), madePath (JSON: label and path of each output),
files (JSON: names of metrics files), metrics (metrics.py), out.
"""

import json
import os
import runpy

SHOWN = 3  # instances of one that held


def flat(metrics, prefix=""):
    """Yield nested metrics as dotted names and values."""
    for name, value in metrics.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def judge(name, key, values, bounds):
    """Return the value as text and what is wrong with it, if anything is."""
    if key not in values:
        known = ", ".join(sorted(values)) or "none"
        return None, f"{name} is not there; its metrics are: {known}"
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return json.dumps(value), f"{name} is {'not a number' if value is None else json.dumps(value)}"
    if "at-least" in bounds and value < bounds["at-least"]:
        return repr(value), f"{name} is {value!r}, less than {bounds['at-least']!r}"
    if "at-most" in bounds and value > bounds["at-most"]:
        return repr(value), f"{name} is {value!r}, more than {bounds['at-most']!r}"
    return repr(value), None


def examine(step, key, outputs, files, bounds, merged):
    """Return the document that check.json holds."""
    seen, found = [], []
    for output in outputs:
        called = f"{step}@{output['label']}" if "label" in output else step
        try:
            values = dict(flat(merged(files, output["path"], called)))
        except SystemExit as error:
            found.append({"what": str(error)})
            continue
        value, wrong = judge(f"{called}.{key}", key, values, bounds)
        seen += [f"{called}.{key} = {value}"] if value is not None else []
        found += [{"what": wrong}] if wrong else []
    more = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
    return {"held": not found, "seen": ", ".join(seen[:SHOWN]) + more, "found": found}


def main():
    """Read, compare, write."""
    environ = os.environ
    with open(environ["rulesPath"], encoding="utf-8") as file:
        bounds = json.load(file)
    with open(environ["madePath"], encoding="utf-8") as file:
        outputs = json.load(file)
    merged = runpy.run_path(environ["metrics"])["merged"]
    document = examine(environ["step"], environ["key"], outputs, json.loads(environ["files"]), bounds, merged)
    print("\n".join([document["seen"], *(finding["what"] for finding in document["found"])]))
    os.mkdir(environ["out"])
    with open(f"{environ['out']}/check.json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
