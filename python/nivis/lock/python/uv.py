"""uv.lock (version 1): what `uv sync` would install without its default groups.

The format is described only by uv's sources and output. A package lists its dependencies with markers; where
a name is locked in several versions, the dependency says which. Extras and groups that are declared to be in
conflict appear in markers as ``extra == 'extra-<length of the name>-<name>-<extra>'``, groups as ``group-…``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlparse

from packaging.utils import canonicalize_name

from nivis.errors import LockError
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.raw import Table
from nivis.lock.python.target import Target, holds
from nivis.lock.python.uv_fresh import check_fresh
from nivis.lock.python.wanted import Wanted, check_python, dependency_groups, wanted
from nivis.manifest.model import Project

_ROOT_SOURCES = ("virtual", "editable", "directory")


def read_uv(document: Table, project: Project, target: Target) -> list[LockedPackage]:
    """Return the packages that the project needs for the target.

    Raises LockError for a lock of another version, older than pyproject.toml or for another Python, and
    ManifestError for unknown groups and extras.
    """
    if document.get("version") != 1:
        raise LockError(
            f"its version is {document.get('version')!r}, and only version 1 is known",
            where=document.where,
            hint="Lock with a uv that writes version 1, or export it: `uv export --format pylock.toml`.",
        )
    tables = document.tables("package")
    root = _root(tables, document, project)
    check_fresh(document, root, project.pyproject)
    check_python(document.maybe("requires-python"), target, document.where)
    asked = wanted(
        project,
        groups={*root.table("dev-dependencies").data, *dependency_groups(project.pyproject)},
        extras={*root.table("optional-dependencies").data, *root.table("metadata").texts("provides-extras")},
    )
    walk = _Walk(target=target, active=_conflict_names(root, asked), where=document.where)
    for table in tables:
        walk.by_name[table.text("name")].append(table)
    walk.follow(root, asked)
    return [_package(table) for table in walk.found.values() if table is not root]


def _root(tables: list[Table], document: Table, project: Project) -> Table:
    """Return the entry of the project itself; a project without [project] has its groups in [manifest]."""
    for table in tables:
        source = table.table("source")
        if any(source.get(kind) == "." for kind in _ROOT_SOURCES):
            return table
    if "project" in project.pyproject:
        raise LockError(
            f"it has no entry for the project '{project.name}'",
            where=document.where,
            hint="Run `uv lock` in the project's folder.",
        )
    groups = document.table("manifest").table("dependency-groups")
    return Table(
        data={"name": "", "dev-dependencies": groups.data, "metadata": {"requires-dev": groups.data}},
        where=document.where,
        path="manifest",
    )


def _conflict_names(root: Table, asked: Wanted) -> frozenset[str]:
    name = root.text("name")
    return frozenset(
        [f"extra-{len(name)}-{name}-{extra}" for extra in asked.extras]
        + [f"group-{len(name)}-{name}-{group}" for group in asked.groups]
    )


@dataclass(slots=True)
class _Walk:
    """A walk along the dependencies; ``found`` keeps every package reached, by where it stands in the file."""

    target: Target
    active: frozenset[str]  # what markers mean by `extra`
    where: str
    by_name: dict[str, list[Table]] = field(default_factory=lambda: defaultdict(list))
    found: dict[str, Table] = field(default_factory=dict)

    def follow(self, root: Table, asked: Wanted) -> None:
        """Visit everything below the root."""
        seen: set[tuple[str, str]] = set()
        waiting: list[tuple[Table, str]] = [(root, ""), *((root, extra) for extra in sorted(asked.extras))]
        for group in sorted(asked.groups):
            for dependency in _tables(root.table("dev-dependencies"), group):
                waiting += self._targets(dependency)
        while waiting:
            table, extra = waiting.pop()
            if (table.path, extra) in seen:
                continue
            seen.add((table.path, extra))
            self.found[table.path] = table
            chosen = _tables(table.table("optional-dependencies"), extra) if extra else table.tables("dependencies")
            for dependency in chosen:
                waiting += self._targets(dependency)

    def _targets(self, dependency: Table) -> Iterator[tuple[Table, str]]:
        """Yield the package that a dependency means, by itself and with each of its extras."""
        if not holds(dependency.maybe("marker"), self.target, self.active):
            return
        package = self._package(dependency)
        yield package, ""
        for extra in dependency.texts("extra"):
            yield package, canonicalize_name(extra)

    def _package(self, dependency: Table) -> Table:
        name, version, source = dependency.text("name"), dependency.maybe("version"), dependency.get("source")
        fitting = [
            table
            for table in self.by_name[name]
            if version in (None, table.get("version")) and source in (None, table.get("source"))
        ]
        if len(fitting) > 1:  # forks: the one that is for this environment
            fitting = [table for table in fitting if self._is_for_target(table)]
        if len(fitting) == 1:
            return fitting[0]
        raise dependency.fail(f"'{name}' stands for {len(fitting)} packages of the lock instead of one")

    def _is_for_target(self, table: Table) -> bool:
        markers = table.texts("resolution-markers")
        return not markers or any(holds(marker, self.target, self.active) for marker in markers)


def _tables(parent: Table, key: str) -> list[Table]:
    """Return the list of tables below a key that may be spelled in another way."""
    for name in parent.data:
        if canonicalize_name(name) == key:
            return parent.tables(name)
    return []


def _package(table: Table) -> LockedPackage:
    source = table.table("source")
    direct = source.maybe("url")  # the file behind it has a hash, but its URL stands with the source
    files = [_file(wheel, direct) for wheel in table.tables("wheels")]
    if isinstance(table.get("sdist"), Mapping):
        files.append(_file(table.table("sdist"), direct))
    return LockedPackage(
        name=canonicalize_name(table.text("name")),
        version=table.maybe("version") or "",
        files=tuple(files),
        index=_index(source.maybe("registry")),
        origin=_origin(source),
    )


def _index(registry: str | None) -> str | None:
    """Return the index of a registry that is one; uv also calls a folder of files a registry."""
    return registry if registry and urlparse(registry).scheme else None


def _origin(source: Table) -> str | None:
    if repository := source.maybe("git"):
        return f"the git repository {urlparse(repository)._replace(query='', fragment='').geturl()}"
    for kind in _ROOT_SOURCES:
        if folder := source.maybe(kind):
            return f"the folder '{folder}'"
    if path := source.maybe("path"):
        return f"the local file '{path}'"
    return None


def _file(table: Table, direct: str | None) -> LockedFile:
    url = table.maybe("url") or direct
    name = table.maybe("filename") or PurePosixPath(table.maybe("path") or unquote(urlparse(url or "").path)).name
    algorithm, _, digest = (table.maybe("hash") or "").partition(":")
    return LockedFile(name=name, sha256=digest.lower() if algorithm == "sha256" else None, url=url)
