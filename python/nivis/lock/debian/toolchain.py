"""The toolchain from a Debian release: lock it (network facts: versions, hashes), and bring its base tree back.

The base tree is the packages unpacked over one another, unpatched; its hash is in the lock, so that the .debs are
needed only where the tree is in no store yet.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from nivis.errors import HostError, LockError, ManifestError, NivisError, did_you_mean, raise_all
from nivis.fetch.cache import Cache, hash_file
from nivis.fetch.download import Client, Download, NotFoundError, fetch_all
from nivis.fetch.mirrors import Mirrors
from nivis.files import write_atomically
from nivis.lock.debian.control import Package
from nivis.lock.debian.index import DAY, Index, read_index
from nivis.lock.debian.resolve import closure
from nivis.lock.debian.seeds import EXCLUDED, PYTHON, SEEDS
from nivis.lock.debian.signature import KEYRING
from nivis.lock.debian.unpack import unpack
from nivis.lock.model import DebianPackage, Toolchain, Tree
from nivis.lock.nar import sri
from nivis.manifest.model import ToolchainSettings
from nivis.progress import Listener

ARCHITECTURES = {"x86_64-linux": "amd64", "aarch64-linux": "arm64"}
FORMAT = 1  # of the tree: raise it when unpacking changes what ends up in it


def request(settings: ToolchainSettings, system: str) -> str:
    """Return a digest of everything the toolchain is made from, apart from what is on the mirror."""
    asked = [
        FORMAT,
        settings.kind,
        settings.suite,
        system,
        sorted(set(settings.packages)),
        _seeds(settings),
        sorted(EXCLUDED),
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def lock_toolchain(
    settings: ToolchainSettings,
    system: str,
    *,
    cache: Cache,
    mirrors: Mirrors,
    listener: Listener,
    offline: bool = False,
    max_age: float = DAY,
    keyring: Path = KEYRING,
    now: datetime | None = None,
    client: Client | None = None,
) -> Toolchain:
    """Resolve a toolchain against the mirror's current packages and compute its base tree's hash.

    Its archive is left in the cache for ``base_tree``. Raises ManifestError (suite, packages), NetworkError, HostError.
    """
    digest = request(settings, system)
    index = read_index(
        settings.suite,
        architecture(system),
        mirrors=mirrors,
        cache=cache,
        listener=listener,
        offline=offline,
        max_age=max_age,
        keyring=keyring,
        now=now,
        client=client,
    )
    packages = tuple(locked_package(p) for p in closure(index, _seeds(settings), EXCLUDED))
    tree = _make_tree(settings.suite, packages, cache, mirrors, listener, offline, index, client)
    return Toolchain(
        kind="debian",
        suite=settings.suite,
        date=f"{index.date:%Y-%m-%dT%H:%M:%SZ}",
        request=digest,
        python=_upstream(packages, PYTHON[settings.suite], r"\d+\.\d+\.\d+"),
        libc=_upstream(packages, "libc6", r"\d+\.\d+"),
        packages=packages,
        tree=tree,
    )


def base_tree(
    toolchain: Toolchain,
    *,
    cache: Cache,
    mirrors: Mirrors,
    listener: Listener,
    offline: bool = False,
    into: Path,
    client: Client | None = None,
) -> Path:
    """Put the base tree of a locked toolchain, as a Nix archive, at ``into`` and return that path.

    The one that ``lock_toolchain`` left in the cache is moved there; else the .debs are fetched, checked and unpacked.
    Raises NetworkError for a .deb that is gone, LockError if the tree is not the one that was locked.
    """
    ready = _kept(cache, toolchain.tree)
    if ready.is_file():
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(ready, into)  # a rename where both are on one file system
        sha256, size = hash_file(into)
        if (sri(bytes.fromhex(sha256)), size) == (toolchain.tree.hash, toolchain.tree.size):
            return into
    debs = _fetch(toolchain.packages, toolchain.date, cache, mirrors, listener, offline, client)
    try:
        found, size = unpack(debs, into, listener=listener)
        if found != toolchain.tree.hash:
            raise _other_tree(toolchain.tree, found, size)  # noqa: TRY301 - the archive is removed below
    except BaseException:
        into.unlink(missing_ok=True)
        raise
    return into


def _make_tree(
    suite: str,
    packages: Sequence[DebianPackage],
    cache: Cache,
    mirrors: Mirrors,
    listener: Listener,
    offline: bool,
    index: Index,
    client: Client | None,
) -> Tree:
    """Return the tree of these packages, made once: another project on the machine only looks it up."""
    name = f"nivis-debian-{suite}"
    note = _note(cache, packages)
    if known := _known(note):
        return Tree(name=name, hash=known[0], size=known[1])
    debs = _fetch(packages, f"{index.date:%Y-%m-%dT%H:%M:%SZ}", cache, mirrors, listener, offline, client)
    with _scratch(cache) as scratch:
        found, size = unpack(debs, scratch / "tree", listener=listener)
        tree = Tree(name=name, hash=found, size=size)
        kept = _kept(cache, tree)
        if not kept.exists():
            (scratch / "tree").rename(kept)
    write_atomically(note, json.dumps([found, size]).encode())
    return tree


def _note(cache: Cache, packages: Sequence[DebianPackage]) -> Path:
    """Return where the hash of the packages' tree is noted; ``base_tree`` checks it when it makes the tree."""
    content = json.dumps([FORMAT, sorted(p.sha256 for p in packages)])
    return cache.folder / "trees" / f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.json"


def _known(note: Path) -> tuple[str, int] | None:
    try:
        found, size = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
    return str(found), int(size)


def _fetch(
    packages: Sequence[DebianPackage],
    date: str,
    cache: Cache,
    mirrors: Mirrors,
    listener: Listener,
    offline: bool,
    client: Client | None,
) -> dict[str, Path]:
    """Return file name -> .deb, all of them verified."""
    downloads = [
        Download(
            name=package.path.rpartition("/")[2],
            urls=mirrors.urls(package.archive, package.path),
            sha256=package.sha256,
            size=package.size,
        )
        for package in packages
    ]
    try:
        fetched = fetch_all(downloads, cache=cache, listener=listener, offline=offline, client=client)
    except NivisError as error:
        gone = [part for part in error.parts() if isinstance(part, NotFoundError)]
        others = [part for part in error.parts() if not isinstance(part, NotFoundError)]
        raise_all([*([packages_gone(gone, date, "toolchain")] if gone else []), *others])
        raise
    return {download.name: one.path for download, one in zip(downloads, fetched, strict=True)}


def _other_tree(tree: Tree, found: str, size: int) -> LockError:
    return LockError(
        f"the unpacked tree is not the one that was locked: expected {tree.hash} ({tree.size} bytes), "
        f"got {found} ({size} bytes)",
        where="nivis.lock: toolchain",
        hint="It was locked by another version of nivis: run 'nivis lock --update toolchain'.",
    )


def packages_gone(missing: Sequence[NotFoundError], date: str, of: str) -> NotFoundError:
    """Return the error for packages of the toolchain, or of tools, that mirrors had at a date and have no longer."""
    first, names = missing[0], ", ".join(error.where for error in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    what = "it" if len(missing) == 1 else f"{len(missing)} packages of the {of}: {names}{more}"
    return NotFoundError(
        f"the mirror no longer has {what} ({first.what})",
        where=first.where if len(missing) == 1 else of,
        hint=f"Set NIVIS_DEBIAN_MIRROR (and NIVIS_DEBIAN_SECURITY_MIRROR) to a snapshot mirror of {date}, "
        "or run 'nivis lock --update toolchain' for today's packages.",
    )


@contextmanager
def _scratch(cache: Cache) -> Iterator[Path]:
    """Yield a folder beside the kept trees, and remove it afterwards."""
    (cache.folder / "trees").mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=cache.folder / "trees", prefix=".unpacking-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _kept(cache: Cache, tree: Tree) -> Path:
    return cache.folder / "trees" / f"{hashlib.sha256(tree.hash.encode()).hexdigest()[:32]}.nar"


def _seeds(settings: ToolchainSettings) -> list[str]:
    if settings.suite not in PYTHON:
        raise ManifestError(
            f"no Debian suite named '{settings.suite}' is supported",
            where="pyproject.toml: tool.nivis.toolchain.suite",
            hint=did_you_mean(settings.suite, PYTHON),
        )
    return sorted({PYTHON[settings.suite], *SEEDS, *settings.packages})


def architecture(system: str) -> str:
    """Return what Debian calls a system; raises HostError for one without a toolchain."""
    if system not in ARCHITECTURES:
        raise HostError(f"no Debian toolchain for '{system}'", hint=f"Supported: {', '.join(sorted(ARCHITECTURES))}.")
    return ARCHITECTURES[system]


def locked_package(package: Package) -> DebianPackage:
    """Return what the lock says of a package."""
    return DebianPackage(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        archive=package.archive,
        path=package.path,
        sha256=package.sha256,
        size=package.size,
    )


def _upstream(packages: Sequence[DebianPackage], name: str, pattern: str) -> str:
    """Return the upstream part of a package's version: '3.13.5' of '3.13.5-2+deb13u1'."""
    version = next(p.version for p in packages if p.name == name)
    found = re.match(rf"(?:\d+:)?({pattern})", version)
    if found is None:
        raise LockError(f"'{name}' has the version '{version}', which looks like none", where="toolchain")
    return found[1]
