"""What of a project is to be installed: its dependencies, with the groups and extras that [tool.nivis] asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from nivis.errors import LockError, ManifestError, NivisError, did_you_mean, raise_all
from nivis.lock.python.target import Target
from nivis.manifest.model import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Normalised names of the groups and extras to install beside the main dependencies."""

    groups: frozenset[str]
    extras: frozenset[str]


def wanted(project: Project, *, groups: Iterable[str], extras: Iterable[str]) -> Wanted:
    """Return what the project asks for, checked against the ``groups`` and ``extras`` that there are."""
    problems: list[NivisError] = []
    found = {}
    for kind, label, asked, known in (
        ("groups", "dependency group", project.groups, groups),
        ("extras", "extra", project.extras, extras),
    ):
        names = {canonicalize_name(name) for name in known}
        problems += [
            ManifestError(
                f"no {label} named '{name}'",
                where=f"pyproject.toml: tool.nivis.{kind}",
                hint=did_you_mean(canonicalize_name(name), names) or f"The project has no {kind}.",
            )
            for name in asked
            if canonicalize_name(name) not in names
        ]
        found[kind] = frozenset(canonicalize_name(name) for name in asked)
    raise_all(problems)
    return Wanted(groups=found["groups"], extras=found["extras"])


def section(data: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    """Return the table below ``keys``, an empty one where there is none."""
    value: object = data
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def dependency_groups(pyproject: Mapping[str, object]) -> frozenset[str]:
    """Return the names of every dependency group, in the ways of PEP 735, Poetry and uv."""
    names = {*section(pyproject, "dependency-groups"), *section(pyproject, "tool", "poetry", "group")}
    if "dev-dependencies" in section(pyproject, "tool", "poetry") or "dev-dependencies" in section(
        pyproject, "tool", "uv"
    ):
        names.add("dev")
    return frozenset(canonicalize_name(name) for name in names)


def check_python(requires: str | None, target: Target, where: str) -> None:
    """Raise LockError where the lock is not made for the target's interpreter (PEP 440 specifiers)."""
    try:
        fits = not requires or requires == "*" or SpecifierSet(requires).contains(target.python, prereleases=True)
    except InvalidSpecifier:
        return  # Poetry's own syntax: its reader checks it
    if not fits:
        raise wrong_python(requires or "", target, where)


def wrong_python(requires: str, target: Target, where: str) -> LockError:
    """Return the error for a lock that is made for other versions of Python."""
    return LockError(
        f"it is for Python {requires}, but the toolchain has Python {target.python}",
        where=where,
        hint="Choose another suite in [tool.nivis.toolchain], or widen the Python requirement in pyproject.toml "
        "and lock again.",
    )
