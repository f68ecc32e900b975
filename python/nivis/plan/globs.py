"""Expand globs over the project's files: ``*``, ``?``, ``[…]`` and ``**``, as in pathlib and bash's globstar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from functools import lru_cache

from nivis.plan.files import Files

_MAGIC = re.compile(r"[*?\[]")


def is_glob(text: str) -> bool:
    """Tell whether ``text`` has a wildcard."""
    return _MAGIC.search(text) is not None


def expand(files: Files, pattern: str) -> list[str]:
    """Return the files that a pattern (a path in the project) names, and those in the folders that it names; sorted.

    Wildcards do not match hidden names.
    """
    found: set[str] = set()
    for path in _matches(files, "", pattern.split("/")):
        if files.is_file(path):
            found.add(path)
        else:
            found.update(files.walk(path))
    return sorted(found)


@lru_cache(maxsize=1024)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(translate(part))


def _matches(files: Files, base: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield the paths below ``base`` that match."""
    if not parts:
        yield base
        return
    part, rest = parts[0], parts[1:]
    found = files.resolve(base)
    names = files.names(found[0]) if found else {}
    if part == "**":
        yield from _matches(files, base, rest)
        for name in sorted(names):
            if names[name] == "folder" and not name.startswith((".", "__pycache__")):
                yield from _matches(files, _join(base, name), parts)
    elif is_glob(part):
        pattern = _compiled(part)
        for name in sorted(names):
            if pattern.match(name) and (part.startswith(".") or not name.startswith(".")):
                yield from _matches(files, _join(base, name), rest)
    elif part in names or (not part and not rest):
        yield from _matches(files, _join(base, part), rest)


def _join(base: str, name: str) -> str:
    return f"{base}/{name}".strip("/")
