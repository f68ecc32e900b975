"""Recorded results: what every step wrote, by the recipe that wrote it, in the experiment's results.lock.

    {
    "version": 1,
    "<recipe>": {"step": "train", "hash": "sha256-…", "size": 1234},
    "<recipe>": {"step": "dump", "direct": true, "size": 99999999999},
    "<recipe>": {"step": "each (items)", "items": [{"label": …, "texts": …, "values": …}]},
    "frozen train": {"step": "train", "hash": "sha256-…", "size": 1234},
    "~": null
    }

A recipe goes by the hash part of the store path that it has as a plain derivation, whatever mirrors there are.
``hash`` is that of the NAR of the output, ``size`` its bytes. An output that is handed on as it is (``direct``) refers
to the store, or is too large for a copy. One record a line, and a last line without a comma: git merges the file by
union, and lib/ reads what comes of it as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nivis.errors import LockError
from nivis.files import write_atomically

NAME = "results.lock"
_VERSION = 1
_FROZEN = "frozen "


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one recipe wrote; ``step`` is the instance, after the plan's name if that is another one."""

    step: str
    hash: str | None = None  # SRI, of the NAR
    size: int = 0  # bytes
    items: Sequence[Mapping[str, Any]] | None = None

    def line(self) -> dict[str, object]:
        """Return the record as it is written."""
        if self.items is not None:
            return {"step": self.step, "items": self.items}
        kind: dict[str, object] = {"hash": self.hash} if self.hash else {"direct": True}
        return {"step": self.step, **kind, "size": self.size}


@dataclass(slots=True)
class Records:
    """The records of one file."""

    by_recipe: dict[str, Record] = field(default_factory=dict)
    frozen: dict[str, Record] = field(default_factory=dict)  # by the instance's name in records

    def keep(self, known: Mapping[str, str], finished: Collection[str]) -> None:
        """Drop what nothing needs any more.

        ``known``: the recipe of every step that is planned now, by its name in records; ``finished``: plans of which
        all steps are known. A record of a step stays until its present recipe has one.
        """
        recipes = set(known.values())
        for recipe, record in list(self.by_recipe.items()):
            if recipe in recipes:
                continue
            present = known.get(record.step)
            gone = present is None and plan_of(record.step) in finished
            if gone or (present is not None and present in self.by_recipe):
                del self.by_recipe[recipe]

    def frozen_in(self, plan: str) -> dict[str, Record]:
        """Return the frozen instances of a plan (``plan``: as records name it), by name."""
        return {step_in(name): record for name, record in self.frozen.items() if plan_of(name) == plan}

    def dumps(self) -> str:
        """Write the file."""
        lines = {key: record.line() for key, record in self.by_recipe.items()}
        lines |= {f"{_FROZEN}{name}": record.line() for name, record in self.frozen.items()}
        return "".join(["{\n", f'"version": {_VERSION},\n', *_lines(lines), '"~": null\n}\n'])


def plan_of(step: str) -> str:
    """Return the plan in a record's name of a step; empty for the experiment's own."""
    plan, colon, _ = step.rpartition(": ")
    return plan if colon else ""


def step_in(name: str) -> str:
    """Return the instance in a record's name of a step."""
    return name.rpartition(": ")[2]


def name_in(plan: str, step: str) -> str:
    """Return what records call an instance of a plan; ``plan`` is empty for the experiment's own."""
    return f"{plan}: {step}" if plan else step


def _lines(records: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    order = sorted(records.items(), key=lambda pair: (str(pair[1]["step"]), pair[0]))
    for key, record in order:
        yield f"{json.dumps(key)}: {json.dumps(record, ensure_ascii=False)},\n"


def loads(text: str, file: str) -> Records:
    """Read the file; LockError where it is none."""
    records = Records()
    try:
        raw = json.loads(text)
        if raw.pop("version") != _VERSION:
            hint = "Update nivis, or remove the file: what it says is found anew by running the steps."
            raise LockError("was written by another version of nivis", where=file, hint=hint)
        for key, entry in raw.items():
            if entry is None:
                continue
            record = Record(
                step=entry["step"], hash=entry.get("hash"), size=entry.get("size", 0), items=entry.get("items")
            )
            if key.startswith(_FROZEN):
                records.frozen[key.removeprefix(_FROZEN)] = record
            else:
                records.by_recipe[key] = record
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "Restore it (`git checkout`), or remove it: what it says is found anew by running the steps."
        raise LockError("cannot be read", where=file, hint=hint) from error
    return records


def read_records(root: Path, file: PurePosixPath) -> Records:
    """Return the records of a file; none if there is no such file."""
    try:
        text = (root / file).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Records()
    return loads(text, str(file))


def write_records(root: Path, file: PurePosixPath, records: Records) -> bool:
    """Write a file if it would change; return whether it did."""
    content = records.dumps().encode()
    path = root / file
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True
