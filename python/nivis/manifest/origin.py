"""Where a data set comes from: the keys path, url, pypi and npm of [data.NAME]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from nivis.manifest.model import PackageData, PathData, UrlData
from nivis.manifest.toml import Table

Origin = PathData | UrlData | PackageData
SEPARATORS = {"pypi": "==", "npm": "@"}  # between a package and its version

_URL = re.compile(r"(?:https?|file)://\S+\Z")
# Normalised names and versions are the registry's business; here only the form is checked.
_PYPI = re.compile(r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*==\s*(?P<version>[A-Za-z0-9.!+_-]+)\Z")
_NPM = re.compile(r"(?P<package>(?:@[a-z0-9._~-]+/)?[A-Za-z0-9_~][A-Za-z0-9._~-]*)@(?P<version>[0-9][A-Za-z0-9.+-]*)\Z")
_PACKAGES = {
    "pypi": (_PYPI, "a package with its exact version", "palmerpenguins==0.1.4"),
    "npm": (_NPM, "a package with its exact version", "vega-datasets@3.2.1"),
}


def decode_origin(table: Table) -> Origin | None:
    """Decode the one key that says where the data is; None if there is a problem (which is noted)."""
    given = [key for key in ("path", "url", "pypi", "npm") if key in table.raw]
    if len(given) != 1:
        found = f"but it has {' and '.join(given)}" if given else "but it has none of them"
        place = ".".join(table.path)
        table.source.problem(
            table.path, f"{place} must have one of path, url, pypi or npm, {found}", 'Write path = "data/file.csv".'
        )
        return None
    if "file" in table.raw and given[0] in {"path", "url"}:
        table.problem("file", f"belongs to pypi and npm, not to {given[0]}", "Remove it.")
    value = table.string(given[0])
    if not isinstance(table.raw[given[0]], str):
        return None
    if given[0] == "path":
        return _path(table, value)
    if given[0] == "url":
        return _url(table, value)
    return _package(table, given[0], value)


def origin_record(origin: Origin) -> Mapping[str, str]:
    """Return an origin as nivis.lock and the plan write it."""
    if isinstance(origin, PathData):
        return {"path": origin.path}
    if isinstance(origin, UrlData):
        return {"url": origin.url}
    return {origin.registry: f"{origin.package}{SEPARATORS[origin.registry]}{origin.version}", "file": origin.file}


def _path(table: Table, value: str) -> PathData | None:
    path = PurePosixPath(value)
    if ".." in path.parts:
        table.problem(
            "path",
            f"is '{value}', which leaves the project",
            "Write a path relative to the project's root, or an absolute one.",
        )
        return None
    if not path.parts or "\0" in value:
        table.problem(
            "path", f"is '{value}', which is not the path of a file or folder", 'Write path = "data/file.csv".'
        )
        return None
    return PathData(path=str(path))


def _url(table: Table, value: str) -> UrlData | None:
    if not _URL.match(value):
        table.problem(
            "url",
            f"is '{value}', which is not a URL of a file",
            'Write url = "https://…"; a file on this machine is a path.',
        )
        return None
    return UrlData(url=value)


def _package(table: Table, registry: str, value: str) -> PackageData | None:
    pattern, wanted, example = _PACKAGES[registry]
    match = pattern.match(value.strip())
    if match is None:
        table.problem(registry, f"must be {wanted}, but it is '{value}'", f'Write {registry} = "{example}".')
    file = table.string("file")
    path = PurePosixPath(file)
    if "file" not in table.raw:
        table.problem(
            registry, "needs file: the path of the data inside the package", 'Write file = "package/data/file.csv".'
        )
        return None
    if isinstance(table.raw["file"], str) and (path.is_absolute() or ".." in path.parts or not path.parts):
        table.problem(
            "file", f"is '{file}', which is not a path inside the package", 'Write file = "package/data/file.csv".'
        )
        return None
    if match is None:
        return None
    return PackageData(registry=registry, package=match["package"], version=match["version"], file=str(path))
