"""Which packages of a poetry.lock before version 2.1 the target needs: a walk from [tool.poetry]'s dependencies.

Such locks come from Poetry 1, which reads [tool.poetry] alone. A name may be locked in several versions; the
version for the target is the newest that every dependency met on the way allows. As constraints are only known
after the walk, it is repeated until they no longer change the choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nivis.errors import LockError
from nivis.lock.python.constraints import allows
from nivis.lock.python.raw import Table
from nivis.lock.python.target import Target, holds
from nivis.lock.python.wanted import Wanted, section

_PLATFORM = "linux"  # sys.platform, what `platform = "…"` of a dependency is compared with


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of the lock."""

    table: Table

    @property
    def name(self) -> str:
        """Return the normalised name."""
        return canonicalize_name(self.table.text("name"))

    @property
    def version(self) -> str:
        """Return the version."""
        return self.table.text("version")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dependency:
    """One dependency that applies to the target."""

    name: str
    constraint: str
    extras: tuple[str, ...]


def walk(
    packages: list[Locked], document: Table, pyproject: Mapping[str, object], asked: Wanted, target: Target
) -> list[Locked]:
    """Return the packages that the target needs, in the order of the lock."""
    by_name: dict[str, list[Locked]] = defaultdict(list)
    for package in packages:
        by_name[package.name].append(package)
    roots = list(_roots(pyproject, asked, target))
    constraints: dict[str, frozenset[str]] = {}
    for _ in range(len(packages) + 2):
        one = _Walk(target=target, by_name=by_name, document=document, known=constraints)
        one.follow(roots)
        met = {name: frozenset(found) for name, found in one.met.items()}
        if met == constraints:
            break
        constraints = met
    else:
        raise LockError("its packages contradict each other", where=document.where, hint="Run `poetry lock`.")
    chosen = {id(package) for package in one.chosen.values()}
    return [package for package in packages if id(package) in chosen]


@dataclass(slots=True)
class _Walk:
    target: Target
    by_name: Mapping[str, list[Locked]]
    document: Table
    known: Mapping[str, frozenset[str]]  # name -> constraints of the walk before
    met: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    chosen: dict[str, Locked] = field(default_factory=dict)

    def follow(self, roots: list[_Dependency]) -> None:
        waiting = list(roots)
        extras: dict[str, frozenset[str]] = {}
        while waiting:
            dependency = waiting.pop()
            name = dependency.name
            self.met[name].add(dependency.constraint)
            before = extras.get(name)
            wanted = (before or frozenset()) | {canonicalize_name(extra) for extra in dependency.extras}
            if name in self.chosen and wanted == before:
                continue
            extras[name] = wanted
            package = self.chosen.setdefault(name, self._choose(dependency))
            waiting += _dependencies(package.table.table("dependencies"), self.target, wanted, _package_extras(package))

    def _choose(self, dependency: _Dependency) -> Locked:
        """Return the newest version that the target and all known constraints allow."""
        constraints = {dependency.constraint, *self.known.get(dependency.name, ())}
        fitting = [
            package
            for package in self.by_name.get(dependency.name, [])
            if allows(package.table.maybe("python-versions") or "*", self.target.python, package.table)
            and all(allows(constraint, package.version, package.table) for constraint in constraints)
        ]
        if not fitting:
            raise LockError(
                f"it has no version of '{dependency.name}' that fits {', '.join(sorted(constraints))} "
                f"and Python {self.target.python}",
                where=self.document.where,
                hint="Check that pyproject.toml allows the toolchain's Python, then run `poetry lock`.",
            )
        return max(fitting, key=_order)


def _order(package: Locked) -> Version:
    try:
        return Version(package.version)
    except InvalidVersion as error:
        raise package.table.fail(f"'{package.version}' is not a version", "version") from error


def _package_extras(package: Locked) -> dict[str, frozenset[str]]:
    """Return which names each extra of a package brings in: ``extra = ["name (>=1)", …]``."""
    extras = package.table.table("extras")
    return {canonicalize_name(extra): frozenset(_name(text) for text in extras.texts(extra)) for extra in extras.data}


def _name(requirement: str) -> str:
    """Return the name at the start of a requirement."""
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))
    return canonicalize_name(requirement[:end])


def _dependencies(
    table: Table, target: Target, wanted: frozenset[str], extras: Mapping[str, frozenset[str]]
) -> Iterator[_Dependency]:
    """Yield the dependencies of a table that apply to the target with ``wanted`` extras."""
    brought = frozenset().union(*(extras.get(extra, frozenset()) for extra in wanted))
    for name, value in table.items():
        normal = canonicalize_name(name)
        if normal == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            raw = {"version": one} if isinstance(one, str) else one
            if not isinstance(raw, Mapping):
                raise table.fail("must be a version or a table", name)
            entry = Table(data=raw, where=table.where, path=f"{table.path}.{name}")
            if raw.get("optional") is True and normal not in brought:
                continue
            if _applies(entry, target, wanted):
                constraint = entry.maybe("version") or "*"
                yield _Dependency(name=normal, constraint=constraint, extras=entry.texts("extras"))


def _applies(entry: Table, target: Target, wanted: frozenset[str]) -> bool:
    python, platform = entry.maybe("python"), entry.maybe("platform")
    return (
        (python is None or allows(python, target.python, entry))
        and (platform is None or platform == _PLATFORM)
        and holds(entry.maybe("markers"), target, wanted)
    )


def _roots(pyproject: Mapping[str, object], asked: Wanted, target: Target) -> Iterator[_Dependency]:
    poetry = section(pyproject, "tool", "poetry")
    extras: dict[str, frozenset[str]] = {
        canonicalize_name(extra): frozenset(canonicalize_name(name) for name in names)
        for extra, names in section(poetry, "extras").items()
        if isinstance(names, list)
    }
    yield from _dependencies(_place(poetry, "dependencies"), target, asked.extras, extras)
    for group in section(poetry, "group"):
        if canonicalize_name(group) in asked.groups:
            yield from _dependencies(_place(section(poetry, "group", group), "dependencies"), target, asked.extras, {})
    if "dev" in asked.groups:
        yield from _dependencies(_place(poetry, "dev-dependencies"), target, asked.extras, {})


def _place(parent: Mapping[str, object], key: str) -> Table:
    return Table(data=section(parent, key), where="pyproject.toml", path=f"tool.poetry.{key}")
