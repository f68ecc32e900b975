"""Resolve sets of tools against a release: what apt would install of each on an empty system, without Recommends.

Each set by itself: another one changes nothing in it, and of a package two versions may be locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nivis.errors import NivisError, raise_all
from nivis.lock.debian.index import Index
from nivis.lock.debian.resolve import closure, unknown_package
from nivis.lock.debian.toolchain import locked_package
from nivis.lock.debian.tools import root_request
from nivis.lock.model import DebianPackage, Root

# What maintainer scripts run under (lib/root.py): to own files as only root can, and at a time that stands still.
NEEDED = ("fakeroot", "libfaketime")


def lock_roots(
    keys: Iterable[str], index: Index, *, system: str, where: Callable[[str], str]
) -> tuple[dict[str, Root], dict[str, DebianPackage]]:
    """Return the roots of these sets of tools, and their packages; ``where`` says which line asks for a tool.

    Raises ManifestError for unknown tools, LockError for a dependency that cannot be satisfied; all problems together.
    """
    roots: dict[str, Root] = {}
    debs: dict[str, DebianPackage] = {}
    problems: list[NivisError] = []
    for key in sorted(keys):
        try:
            found = _resolve(key, index, where)
        except NivisError as error:
            problems += error.parts()
            continue
        packages = {f"{package.name}={package.version}": package for package in found}
        roots[key] = Root(
            request=root_request(index.suite, system, key),
            date=f"{index.date:%Y-%m-%dT%H:%M:%SZ}",
            packages=tuple(sorted(packages)),
        )
        debs |= packages
    raise_all(problems)
    return roots, debs


def _resolve(key: str, index: Index, where: Callable[[str], str]) -> list[DebianPackage]:
    tools = key.split(" ")
    unknown = [name for name in tools if not index.named(name) and not index.providing(name)]
    raise_all([unknown_package(index, name, where(name)) for name in unknown])
    try:
        found = closure(index, [*tools, *NEEDED], essential=True)
    except NivisError as error:
        error.where = where(tools[0])
        raise
    return [locked_package(package) for package in found]
