"""A step's ``foreach``: one instance for each file or row that is known only when another step has run.

foreach = "${steps.split}/parts/*.csv"                            a file each
foreach = { rows = "${steps.list}/cases.csv" }                    a row of a CSV, JSON or JSON Lines list each
foreach = { rows = "${steps.list}/cases.json", label = "id" }     … called by the value that it has there
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from nivis.manifest.model import Foreach
from nivis.manifest.toml import Table, kind_of

LISTS = (".csv", ".json", ".jsonl", ".ndjson")

_SOURCE = re.compile(r"\$\{(?P<kind>steps|data)\.(?P<name>[A-Za-z0-9_-]+)\}/(?P<path>[^$]+)\Z")
_EXAMPLE = 'Write foreach = "${steps.split}/parts/*.csv", or foreach = { rows = "${steps.list}/cases.csv" }.'


def decode_foreach(step: Table) -> Foreach | None:
    """Decode the key ``foreach`` of a step's table; None if there is none."""
    raw = step.raw.get("foreach")
    if raw is None:
        return None
    if "matrix" in step.raw:
        what, hint = "cannot stand beside matrix", "Let one step be swept, and fan out over what it wrote in another."
        step.problem("foreach", what, hint)
    if isinstance(raw, str):
        return _decoded(step, "foreach", raw, rows=False, label="")
    if not isinstance(raw, dict):
        step.problem("foreach", f"must be files or rows that a step wrote, but it is {kind_of(raw)}", _EXAMPLE)
        return None
    table = step.table("foreach")
    table.known(("files", "rows", "label"))
    if ("files" in raw) == ("rows" in raw):
        step.problem("foreach", "must have either files or rows", _EXAMPLE)
        return None
    key = "rows" if "rows" in raw else "files"
    if key == "files" and "label" in raw:
        table.problem("label", "is for rows: files are called by their names", "Remove it.")
    return _decoded(table, key, table.string(key), rows=key == "rows", label=table.string("label"))


def _decoded(table: Table, key: str, text: str, *, rows: bool, label: str) -> Foreach | None:
    if not isinstance(table.raw[key], str):
        return None  # which is noted
    match = _SOURCE.match(text)
    path = PurePosixPath(match["path"]) if match else PurePosixPath()
    if match is None or path.is_absolute() or ".." in path.parts or not path.parts:
        table.problem(key, f"is '{text}', which names no files that a step wrote", _EXAMPLE)
        return None
    if rows and path.suffix not in LISTS:
        table.problem(key, f"is '{text}', which is no list", f"Its name must end in {', '.join(LISTS)}.")
    return Foreach(kind=match["kind"], source=match["name"], path=str(path), rows=rows, label=label)
