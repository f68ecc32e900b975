"""List what a fan-out runs over: the files that a step wrote, or the rows of a list that it wrote.

Environment: asked (a file, askedPath), the JSON document {"step" | "data", "kind": "files" | "rows", "path", "label",
"keys", "sources": [{"label", "path"}]} with a source for each instance of the step that is fanned out over; out, the
list of instances in the order of their names: {"label", "values": JSON text, "texts": {key: text}}, and of a file its
"source" (a label), "file" and "sha256".
"""

import csv
import glob
import hashlib
import json
import os
import re
import sys

MOST = 100_000  # instances; more is a slip
LONGEST, LONGEST_VALUE = 100, 40  # characters of a label, and of a value in it
LARGEST = 131_000  # bytes of one variable: MAX_ARG_STRLEN, less its name (execve(2))
SAFE = re.compile(r"[A-Za-z0-9._+-]+\Z")
ODD = re.compile(r"[^A-Za-z0-9._+-]+")


class Wrong(Exception):
    """What cannot be an item, in the words of an error."""


def digest(value):
    """Return what tells values with the same letters apart."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "~" + hashlib.sha256(text.encode()).hexdigest()[:8]


def value_text(value):
    """Return a value as it stands in a label."""
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= LONGEST_VALUE and SAFE.match(text):
        return text
    return ODD.sub("-", text).strip("-")[:20] + digest(value)


def label_of(parts, value):
    """Join the parts of a label; a long one, and one that cannot be a file's name, ends with a digest of ``value``."""
    label = ",".join(parts)
    if label in {"", ".", ".."}:
        return label + digest(value)
    if len(label) <= LONGEST:
        return label
    while parts and len(",".join(parts)) > LONGEST - 10:
        parts = parts[:-1]
    return ",".join([*parts, digest(value)])


def files(asked, source):
    """Yield an item for each file that the pattern matches."""
    prefix = re.match(r"(?:[^*?\[/]+/)*", asked["path"])[0]  # folders without a wildcard say nothing
    for path in sorted(glob.glob(asked["path"], root_dir=source["path"], recursive=True)):
        whole = os.path.join(source["path"], path)
        if not os.path.isfile(whole):
            continue
        try:
            path.encode()
        except UnicodeEncodeError:
            raise Wrong(f"the name of {os.fsencode(path)!r} is not UTF-8, so that it cannot be an item") from None
        with open(whole, "rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        name = os.path.basename(path)
        values = {"name": name, "path": path}
        texts = {**values, "stem": os.path.splitext(name)[0]}
        inner = path.removeprefix(prefix)
        parts = [part for part in (source["label"], value_text(inner)) if part]
        yield {
            "label": label_of(parts, [source["label"], inner]),
            "values": values,
            "texts": texts,
            "source": source["label"],
            "file": path,
            "sha256": sha256,
        }


def read_rows(path, shown):
    """Return the rows of a list: tables, or single values."""
    with open(path, encoding="utf-8-sig", newline="") as stream:
        if path.endswith(".csv"):
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
            names = reader.fieldnames or []
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise Wrong(f"{shown} has two columns named '{twice}'")
            ragged = next((n for n, row in enumerate(rows, 1) if None in row or None in row.values()), None)
            if ragged:
                raise Wrong(f"row {ragged} of {shown} has not as many cells as its header")
            return rows
        if path.endswith((".jsonl", ".ndjson")):
            return [parsed(line, f"line {n}: ") for n, line in enumerate(stream, 1) if line.strip()]
        rows = parsed(stream.read())
    if not isinstance(rows, list):
        raise Wrong(f"{shown} is not a list")
    return rows


def parsed(text, place=""):
    """Return a JSON document; a ValueError names the place."""
    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise ValueError(f"{place}{error}") from None


def refuse(name):
    """Raise what is wrong with a number that is none."""
    raise ValueError(f"{name} is not JSON: write null")


def rows(asked, source):
    """Yield an item for each row."""
    path = os.path.join(source["path"], asked["path"])
    shown = "/".join(part for part in (source["label"], asked["path"]) if part)
    if not os.path.isfile(path):
        owner = f"'{asked['step']}' wrote" if "step" in asked else f"data set '{asked['data']}' has"
        raise Wrong(f"there is no file {shown} in what {owner}")
    try:
        found = read_rows(path, shown)
    except (ValueError, csv.Error) as error:
        raise Wrong(f"{shown} cannot be read: {error}") from None
    for row in found:
        if source["path"] in json.dumps(row, ensure_ascii=False):
            owner = "${steps." + asked["step"] + "}" if "step" in asked else "${data." + asked["data"] + "}"
            what = f"{shown} has a path in the Nix store ({source['path']}…), where an item cannot look"
            raise Wrong(f"{what}: write it relative to the step's folder, and {owner}/${{item.…}} in the command")
        texts = {"": text_of(row)}
        if isinstance(row, dict):
            texts.update({key: text_of(value) for key, value in row.items()})
        parts = [part for part in (source["label"], *row_label(asked, row, shown)) if part]
        whole = [source["label"], row] if source["label"] else row
        yield {"label": label_of(parts, whole), "values": row, "texts": texts}


def row_label(asked, row, shown):
    """Return the parts of a row's label."""
    key = asked["label"]
    if not isinstance(row, dict) or not row:
        return [value_text(row)]
    if key and key not in row:
        raise Wrong(f"a row of {shown} has no '{key}' to be its label; it has: {', '.join(row)}")
    return [value_text(row[key])] if key else [f"{name}={value_text(value)}" for name, value in row.items()]


def text_of(value):
    """Return a value as the shell sees it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def chosen(asked, item):
    """Return an item with the texts that commands refer to."""
    known = item["texts"]
    lacking = [key for key in asked["keys"] if key and key not in known]
    if lacking:
        names = ", ".join(key for key in known if key) or "nothing: it is no table"
        raise Wrong(f"item {item['label']} has no '{lacking[0]}'; it has: {names}")
    if any("\0" in known.get(key, "") for key in asked["keys"]):
        raise Wrong(f"item {item['label']} contains a NUL character, which no command can be given")
    for key in asked["keys"]:
        size = len(known.get(key, "").encode())
        if size > LARGEST:
            what = f"has a '{key}' of" if key else "is"
            hint = "write it to a file, and fan out over files"
            raise Wrong(f"item {item['label']} {what} {size:,} bytes, more than a command can be given: {hint}")
    item["texts"] = {key: known[key] for key in asked["keys"] if key in known}
    item["values"] = json.dumps(item["values"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return item


def items(asked):
    """Return all items, in the order of their labels."""
    listed = files if asked["kind"] == "files" else rows
    found = {}
    for source in asked["sources"]:
        try:
            add(found, asked, listed(asked, source))
        except UnicodeEncodeError as error:
            raise Wrong(f"{error.object[error.start]!r} is half of a surrogate pair, which is no text") from None
    return [found[label] for label in sorted(found)]


def add(found, asked, several):
    """Add items to what was found, by label."""
    for item in several:
        if item["label"] in found:
            raise Wrong(f"two items are called {item['label']}: remove one of them from the list")
        found[item["label"]] = chosen(asked, item)
        if len(found) > MOST:
            raise Wrong(f"there are more than {MOST:,} items")


def main():
    """Write the list."""
    with open(os.environ["askedPath"], encoding="utf-8") as stream:
        asked = json.load(stream)
    try:
        found = items(asked)
    except Wrong as wrong:
        sys.exit(f"items: {wrong}")
    with open(os.environ["out"], "w", encoding="utf-8") as stream:
        json.dump(found, stream, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    main()
