"""The recipes with which steps were built: ``.nivis/recipes.json``, a memory that may be deleted at any time.

    {"version": 1, "parts": [section, …], "common": [{section: index of its part}, …],
     "steps": {"penguins.train@c=0.1": [index of its common sections, its own ones, digest, content,
                                        and the same four of the build before]}}

What instances share stands in it once; so do sections that several steps have, such as the environment. The build
before has null for its own sections where they were the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nivis.engine.recipes.recipe import Recipe, Sections
from nivis.files import write_atomically

VERSION = 1
FILE = Path(".nivis/recipes.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How a step was built: its recipe, and the content that it hands on where that is recorded."""

    recipe: Recipe
    content: str = ""

    @property
    def handed(self) -> str:
        """Return what tells those that read it whether it is another one."""
        return self.content or self.recipe.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The last two ways in which each step was built, by ``experiment.step``."""

    now: Mapping[str, Built] = field(default_factory=dict)
    before: Mapping[str, Built] = field(default_factory=dict)

    def handed(self, name: str, digest: str) -> str:
        """Return what a step with a recipe of this digest hands on, as far as is known."""
        known = next((b for b in (self.now.get(name), self.before.get(name)) if b and b.recipe.digest == digest), None)
        return known.handed if known else digest

    def with_builds(self, built: Mapping[str, Built], *, forget: Iterable[str] = ()) -> Memory:
        """Return the memory after builds; those with the recipe that is known change nothing."""
        now, before = dict(self.now), dict(self.before)
        for name in forget:
            now.pop(name, None)
            before.pop(name, None)
        for name, build in built.items():
            known = now.get(name)
            if known is not None and known.recipe.digest != build.recipe.digest:
                before[name] = known
            now[name] = build
        return Memory(now=now, before=before)


def read_memory(root: Path) -> Memory:
    """Return the project's memory; an unreadable one counts as empty."""
    try:
        raw = json.loads((root / FILE).read_bytes())
        if raw["version"] != VERSION:
            return Memory()
        parts, shared = raw["parts"], raw["common"]
        common = [{section: parts[index] for section, index in entry.items()} for entry in shared]
        now = {name: _built(entry[:4], common) for name, entry in raw["steps"].items()}
        before = {name: _built(entry[4:], common, entry[1]) for name, entry in raw["steps"].items() if entry[4:]}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return Memory()
    return Memory(now=now, before=before)


def _built(entry: Sequence[Any], common: Sequence[Sections], later: Sections | None = None) -> Built:
    index, own, digest, content = entry
    sections = (later or {}) if own is None else own
    return Built(recipe=Recipe(common=common[index], own=sections, digest=digest), content=content)


def write_memory(root: Path, memory: Memory) -> None:
    """Write the memory atomically."""
    write_atomically(root / FILE, dumps(memory).encode())


def dumps(memory: Memory) -> str:
    """Return the memory as text: each part once, a step on a line."""
    writer = _Writer()
    lines = []
    for name in sorted(memory.now):
        entry = writer.entry(memory.now[name])
        if name in memory.before:
            former = writer.entry(memory.before[name])
            entry += [former[0], None if former[1] == entry[1] else former[1], *former[2:]]
        lines.append(f"{json.dumps(name, ensure_ascii=False)}:{_compact(entry)}")
    parts, common = (",\n".join(table) for table in (writer.parts, writer.common))
    steps = ",\n".join(lines)
    return f'{{"version":{VERSION},\n"parts":[\n{parts}\n],\n"common":[\n{common}\n],\n"steps":{{\n{steps}\n}}}}\n'


class _Writer:
    """Numbers what is shared."""

    def __init__(self) -> None:
        self.parts: dict[str, int] = {}
        self.common: dict[str, int] = {}
        self._seen: dict[int, tuple[Sections, int]] = {}  # by identity; the reference keeps it from being another's

    def entry(self, built: Built) -> list[Any]:
        recipe = built.recipe
        seen = self._seen.get(id(recipe.common))
        if seen is None:
            numbers = {name: self._number(self.parts, value) for name, value in sorted(recipe.common.items())}
            seen = self._seen[id(recipe.common)] = (recipe.common, self._number(self.common, numbers))
        return [seen[1], recipe.own, recipe.digest, built.content]

    @staticmethod
    def _number(table: dict[str, int], value: Any) -> int:
        return table.setdefault(_compact(value), len(table))


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
