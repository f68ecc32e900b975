"""Bring to the store what Nix cannot make or should not have to fetch: the base tree, wheels, tools, data.

Downloads run side by side, the base tree is unpacked meanwhile; every file is checked against the lock and lands where
Nix itself would have put it, so plain Nix and `nivis` make the same store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from nivis.engine.debs import deb_download, gone
from nivis.engine.need import Need
from nivis.engine.workspace import Workspace
from nivis.errors import HostError, LockError, NetworkError, NivisError, raise_all
from nivis.fetch.download import Download, Fetched, HashError, fetch_all
from nivis.fetch.transfer import Stop
from nivis.lock.model import Lock, LockedData
from nivis.lock.names import store_name
from nivis.nix.store import Addition, add_many


def bring(workspace: Workspace, lock: Lock, need: Need) -> None:
    """Bring what is needed; raises what downloads and the store raise, all problems together."""
    stop = Stop()
    problems: list[NivisError] = []
    with ThreadPoolExecutor(1) as pool:
        files = pool.submit(_bring_files, workspace, need, lock, stop)
        try:
            if need.base:
                problems += _problems(partial(_bring_base, workspace, lock))
            problems += _problems(files.result)
        except BaseException:
            stop.set()  # an interrupt reaches this thread only
            raise
    raise_all(_once(problems))


def _once(problems: Sequence[NivisError]) -> list[NivisError]:
    """Return the problems, of those of the machine at one place (a full disk) the first only."""
    first: dict[str, NivisError] = {}
    for problem in problems:
        first.setdefault(problem.where if isinstance(problem, HostError) else str(problem), problem)
    return list(first.values())


def _problems(job: Callable[[], object]) -> Sequence[NivisError]:
    """Run a job and return what is wrong instead of raising it, so that another job's problems are told as well."""
    try:
        job()
    except NivisError as error:
        return error.parts()
    return ()


def _bring_base(workspace: Workspace, lock: Lock) -> None:
    # python-debian: only where a base tree has to be unpacked
    from nivis.fetch.mirrors import debian_mirrors
    from nivis.lock.debian.toolchain import base_tree

    tree = lock.toolchain.tree
    mirrors = debian_mirrors(workspace.environ, workspace.project.toolchain.mirror)
    workspace.cache.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.cache.folder, prefix="tree-") as folder:
        path = base_tree(
            lock.toolchain,
            cache=workspace.cache,
            mirrors=mirrors,
            listener=workspace.listener,
            offline=workspace.offline,
            into=Path(folder) / "tree.nar",
        )
        addition = Addition(path=path, name=tree.name, nar=tree.hash, nar_size=tree.size, packed=True)
        add_many([addition], nix=workspace.nix, environ=workspace.nix_environ, listener=workspace.listener)


def _bring_files(workspace: Workspace, need: Need, lock: Lock, stop: Stop) -> None:
    additions = [_path_addition(workspace, entry) for entry in need.data.values() if "path" in entry.origin]
    downloads = [_download(wheel.file, wheel.url, wheel.sha256) for wheel in need.wheels]
    downloads += [deb_download(workspace, deb) for deb in need.debs.values()]
    downloads += [_data_download(entry) for entry in need.data.values() if "path" not in entry.origin]
    try:
        fetched = fetch_files(workspace, downloads, need, stop)
    except NivisError as error:
        raise_all([_changed_at_source(part, need.data) for part in gone(error.parts(), need.debs, lock)])
        raise
    names = {deb.sha256: f"{deb.name}.deb" for deb in need.debs.values()}  # lib/root.nix
    additions += [
        Addition(path=file.path, name=names.get(file.sha256) or store_name(download.name), sha256=file.sha256)
        for download, file in zip(downloads, fetched, strict=True)
    ]
    add_many(additions, nix=workspace.nix, environ=workspace.nix_environ, listener=workspace.listener)


def _path_addition(workspace: Workspace, entry: LockedData) -> Addition:
    path = workspace.project.root / entry.origin["path"]
    if entry.tree is not None:
        known = workspace.stats.tree(path)
        found, expected = known.tree, entry.tree
        addition = Addition(path=path, name=entry.name, nar=known.tree, nar_size=known.nar_size)
    else:
        digest = workspace.stats.file(path)
        found, expected = digest.sha256, entry.sha256 or ""
        addition = Addition(path=path, name=entry.name, sha256=digest.sha256, nar=digest.nar)
    if found != expected:
        raise LockError(
            f"the content is not what nivis.lock says: expected {expected}, got {found}",
            where=entry.origin["path"],
            hint="Run `nivis lock` to accept it, or restore the file.",
        )
    return addition


def fetch_files(workspace: Workspace, downloads: Sequence[Download], need: Need, stop: Stop) -> Sequence[Fetched]:
    """Fetch files; packages without a URL, or not to be had there, are looked for on this machine's indexes."""

    def fetch(wanted: Sequence[Download]) -> Sequence[Fetched]:
        return fetch_all(
            wanted, cache=workspace.cache, listener=workspace.listener, offline=workspace.offline, stop=stop
        )

    nowhere = {d.name for d in downloads if not d.urls and workspace.cache.find(d.sha256 or "") is None}
    wanted = _located(workspace, downloads, need, nowhere)
    try:
        return fetch(wanted)
    except NivisError as error:
        failed = {part.where for part in error.parts() if isinstance(part, NetworkError)} - nowhere
        elsewhere = _located(workspace, wanted, need, failed)
        if elsewhere == wanted:
            raise
        workspace.listener.note("not everything is where nivis.lock says: trying this machine's indexes")
        return fetch(elsewhere)


def _located(
    workspace: Workspace, downloads: Sequence[Download], need: Need, names: Collection[str]
) -> Sequence[Download]:
    """Return the downloads, those in ``names`` from where this machine's indexes have them."""
    wheels = [wheel for wheel in need.wheels if wheel.file in names]
    data = [entry for entry in need.data.values() if entry.archive is not None and entry.archive.file in names]
    if workspace.offline or not (wheels or data):
        return downloads
    from nivis.engine.locate import locate  # needs packaging: only for a lock made behind another mirror

    urls = locate(workspace, wheels, data)
    return [replace(d, urls=(urls[d.sha256],)) if d.sha256 in urls else d for d in downloads]


def _data_download(entry: LockedData) -> Download:
    """Return the download of a data set, or of the package that it is in."""
    archive = entry.archive
    if archive is None:
        return Download(name=entry.name, urls=(entry.origin["url"],), sha256=entry.sha256, size=entry.size)
    return _download(archive.file, archive.url, archive.sha256)


def _download(file: str, url: str | None, sha256: str) -> Download:
    return Download(name=file, urls=(url,) if url else (), sha256=sha256)


def _changed_at_source(error: NivisError, data: Mapping[str, LockedData]) -> NivisError:
    """Return the error with the way to accept it, if it says that a data set's URL has something else now."""
    for key, entry in data.items():
        if isinstance(error, HashError) and "url" in entry.origin and error.where == entry.name:
            name = key.partition("/")[2]
            hint = f"To accept what is there now, run `nivis lock --update data.{name}`."
            return HashError(error.what, where=f"data.{name}", hint=hint)
    return error
