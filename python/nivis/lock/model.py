"""nivis.lock: every fact from outside that a build needs, pinned by hash.

JSON, sorted, one entry a line where lists are long, so that diffs stay readable.
Hashes of files are lower-case hexadecimal sha256; hashes of trees are SRI strings
(``sha256-<base64>``) of the tree's NAR serialisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DebianPackage:
    """One .deb, of the toolchain or of steps' tools."""

    name: str
    version: str
    architecture: str
    archive: str  # "debian" or "debian-security": which of the machine's mirrors
    path: str  # below the mirror: "pool/main/b/bash/bash_5.2.37-2_amd64.deb"
    sha256: str
    size: int
    url: str | None = None  # of those that Nix itself may fetch: tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A set of tools and all they depend on, to be installed together; resolved once, whatever other sets there are."""

    request: str  # digest of what was asked for (suite, tools)
    date: str  # newest Date of the Release files, RFC 3339 UTC, for a snapshot mirror
    packages: tuple[str, ...]  # keys of Lock.debs, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The base tree: the packages unpacked over one another, as a store object."""

    name: str  # store path name
    hash: str  # SRI, NAR
    size: int  # bytes of the NAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The interpreter and tools that every step sees."""

    kind: str  # "debian" or "nixpkgs"
    suite: str
    date: str  # newest Date of the Release files, RFC 3339 UTC, for a snapshot mirror
    request: str  # digest of what was asked for (suite, extra packages, seeds)
    python: str  # "3.13.5"
    libc: str  # "2.41"
    packages: tuple[DebianPackage, ...]
    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One wheel of the Python environment."""

    name: str  # normalised
    version: str
    file: str  # file name
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonEnvironment:
    """What the Python lock file selects for the toolchain's interpreter."""

    request: str  # digest of lock file content, groups, extras, python and libc versions
    wheels: tuple[Wheel, ...]  # sorted by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A published package that a data file is taken from."""

    registry: str  # "pypi" or "npm"
    file: str
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedData:
    """One data set: what it was asked to be, and the hash it had."""

    name: str  # of the store path: the base name of the file or folder
    origin: Mapping[str, str]  # {"path": …} | {"url": …} | {"pypi": "x==1", "file": …} | {"npm": "x@1", "file": …}
    sha256: str | None = None  # a single file
    tree: str | None = None  # a folder: SRI, NAR
    size: int = 0  # bytes of content
    files: int = 1
    archive: Archive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The whole file."""

    system: str  # "x86_64-linux"
    source: tuple[str, ...]  # the project's source folders, for PYTHONPATH
    files: Mapping[str, str]  # project files it was made from -> sha256 (pyproject.toml, poetry.lock)
    toolchain: Toolchain
    python: PythonEnvironment | None
    tables: PythonEnvironment | None = None  # what checks of tables run with; only where there are any
    data: Mapping[str, LockedData] = field(default_factory=dict)  # "experiment/data" -> entry
    debs: Mapping[str, DebianPackage] = field(default_factory=dict)  # "bash=5.2.37-2" -> package, shared by roots
    roots: Mapping[str, Root] = field(default_factory=dict)  # tools, sorted, with spaces between -> root
