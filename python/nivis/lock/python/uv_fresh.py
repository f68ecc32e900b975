"""Is uv.lock as new as pyproject.toml? uv records the requirements that it resolved; they are compared by meaning.

uv rewrites markers and specifiers (``python_version < '3.12'`` becomes ``python_full_version < '3.12'``), and
splits a requirement that has several sources. So what is compared is the set of requirements that holds in each
of many environments, not the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from packaging.dependency_groups import InvalidDependencyGroupObject, resolve_dependency_groups
from packaging.markers import Environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from nivis.errors import LockError, ManifestError
from nivis.lock.python.raw import Table
from nivis.lock.python.target import Target, environment, holds
from nivis.lock.python.wanted import section

_MINORS = range(8, 20)
_PLATFORMS = (
    ("posix", "Linux", "linux", "x86_64"),
    ("posix", "Linux", "linux", "aarch64"),
    ("posix", "Darwin", "darwin", "arm64"),
    ("nt", "Windows", "win32", "AMD64"),
)


_Asked = tuple[str, frozenset[str], SpecifierSet | str]  # a requirement without its marker


@dataclass(frozen=True, slots=True, kw_only=True)
class _Requirement:
    name: str
    extras: frozenset[str]
    specifier: SpecifierSet | str  # as text: a URL
    marker: str | None


def check_fresh(document: Table, root: Table, pyproject: Mapping[str, object]) -> None:
    """Raise LockError where pyproject.toml asks for something else than what was locked."""
    project = section(pyproject, "project")
    metadata = root.table("metadata")
    changed: list[str] = []
    requires = project.get("requires-python")
    if isinstance(requires, str) and not _same_versions(requires, document.maybe("requires-python") or ""):
        changed.append("requires-python")
    sources = frozenset(canonicalize_name(name) for name in _without_index(section(pyproject, "tool", "uv", "sources")))
    environments = _environments(requires if isinstance(requires, str) else "")
    dynamic = project.get("dynamic")
    if project and not (isinstance(dynamic, list) and {"dependencies", "optional-dependencies"} & set(dynamic)):
        asked, extras = _declared(project, sources)
        locked = [_locked(table, sources) for table in metadata.tables("requires-dist")]
        changed += _differences(asked, locked, environments, extras)
    manifest = document.table("manifest")
    for kind in ("constraints", "overrides"):
        texts = section(pyproject, "tool", "uv").get(f"{kind.removesuffix('s')}-dependencies")
        asked = [_parsed(text, sources) for text in texts] if isinstance(texts, list) else []
        changed += _differences(
            asked, [_locked(table, sources) for table in manifest.tables(kind)], environments, frozenset()
        )
    changed += _changed_groups(metadata.table("requires-dev"), pyproject, sources, environments)
    if changed:
        raise LockError(
            f"it is older than pyproject.toml (changed: {', '.join(dict.fromkeys(changed))})",
            where=document.where,
            hint="Run `uv lock`.",
        )


def _without_index(sources: Mapping[str, object]) -> Iterator[str]:
    """Yield the names that come from elsewhere than an index: their version specifier is not locked."""
    for name, source in sources.items():
        for one in source if isinstance(source, list) else [source]:
            if isinstance(one, Mapping) and "index" not in one:
                yield name


def _declared(project: Mapping[str, object], sources: frozenset[str]) -> tuple[list[_Requirement], frozenset[str]]:
    dependencies = project.get("dependencies", [])
    asked = [_parsed(text, sources) for text in dependencies] if isinstance(dependencies, list) else []
    extras = set()
    for extra, texts in section(project, "optional-dependencies").items():
        normal = canonicalize_name(extra)
        extras.add(normal)
        asked += [_parsed(text, sources, extra=normal) for text in texts] if isinstance(texts, list) else []
    return asked, frozenset(extras)


def _parsed(text: object, sources: frozenset[str], extra: str | None = None) -> _Requirement:
    try:
        requirement = Requirement(str(text))
    except InvalidRequirement as error:
        raise LockError(
            f"'{text}' is not a requirement ({str(error).splitlines()[0]})",
            where="pyproject.toml",
            hint="Write it as in PEP 508: `name>=1.0`.",
        ) from error
    marker = str(requirement.marker) if requirement.marker else None
    if extra is not None:
        marker = f"({marker}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
    name = canonicalize_name(requirement.name)
    return _Requirement(
        name=name,
        extras=frozenset(canonicalize_name(one) for one in requirement.extras),
        specifier="" if name in sources else _address(requirement.url) or _canonical(str(requirement.specifier)),
        marker=marker,
    )


def _locked(table: Table, sources: frozenset[str]) -> _Requirement:
    name = canonicalize_name(table.text("name"))
    return _Requirement(
        name=name,
        extras=frozenset(canonicalize_name(one) for one in table.texts("extras")),
        specifier="" if name in sources else _address(table.maybe("url")) or _canonical(table.maybe("specifier") or ""),
        marker=table.maybe("marker"),
    )


def _address(url: str | None) -> str:
    """Return what stands for a requirement on a URL; repositories and folders are recorded in another form."""
    return f"@ {url}" if url and url.startswith(("http:", "https:")) else ""


def _canonical(specifier: str) -> SpecifierSet | str:
    try:
        return SpecifierSet("" if specifier == "*" else specifier)
    except InvalidSpecifier:
        return specifier


def _changed_groups(
    locked: Table,
    pyproject: Mapping[str, object],
    sources: frozenset[str],
    environments: tuple[Environment, ...],
) -> list[str]:
    groups = cast("Mapping[str, Sequence[str | Mapping[str, str]]]", section(pyproject, "dependency-groups"))
    legacy = section(pyproject, "tool", "uv").get("dev-dependencies")
    changed: list[str] = []
    if section(pyproject, "tool", "uv", "dependency-groups"):
        return changed  # requirements on Python of their own, which uv turns into markers
    for group in sorted({*groups, *locked.data}):
        texts: list[object] = []
        if group in groups:
            texts += _resolve(groups, group)
        if group == "dev" and isinstance(legacy, list):
            texts += legacy
        asked = [_parsed(text, sources) for text in texts]
        recorded = [_locked(table, sources) for table in locked.tables(group)]
        changed += _differences(asked, recorded, environments, frozenset())
    return changed


def _resolve(groups: Mapping[str, Sequence[str | Mapping[str, str]]], group: str) -> tuple[str, ...]:
    """Return the requirements of a group and of those that it includes (PEP 735)."""
    try:
        return resolve_dependency_groups(groups, group)
    except (ValueError, LookupError, TypeError, InvalidDependencyGroupObject) as error:
        raise ManifestError(
            f"the group cannot be resolved ({error})",
            where=f"pyproject.toml: dependency-groups.{group}",
            hint="See PEP 735 for what a group may hold.",
        ) from error


def _differences(
    asked: Iterable[_Requirement],
    locked: Iterable[_Requirement],
    environments: tuple[Environment, ...],
    extras: frozenset[str],
) -> list[str]:
    """Return the names whose requirements differ in some environment."""
    left, right = list(asked), list(locked)
    common = set(left) & set(right)
    left = [one for one in left if one not in common]
    right = [one for one in right if one not in common]
    names: set[str] = set()
    for values in environments if left or right else ():
        for extra in ("", *extras):
            names |= {name for name, *_ in _active(left, values, extra) ^ _active(right, values, extra)}
    return sorted(names)


def _active(requirements: list[_Requirement], values: Environment, extra: str) -> set[_Asked]:
    return {
        (one.name, one.extras, one.specifier)
        for one in requirements
        if holds(one.marker, values, (extra,) if extra else ())
    }


@lru_cache(maxsize=8)
def _environments(requires: str) -> tuple[Environment, ...]:
    """Return environments of all kinds that a requirement on Python allows."""
    allowed = SpecifierSet(requires)
    found = []
    for minor in _MINORS:
        for patch in (0, 9):
            python = f"3.{minor}.{patch}"
            if allowed.contains(python):
                for os_name, name, sys_platform, machine in _PLATFORMS:
                    values = environment(Target(python=python, libc="2.17"))
                    values["os_name"] = os_name
                    values["platform_system"] = name
                    values["sys_platform"] = sys_platform
                    values["platform_machine"] = machine
                    found.append(values)
    return tuple(found)


def _same_versions(left: str, right: str) -> bool:
    """Tell whether two specifiers allow the same of all versions of Python 3 that could be meant."""
    try:
        one, other = SpecifierSet(left), SpecifierSet(right)
    except InvalidSpecifier:
        return left == right
    versions = [f"{major}.{minor}.{patch}" for major in (2, 3, 4) for minor in range(40) for patch in range(30)]
    return all(one.contains(version) == other.contains(version) for version in versions)
