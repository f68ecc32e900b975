"""pylock.toml (PEP 751), read and selected by `packaging`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlparse

from packaging.pylock import (
    Package,
    PackageArchive,
    PackageSdist,
    PackageWheel,
    Pylock,
    PylockSelectError,
    PylockUnsupportedVersionError,
    PylockValidationError,
)
from packaging.utils import NormalizedName

from nivis.errors import LockError
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.raw import Table
from nivis.lock.python.target import Target, environment, tags
from nivis.lock.python.wanted import check_python, wanted
from nivis.manifest.model import Project


def read_pylock(document: Table, project: Project, target: Target) -> list[LockedPackage]:
    """Return the packages that the lock installs for the target: its default groups and what the project asks for.

    Raises LockError for a lock that is not valid or not for the target, ManifestError for unknown groups and extras.
    """
    lock = _decode(document)
    check_python(str(lock.requires_python) if lock.requires_python else None, target, document.where)
    default = frozenset(lock.default_groups or ())
    asked = wanted(project, groups={*(lock.dependency_groups or ()), *default}, extras=lock.extras or ())
    # Which wheel is best is decided in one place for all kinds of locks; here only which packages are needed.
    packages = [package if package.is_direct else replace(package, sdist=_STAND_IN) for package in lock.packages]
    try:
        chosen = replace(lock, packages=packages).select(
            environment=environment(target),
            tags=tags(target),
            extras=asked.extras,
            dependency_groups=asked.groups | default,
            prefer_sdist_predicate=_always,
        )
        needed = {id(package) for package, _ in chosen}
    except PylockSelectError as error:
        raise LockError(
            f"it cannot be used for {target} ({error})", where=document.where, hint="Export it again for this Python."
        ) from error
    return [
        _package(full)
        for full, package in zip(lock.packages, packages, strict=True)
        if id(package) in needed and not _is_project(full)
    ]


def _is_project(package: Package) -> bool:
    """Tell whether an entry is the project itself: its code is on the path anyway."""
    return package.directory is not None and PurePosixPath(package.directory.path) == PurePosixPath()


_STAND_IN = PackageSdist(name="stand-in-0.tar.gz", path="stand-in-0.tar.gz", hashes={})


def _always(_name: NormalizedName) -> bool:
    return True


def _decode(document: Table) -> Pylock:
    try:
        return Pylock.from_dict(document.data)
    except PylockUnsupportedVersionError as error:
        raise LockError(str(error), where=document.where, hint="Export it in version 1.0 of the format.") from error
    except PylockValidationError as error:
        raise LockError(
            f"it is not as PEP 751 says ({error})", where=document.where, hint="Export it again."
        ) from error


def _package(package: Package) -> LockedPackage:
    files = [_file(wheel) for wheel in package.wheels or ()]
    if package.sdist is not None:
        files.append(_file(package.sdist))
    if package.archive is not None:
        files.append(_archive(package.archive))
    return LockedPackage(
        name=package.name,
        version=str(package.version) if package.version is not None else "",
        files=tuple(files),
        index=package.index,
        origin=_origin(package),
    )


def _origin(package: Package) -> str | None:
    if package.vcs is not None:
        return f"the {package.vcs.type} repository {package.vcs.url or package.vcs.path}"
    if package.directory is not None:
        return f"the folder '{package.directory.path}'"
    if package.archive is not None and not package.archive.url:
        return f"the local file '{package.archive.path}'"
    return None


def _file(file: PackageWheel | PackageSdist) -> LockedFile:
    return LockedFile(name=file.filename, sha256=_sha256(file.hashes), url=file.url)


def _archive(archive: PackageArchive) -> LockedFile:
    path = unquote(urlparse(archive.url or "").path) or archive.path or ""
    return LockedFile(name=PurePosixPath(path).name, sha256=_sha256(archive.hashes), url=archive.url)


def _sha256(hashes: object) -> str | None:
    value = hashes.get("sha256") if isinstance(hashes, dict) else None
    return value.lower() if isinstance(value, str) else None
