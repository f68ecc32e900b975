"""The Python environment of a project: its lock file, read for the toolchain's interpreter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from packaging.markers import InvalidMarker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from nivis.errors import LockError, raise_all
from nivis.lock.model import PythonEnvironment, Wheel
from nivis.lock.python.index import Indexes, Read, locate
from nivis.lock.python.packages import LockedPackage
from nivis.lock.python.pylock import read_pylock
from nivis.lock.python.raw import Table, decode
from nivis.lock.python.select import select
from nivis.lock.python.target import Target
from nivis.lock.python.uv import read_uv
from nivis.lock.python.wanted import dependency_groups, section, wanted
from nivis.manifest.model import Project

Reader = Callable[[Table, Project, Target], list[LockedPackage]]


def lock_python(
    project: Project, target: Target, *, indexes: Indexes, read: Read, known: Iterable[Wheel] = ()
) -> PythonEnvironment:
    """Return the wheels that the project's lock file selects for the target, with URLs if the project records them.

    ``known`` are wheels of an earlier lock: those with a URL are not looked up again, so that nothing is read
    from an index unless something changed. A wheel that no index offers is kept without a URL. Raises LockError
    (several at once as Problems), and what ``read`` raised for pages that would have been needed.
    """
    if project.lock_file is None:
        _check_empty(project)
        return PythonEnvironment(request=request(project, target, b""), wheels=())
    content = _content(project, project.lock_file)
    packages = _read(content, project, project.lock_file, target)
    wheels = select(packages, target, project.lock_file)
    if project.urls:
        wheels = with_urls(wheels, packages, indexes=indexes, read=read, known=known)
    else:
        wheels = tuple(replace(wheel, url=None) for wheel in wheels)
    return PythonEnvironment(request=request(project, target, content), wheels=wheels)


def request(project: Project, target: Target, content: bytes) -> str:
    """Return the digest of what was asked for: the lock file's content, groups, extras and target."""
    asked = {
        "extras": sorted(canonicalize_name(name) for name in project.extras),
        "groups": sorted(canonicalize_name(name) for name in project.groups),
        "libc": target.libc,
        "lock": sha256(content).hexdigest(),
        "python": target.python,
        "system": target.system,
        "urls": project.urls,
    }
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def with_urls(
    wheels: Sequence[Wheel],
    packages: Iterable[LockedPackage] = (),
    *,
    indexes: Indexes,
    read: Read,
    known: Iterable[Wheel] = (),
) -> tuple[Wheel, ...]:
    """Return the wheels with their URLs: their own, else that of an equal known wheel, else what an index says."""
    urls = {(wheel.file, wheel.sha256): wheel.url for wheel in known if wheel.url}
    filled = [wheel if wheel.url else replace(wheel, url=urls.get((wheel.file, wheel.sha256))) for wheel in wheels]
    missing = [wheel for wheel in filled if wheel.url is None]
    if not missing:
        return tuple(filled)
    extra = [(package.name, package.index) for package in packages if package.index]
    located = locate(missing, indexes=indexes, read=read, extra=extra)
    if any(wheel.sha256 not in located.urls for wheel in missing):
        raise_all(located.problems)
    return tuple(wheel if wheel.url else replace(wheel, url=located.urls.get(wheel.sha256)) for wheel in filled)


def _content(project: Project, name: str) -> bytes:
    try:
        return (project.root / name).read_bytes()
    except OSError as error:
        raise LockError(
            f"it cannot be read ({error.strerror})", where=name, hint="Restore it from git, or lock the project again."
        ) from error


def _read(content: bytes, project: Project, name: str, target: Target) -> list[LockedPackage]:
    try:
        return _reader(name)(decode(content, name), project, target)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName) as error:
        text = str(error).splitlines()[0]
        raise LockError(
            f"a marker in it cannot be evaluated ({text})", where=name, hint="Lock the project again."
        ) from error


def _reader(name: str) -> Reader:
    if name == "poetry.lock":
        # poetry-core takes longer to import than all the rest: only where there is a poetry.lock
        from nivis.lock.python.poetry import read_poetry

        return read_poetry
    return read_uv if name == "uv.lock" else read_pylock


def _check_empty(project: Project) -> None:
    """Raise LockError where there is something to install and nothing says which versions."""
    asked = wanted(
        project,
        groups=dependency_groups(project.pyproject) | {"main"},
        extras=section(project.pyproject, "project", "optional-dependencies").keys()
        | section(project.pyproject, "tool", "poetry", "extras").keys(),
    )
    poetry = set(section(project.pyproject, "tool", "poetry", "dependencies")) - {"python"}
    if section(project.pyproject, "project").get("dependencies") or poetry or asked.extras or asked.groups - {"main"}:
        raise LockError(
            "it has dependencies, but there is no lock file that says which versions",
            where="pyproject.toml",
            hint=_lock_command(project.pyproject),
        )


def _lock_command(pyproject: Mapping[str, object]) -> str:
    if section(pyproject, "tool", "poetry"):
        return "Run `poetry lock`."
    if section(pyproject, "tool", "uv"):
        return "Run `uv lock`."
    return "Run `poetry lock` or `uv lock`."
