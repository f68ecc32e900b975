"""Is poetry.lock as new as pyproject.toml? Poetry records a hash of what it resolved.

It is the sha256 of the relevant parts of pyproject.toml as JSON with sorted keys. Which parts those are has
changed: Poetry 1 takes [tool.poetry] alone; Poetry 2.0 adds [project], Poetry 2.3 [dependency-groups].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from nivis.lock.python.wanted import section

_PROJECT = ("requires-python", "dependencies", "optional-dependencies")
# Poetry 1 writes these as null where they are missing, and `group` not at all.
_ALWAYS = ("dependencies", "source", "extras", "dev-dependencies")
_POETRY = (*_ALWAYS, "group")


def is_fresh(recorded: str | None, pyproject: Mapping[str, object]) -> bool:
    """Tell whether a recorded content-hash is that of pyproject.toml, for any version of Poetry."""
    return recorded in content_hashes(pyproject)


def content_hashes(pyproject: Mapping[str, object]) -> tuple[str, ...]:
    """Return the content-hash as Poetry 2.3 and later, 2.0 and 1.x compute it."""
    poetry = section(pyproject, "tool", "poetry")
    project = {key: value for key, value in section(pyproject, "project").items() if key in _PROJECT}
    groups = dict(section(pyproject, "dependency-groups"))
    present = {key: poetry[key] for key in _POETRY if poetry.get(key) is not None}
    first = {**{key: poetry.get(key) for key in _ALWAYS}, **present}
    found = [_digest(first)]
    for with_groups in (groups, {}):
        relevant: dict[str, object] = {}
        if project:
            relevant["project"] = project
        if with_groups:
            relevant["dependency-groups"] = with_groups
        if relevant:
            found.insert(0, _digest({**relevant, "tool": {"poetry": present}}))
    return tuple(dict.fromkeys(found))


def _digest(content: Mapping[str, object]) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
