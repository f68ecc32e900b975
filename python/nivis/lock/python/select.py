"""Choose one wheel for each package: the one whose tag comes first in the target's order (PEP 425)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from nivis.errors import LockError, NivisError, raise_all
from nivis.lock.model import Wheel
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.target import Target, tags

# The toolchains that a hint may propose: suite -> (Python, glibc).
SUITES = {"bookworm": ("3.11.2", "2.36"), "trixie": ("3.13.5", "2.41")}
_SHOWN = 3
_INTERPRETER = re.compile(r"(?:cp|py)3(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    file: LockedFile
    version: Version
    build: tuple[int, str] | tuple[()]
    tags: frozenset[Tag]


def select(packages: Iterable[LockedPackage], target: Target, where: str) -> tuple[Wheel, ...]:
    """Return the best wheel of every package, sorted by name.

    ``where`` names the lock file in errors. Every package without a wheel is reported at once (LockError each).
    """
    problems: list[NivisError] = []
    wheels: list[Wheel] = []
    for package in packages:
        try:
            wheels.append(_select_one(package, target, where))
        except LockError as error:
            problems.append(error)
    raise_all([*problems, *_doubles(wheels, where)])
    return tuple(sorted(wheels, key=lambda wheel: (wheel.name, wheel.version)))


def _doubles(wheels: Iterable[Wheel], where: str) -> Iterator[LockError]:
    """Yield an error for every name that is wanted in several versions (extras or groups in conflict)."""
    versions: dict[str, list[str]] = {}
    for wheel in wheels:
        versions.setdefault(wheel.name, []).append(wheel.version)
    for name, found in versions.items():
        if len(found) > 1:
            yield LockError(
                f"'{name}' is needed in versions {' and '.join(sorted(found))} at once",
                where=where,
                hint="Ask for extras and groups that do not exclude each other in [tool.nivis].",
            )


def _select_one(package: LockedPackage, target: Target, where: str) -> Wheel:
    if package.origin is not None:
        raise LockError(
            f"'{package.name}' comes from {package.origin}, and only published wheels can be installed",
            where=where,
            hint="Depend on a published version or on the URL of a wheel, or put the code into src/.",
        )
    candidates = _candidates(package)
    best = _best(candidates, target)
    if best is None:
        raise _no_wheel(package, candidates, target, where)
    if best.file.sha256 is None:
        raise LockError(
            f"'{best.file.name}' has no sha256 in the lock",
            where=where,
            hint="Lock the project again; if its index offers no sha256, use one that does.",
        )
    return Wheel(
        name=package.name,
        version=package.version or str(best.version),
        file=best.file.name,
        sha256=best.file.sha256,
        url=best.file.url,
    )


def _candidates(package: LockedPackage) -> list[_Candidate]:
    """Return the package's wheels; names that are no wheel's (PEP 427) and other versions' files are left out."""
    found = []
    for file in package.files:
        try:
            _, version, build, wheel_tags = parse_wheel_filename(file.name)
            if package.version and version != Version(package.version):
                continue
        except (InvalidWheelFilename, InvalidVersion):
            continue
        found.append(_Candidate(file=file, version=version, build=build, tags=wheel_tags))
    return found


def _best(candidates: Iterable[_Candidate], target: Target) -> _Candidate | None:
    """Return the candidate with the first tag; of several, the highest build number, then the first name."""
    ranks = {tag: rank for rank, tag in reversed(list(enumerate(tags(target))))}
    ranked = [
        (min(ranks[tag] for tag in candidate.tags & ranks.keys()), candidate)
        for candidate in sorted(candidates, key=lambda candidate: candidate.file.name)
        if candidate.tags & ranks.keys()
    ]
    if not ranked:
        return None
    first = min(rank for rank, _ in ranked)
    return max((candidate for rank, candidate in ranked if rank == first), key=lambda candidate: candidate.build)


def _no_wheel(package: LockedPackage, candidates: list[_Candidate], target: Target, where: str) -> LockError:
    if candidates:
        nearest = sorted(candidates, key=lambda candidate: _distance(candidate, target))
        names = ", ".join(candidate.file.name for candidate in nearest[:_SHOWN])
        more = f" and {len(nearest) - _SHOWN} more" if len(nearest) > _SHOWN else ""
        offered = f"it offers {names}{more}"
    elif package.files:
        offered = "it offers only a source distribution"
    else:
        offered = "the lock lists no file for it"
    return LockError(
        f"{package.name} {package.version} has no wheel for {target}; {offered}",
        where=where,
        hint=_way_out(candidates, target),
    )


def _way_out(candidates: list[_Candidate], target: Target) -> str:
    for suite, (python, libc) in SUITES.items():
        other = Target(python=python, libc=libc, system=target.system)
        if other.minor != target.minor and _best(candidates, other) is not None:
            return (
                f'Lock another version of it, or set `suite = "{suite}"` in [tool.nivis.toolchain]: '
                f"there is one for its Python {other.short}."
            )
    if candidates:
        return "Lock another version of it that has one."
    return (
        "Lock a version of it that has one, or put a wheel of your own on your index and lock again; "
        "building from source is not supported yet."
    )


def _distance(candidate: _Candidate, target: Target) -> tuple[bool, bool, int, str]:
    """Order wheels by how little is wrong with them: platform, machine, Python version."""
    platforms = {tag.platform for tag in candidate.tags}
    linux = any(platform == "any" or platform.startswith(("linux", "manylinux")) for platform in platforms)
    machine = any(platform == "any" or platform.endswith(target.machine) for platform in platforms)
    minors = [int(match[1]) for tag in candidate.tags if (match := _INTERPRETER.fullmatch(tag.interpreter))]
    apart = min((abs(minor - target.minor[1]) for minor in minors), default=0)
    return not linux, not machine, apart, candidate.file.name
