"""Pin data by hash: files and folders of the project, files behind URLs, files out of published packages.

Trust on first use: what the manifest does not pin is recorded as it is found, and from then on a change at the
*source* (URL, registry) is an error. A change of a file in the project is its owner's edit: it is recorded and told.
What is locked and valid in the store is not fetched again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nivis.errors import LockError, NetworkError, NivisError, did_you_mean
from nivis.fetch.cache import Cache
from nivis.fetch.model import Download, Fetched
from nivis.lock.archive import FindRelease, Release, check_integrity, read_member
from nivis.lock.model import Archive, LockedData
from nivis.lock.names import store_name, url_name
from nivis.lock.stats import StatCache
from nivis.manifest.model import Data, Experiment, PackageData, PathData, UrlData
from nivis.manifest.origin import origin_record
from nivis.manifest.toml import place
from nivis.progress import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where data comes from, and what is there already."""

    cache: Cache
    stats: StatCache
    listener: Listener
    find_release: Mapping[str, FindRelease]  # by registry: "pypi", "npm"
    stored: Callable[[LockedData], bool]  # whether its store path is valid
    offline: bool = False
    urls: bool = True  # record URLs beside hashes


def lock_data(
    experiment: Experiment,
    data: Data,
    previous: LockedData | None,
    *,
    root: Path,
    sources: Sources,
    update: bool = False,
) -> LockedData:
    """Return the entry of nivis.lock for one data set; ``update`` accepts what changed at its source.

    Raises LockError or NetworkError whose place is the data set's in the manifest.
    """
    record = origin_record(data.origin)
    same = previous if previous is not None and dict(previous.origin) == dict(record) else None
    try:
        if isinstance(data.origin, PathData):
            locked = _lock_path(data, data.origin, same, root=root, sources=sources)
        elif not update and same is not None and data.sha256 in (None, same.sha256) and sources.stored(same):
            return (
                same if sources.urls or same.archive is None else replace(same, archive=replace(same.archive, url=None))
            )
        elif isinstance(data.origin, UrlData):
            locked = _lock_url(data, data.origin, None if update else same, sources)
        else:
            locked = _lock_package(data, data.origin, None if update else same, sources)
        return _checked(data, locked)
    except NivisError as error:
        raise _placed(error, _place(root, experiment, data)) from error


def _place(root: Path, experiment: Experiment, data: Data) -> str:
    """Return the data set's place in the manifest, with its line if the manifest can still be read."""
    try:
        text = (root / experiment.manifest).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    return f"{place(text, str(experiment.manifest), ('data', data.name))}: data.{data.name}"


def _placed(error: NivisError, where: str) -> NivisError:
    """Return the error with the manifest's place in front of its own."""
    inner = f"'{error.where}' " if error.where else ""
    kind = NetworkError if isinstance(error, NetworkError) else type(error)
    return kind(f"{inner}{error.what}", where=where, hint=error.hint)


def _checked(data: Data, locked: LockedData) -> LockedData:
    if data.sha256 is None or data.sha256 == locked.sha256:
        return locked
    if locked.tree is not None:
        raise LockError(
            "'sha256' pins a single file, but the data is a folder",
            hint="Remove 'sha256': nivis.lock records the hash of the folder.",
        )
    raise LockError(
        f"the content is not what 'sha256' says: expected {data.sha256}, got {locked.sha256}",
        hint=f'If the new content is meant, write sha256 = "{locked.sha256}".',
    )


def _lock_path(
    data: Data, origin: PathData, previous: LockedData | None, *, root: Path, sources: Sources
) -> LockedData:
    path = root / origin.path
    if not path.exists():
        if previous is not None and sources.stored(previous):
            return previous
        raise _not_there(path, origin, previous)
    try:
        locked = _hash_path(path.resolve(), store_name(path.name), origin, sources.stats)
    except OSError as error:
        raise LockError(
            f"cannot be read ({error.strerror})", where=origin.path, hint="Check its permissions."
        ) from error
    if previous is not None and (previous.sha256, previous.tree) != (locked.sha256, locked.tree):
        sources.listener.note(
            f"data.{data.name}: '{origin.path}' has changed since it was locked; nivis.lock records its new hash"
        )
    return locked


def _hash_path(path: Path, name: str, origin: PathData, stats: StatCache) -> LockedData:
    record = origin_record(origin)
    if path.is_dir():
        tree = stats.tree(path)
        return LockedData(name=name, origin=record, tree=tree.tree, size=tree.size, files=tree.files)
    if not path.is_file():
        raise LockError(
            "is a socket, device or pipe, which cannot be data", where=origin.path, hint="Copy its content to a file."
        )
    file = stats.file(path)
    return LockedData(name=name, origin=record, sha256=file.sha256, size=file.size)


def _not_there(path: Path, origin: PathData, previous: LockedData | None) -> LockError:
    if previous is not None:
        known = f"sha256 {previous.sha256}" if previous.sha256 else f"folder hash {previous.tree}"
        hint = f"Get it from whoever locked it ({known})."
    elif path.is_symlink():
        return LockError("is a link to nothing", where=origin.path, hint="Mend the link, or correct 'path'.")
    else:
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        near = did_you_mean(path.name, beside) if beside else ""
        hint = f"Put it there, or correct 'path'.{' ' + near if near.startswith('Did') else ''}"
    return LockError("does not exist", where=origin.path, hint=hint)


def _fetch(name: str, url: str, sha256: str | None, sources: Sources) -> Fetched:
    from nivis.fetch.download import fetch_all  # the HTTP client is slow to import, and most runs fetch nothing

    download = Download(name=name, urls=(url,), sha256=sha256)
    return fetch_all([download], cache=sources.cache, listener=sources.listener, offline=sources.offline)[0]


def _fetch_known(name: str, url: str, known: str | None, sources: Sources) -> Fetched:
    """Return the file with the known hash if it is cached, else what the URL has now."""
    if known is not None and (path := sources.cache.find(known)) is not None:
        return Fetched(path=path, sha256=known, size=path.stat().st_size)
    return _fetch(name, url, None, sources)


def _same_content(data: Data, previous: LockedData | None, sha256: str) -> None:
    if previous is None or previous.sha256 == sha256 or data.sha256 == sha256:
        return
    raise LockError(
        f"the content has changed at its source since it was locked: expected {previous.sha256}, got {sha256}",
        hint=f"To accept it, run `nivis lock --update data.{data.name}`.",
    )


def _lock_url(data: Data, origin: UrlData, previous: LockedData | None, sources: Sources) -> LockedData:
    known = data.sha256 or (previous.sha256 if previous else None)
    fetched = _fetch_known(data.name, origin.url, known, sources)
    if data.sha256 is None:
        _same_content(data, previous, fetched.sha256)
    return LockedData(name=url_name(origin.url), origin=origin_record(origin), sha256=fetched.sha256, size=fetched.size)


def _lock_package(data: Data, origin: PackageData, previous: LockedData | None, sources: Sources) -> LockedData:
    release, fetched = _archive(origin, previous, sources)
    member = read_member(fetched.path, release.file, origin.file)
    if data.sha256 is None:
        _same_content(data, previous, member.sha256)
    archive = Archive(registry=origin.registry, file=release.file, sha256=fetched.sha256, url=release.url)
    return LockedData(
        name=store_name(origin.file.rpartition("/")[2]),
        origin=origin_record(origin),
        sha256=member.sha256,
        size=member.size,
        archive=archive if sources.urls else replace(archive, url=None),
    )


def _archive(origin: PackageData, previous: LockedData | None, sources: Sources) -> tuple[Release, Fetched]:
    known = previous.archive if previous is not None else None
    if known is not None and (path := sources.cache.find(known.sha256)) is not None:
        release = Release(file=known.file, url=known.url or "", sha256=known.sha256)
        if known.url or not sources.urls:
            return release, Fetched(path=path, sha256=known.sha256, size=path.stat().st_size)
    release = sources.find_release[origin.registry](origin.package, origin.version)
    fetched = _fetch(release.file, release.url, release.sha256, sources)
    if release.integrity is not None:
        try:
            check_integrity(fetched.path, release.integrity)
        except NetworkError as error:
            raise NetworkError(error.what, where=release.file, hint=error.hint) from error
    return release, fetched
