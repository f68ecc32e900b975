"""poetry.lock, versions 1.0 to 2.1: what `poetry sync --only main` (and the groups asked for) would install.

Lock version 2.1 (Poetry 2) says for every package in which groups and under which marker it is needed. Older
locks (Poetry 1) leave that to a walk along the dependencies: see poetry_walk. Hashes of files stand with the
package, in locks before 2.0 in ``[metadata.files]``; URLs are nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nivis.errors import LockError
from nivis.lock.python.constraints import allows
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.poetry_fresh import content_hashes
from nivis.lock.python.poetry_walk import Locked, walk
from nivis.lock.python.raw import Table
from nivis.lock.python.target import Target, holds
from nivis.lock.python.wanted import Wanted, dependency_groups, wanted, wrong_python
from nivis.manifest.model import Project

MAIN = "main"
_WITH_GROUPS = Version("2.1")
_WRITER = re.compile(r"Poetry (\d+(?:\.\d+)*)")


def read_poetry(document: Table, project: Project, target: Target) -> list[LockedPackage]:
    """Return the packages that the project needs for the target.

    Raises LockError for a lock of an unknown version, older than pyproject.toml or for another Python, and
    ManifestError for unknown groups and extras.
    """
    metadata = document.table("metadata")
    version = _version(metadata)
    if metadata.maybe("content-hash") not in content_hashes(project.pyproject, _writer(document.head, version)):
        raise LockError("it is older than pyproject.toml", where=document.where, hint="Run `poetry lock`.")
    requires = metadata.maybe("python-versions") or "*"
    if not allows(requires, target.python, metadata):
        raise wrong_python(requires, target, document.where)
    asked = wanted(
        project,
        groups={MAIN, *dependency_groups(project.pyproject)},
        extras=_extras(document, project),
    )
    asked = Wanted(groups=asked.groups | {MAIN}, extras=asked.extras)
    tables = document.tables("package")
    if version >= _WITH_GROUPS:
        chosen = [table for table in tables if _is_needed(table, asked, target)]
    else:
        locked = [Locked(table) for table in tables]
        chosen = [one.table for one in walk(locked, document, project.pyproject, asked, target)]
    return [_package(table, metadata) for table in chosen]


def _version(metadata: Table) -> Version:
    text = metadata.maybe("lock-version") or "1.0"
    try:
        version = Version(text)
    except InvalidVersion as error:
        raise metadata.fail(f"'{text}' is not a version", "lock-version") from error
    if version.major not in (1, 2):
        raise LockError(
            f"its version is {text}, and only versions 1 and 2 are known",
            where=metadata.where,
            hint="Lock with Poetry 2, or export it: `poetry export --format pylock.toml`.",
        )
    return version


def _writer(head: str, version: Version) -> Version:
    """Return the version of Poetry that wrote the lock: its first line says, else the newest that may have."""
    if version < _WITH_GROUPS:
        return Version("1")
    match = _WRITER.search(head)
    return Version(match[1]) if match else Version("3")


def _extras(document: Table, project: Project) -> set[str]:
    """Return the extras' names: the lock has them all, except those without dependencies."""
    names = set(document.table("extras").data)
    for keys in (("project", "optional-dependencies"), ("tool", "poetry", "extras")):
        value: object = project.pyproject
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        names |= set(value) if isinstance(value, Mapping) else set()
    return names


def _is_needed(table: Table, asked: Wanted, target: Target) -> bool:
    """Tell whether one of the groups asked for needs a package of a lock 2.1, its markers allowing."""
    markers = table.get("markers")
    for group in table.texts("groups"):
        if canonicalize_name(group) not in asked.groups:
            continue
        marker = table.table("markers").maybe(group) if isinstance(markers, Mapping) else table.maybe("markers")
        if holds(marker, target, asked.extras):
            return True
    return False


def _package(table: Table, metadata: Table) -> LockedPackage:
    name, source = table.text("name"), table.table("source")
    kind, url = source.maybe("type"), source.maybe("url")
    direct = url if kind == "url" else None
    files = tuple(_file(file, direct) for file in table.tables("files") or _files_of(metadata, name))
    return LockedPackage(
        name=canonicalize_name(name),
        version=table.text("version"),
        files=files,
        index=url if kind == "legacy" else None,
        origin=_origin(kind, url),
    )


def _origin(kind: str | None, url: str | None) -> str | None:
    return {
        "git": f"the git repository {url}",
        "directory": f"the folder '{url}'",
        "file": f"the local file '{url}'",
    }.get(kind or "")


def _files_of(metadata: Table, name: str) -> list[Table]:
    """Return the files of a name in locks before 2.0; they are those of all its versions."""
    files = metadata.table("files")
    return files.tables(name) if name in files.data else []


def _file(table: Table, url: str | None) -> LockedFile:
    algorithm, _, digest = (table.maybe("hash") or "").partition(":")
    return LockedFile(name=table.text("file"), sha256=digest.lower() if algorithm == "sha256" else None, url=url)
