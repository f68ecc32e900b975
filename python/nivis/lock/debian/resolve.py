"""The closure of packages under their dependencies, chosen as apt chooses.

Pure. Of alternatives the first that is chosen already wins, else the first that is available; of a virtual package
the provider chosen already, else the most important; of several versions the highest that satisfies.
Conflicts are not solved: within one release they are rare, and unpacking refuses two packages with the same file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol

from nivis.errors import LockError, ManifestError, NivisError, raise_all
from nivis.lock.debian.control import Group, Package, Relation


class Packages(Protocol):
    """What resolution needs of an index."""

    suite: str

    def named(self, name: str) -> tuple[Package, ...]:
        """Return all versions, the highest first."""

    def providing(self, name: str) -> tuple[Package, ...]:
        """Return providers of a virtual package, the preferred first."""

    def names(self) -> set[str]:
        """Return the names of all packages."""

    def essential(self) -> list[str]:
        """Return the names of essential packages."""


def closure(
    index: Packages, seeds: Iterable[str], exclude: Collection[str] = (), *, essential: bool = False
) -> list[Package]:
    """Return the seeds and everything they depend on, sorted by name.

    Names in ``exclude`` are not followed as dependencies; a seed is taken even so. Raises ManifestError for unknown
    seeds (all of them together) and LockError for a dependency that cannot be satisfied.
    """
    names = sorted({*seeds, *(index.essential() if essential else ())})
    place = "pyproject.toml: tool.nivis.toolchain.packages"
    unknown = [unknown_package(index, n, place) for n in names if not index.named(n) and not index.providing(n)]
    raise_all(unknown)
    solver = _Solver(index=index, exclude=frozenset(exclude))
    for name in names:
        solver.take(solver.find(Relation(name=name)) or index.providing(name)[0], ())
    solver.run()
    return sorted(solver.chosen.values(), key=lambda p: p.name)


@dataclass(slots=True, kw_only=True)
class _Solver:
    index: Packages
    exclude: frozenset[str]
    chosen: dict[str, Package] = field(default_factory=dict)
    offered: dict[str, list[Package]] = field(default_factory=dict)  # virtual name -> chosen providers
    todo: deque[tuple[Package, tuple[str, ...]]] = field(default_factory=deque)  # with the chain that led there

    def run(self) -> None:
        while self.todo:
            package, chain = self.todo.popleft()
            for group in package.depends:
                self._satisfy(group, (*chain, package.name))

    def take(self, package: Package, chain: tuple[str, ...]) -> None:
        if package.name in self.chosen:
            return
        self.chosen[package.name] = package
        for group in package.provides:
            for offer in group:
                self.offered.setdefault(offer.name, []).append(package)
        self.todo.append((package, chain))

    def _satisfy(self, group: Group, chain: tuple[str, ...]) -> None:
        if any(self._met(relation) for relation in group):
            return
        for relation in group:
            if relation.name in self.exclude:
                return
            if found := self.find(relation):
                if found.name not in self.exclude:
                    self.take(found, chain)
                return
        raise self._unsatisfied(group, chain)

    def _met(self, relation: Relation) -> bool:
        own = self.chosen.get(relation.name)
        candidates = ([own] if own else []) + self.offered.get(relation.name, [])
        return any(package.satisfies(relation) for package in candidates)

    def find(self, relation: Relation) -> Package | None:
        """Return the package to take for a relation that nothing chosen satisfies."""
        for candidates in (self.index.named, self.index.providing):  # the second is slow and seldom needed
            for package in candidates(relation.name):
                if package.satisfies(relation) and self.chosen.get(package.name, package) == package:
                    return package
        return None

    def _unsatisfied(self, group: Group, chain: tuple[str, ...]) -> LockError:
        wanted = " | ".join(str(relation) for relation in group)
        have = sorted({str(p.version) for relation in group for p in self.index.named(relation.name)})
        offer = f"has only {', '.join(have)}" if have else "does not have it"
        return LockError(
            f"'{chain[-1]}' needs '{wanted}', but {self.index.suite} {offer} (wanted by {' > '.join(chain)})",
            where="toolchain",
            hint="Leave the package out, or choose another suite in [tool.nivis.toolchain].",
        )


def unknown_package(index: Packages, name: str, where: str) -> NivisError:
    """Return the error for a package that the release does not have."""
    near = get_close_matches(name, index.names(), n=3, cutoff=0.7)
    hint = f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else "Search with 'apt-cache search'."
    return ManifestError(f"no package named '{name}' in Debian {index.suite}", where=where, hint=hint)
