"""Is poetry.lock as new as pyproject.toml? Poetry records a hash of what it resolved.

It is the sha256 of the relevant parts of pyproject.toml as JSON with sorted keys. Which parts those are has
changed: Poetry 1 takes [tool.poetry] alone; Poetry 2.0 adds [project], Poetry 2.3 [dependency-groups].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from packaging.version import Version

from nivis.lock.python.wanted import section

_PROJECT = ("requires-python", "dependencies", "optional-dependencies")
# Poetry 1 writes these as null where they are missing, and `group` not at all.
_ALWAYS = ("dependencies", "source", "extras", "dev-dependencies")
_POETRY = (*_ALWAYS, "group")
_PROJECT_COUNTS = Version("2")
_GROUPS_COUNT = Version("2.3")


def content_hashes(pyproject: Mapping[str, object], writer: Version) -> tuple[str, ...]:
    """Return what the content-hash may be for pyproject.toml as it is now, by the version of Poetry that wrote it."""
    poetry = section(pyproject, "tool", "poetry")
    present = {key: poetry[key] for key in _POETRY if poetry.get(key) is not None}
    first = _digest({**{key: poetry.get(key) for key in _ALWAYS}, **present})
    if writer < _PROJECT_COUNTS:
        return (first,)
    project = {key: value for key, value in section(pyproject, "project").items() if key in _PROJECT}
    groups = dict(section(pyproject, "dependency-groups"))
    found = [_second(project, groups, present) or first]
    if writer < _GROUPS_COUNT:
        found.append(_second(project, {}, present) or first)
    return tuple(dict.fromkeys(found))


def _second(project: Mapping[str, object], groups: Mapping[str, object], poetry: Mapping[str, object]) -> str | None:
    """Return the hash in the form of Poetry 2, None where there is nothing that Poetry 1 did not know."""
    standard = {key: value for key, value in (("project", project), ("dependency-groups", groups)) if value}
    return _digest({**standard, "tool": {"poetry": poetry}}) if standard else None


def _digest(content: Mapping[str, object]) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
