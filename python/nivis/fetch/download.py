"""Files and index pages from the network, through the cache.

``fetch_all`` brings many files side by side: each is looked up in the cache by its hash, resumed if a part of it is
kept, fetched from its URLs in turn, hashed while it arrives and moved into the cache in one step. A failure or an
interrupt loses nothing that has arrived. ``fetch_text`` brings one small page.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import urllib3

from nivis.errors import HostError, NetworkError, NivisError, raise_all
from nivis.fetch.cache import Cache, hash_file
from nivis.fetch.client import Client, shown
from nivis.fetch.model import Download, Fetched
from nivis.fetch.transfer import (
    CHECK,
    HashError,
    NotFoundError,
    Patience,
    Stop,
    Stopped,
    Transfer,
    disk_full,
    megabytes,
    reason,
)
from nivis.files import write_atomically
from nivis.progress import Listener

__all__ = ["Client", "Download", "Fetched", "HashError", "NotFoundError", "Patience", "fetch_all", "fetch_text"]

ONLINE = "Run the same command once without --offline."


def fetch_all(
    downloads: Sequence[Download],
    *,
    cache: Cache,
    listener: Listener,
    offline: bool = False,
    workers: int = 8,
    client: Client | None = None,
    patience: Patience | None = None,
    stop: Stop | None = None,
) -> list[Fetched]:
    """Return the files in the order asked for, downloading what is not cached side by side.

    Raises NetworkError (all that failed, together) or HostError (disk); what has arrived stays for the next time.
    Setting ``stop`` from another thread ends it with Stopped.
    """
    own = client is None
    job = _Job(
        cache=cache,
        listener=listener,
        offline=offline,
        client=client or Client(environ=os.environ, connections=workers),
        patience=patience or Patience(),
        stop=stop or Stop(),
    )
    wanted = sorted(set(downloads), key=lambda d: (-(d.size or 0), d.name, d.urls))  # the longest first
    executor = ThreadPoolExecutor(max_workers=max(1, min(workers, len(wanted))), thread_name_prefix="fetch")
    try:
        futures = {download: executor.submit(job.fetch, download) for download in wanted}
        _await(list(futures.values()))
    except BaseException:
        job.stop.set()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        if own:
            job.client.close()
    job.stop.check()
    problems = _collect(futures, wanted)
    if offline:
        problems = _offline(problems)
    raise_all(problems)
    return [futures[download].result() for download in downloads]


def fetch_text(
    url: str,
    *,
    cache: Cache,
    offline: bool = False,
    max_age: float | None = None,
    accept: str = "",
    client: Client | None = None,
    patience: Patience | None = None,
) -> bytes:
    """Return a small page; a cached one that is younger than ``max_age`` seconds will do (None: of any age).

    Offline a cached one of any age is returned. Raises NotFoundError where the server has no such page, else
    NetworkError. A file:// URL of a folder stands for its index.html, as in pip.
    """
    if (local := local_path(url)) is not None:
        return _read_local(url, local)
    page = cache.page(url, accept)
    if (kept := _fresh(page, None if offline else max_age)) is not None:
        return kept
    if offline:
        raise NetworkError(f"{shown(url)} is not in the cache", hint=ONLINE)
    content = _get(url, {"Accept": accept} if accept else {}, client, patience or Patience())
    with _DiskSpace(cache, lambda: len(content)):
        write_atomically(page, content)
    return content


def local_path(url: str) -> Path | None:
    """Return the path behind a file:// URL, None for others."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


@dataclass(slots=True, kw_only=True)
class _Job:
    """What all downloads of one call share."""

    cache: Cache
    listener: Listener
    offline: bool
    client: Client
    patience: Patience
    stop: Stop = field(default_factory=Stop)

    def fetch(self, download: Download) -> Fetched:
        self.stop.check()
        if download.sha256 and (path := self.cache.find(download.sha256)):
            return Fetched(path=path, sha256=download.sha256, size=path.stat().st_size)
        problems: list[NetworkError] = []
        for url in download.urls:
            try:
                if (local := local_path(url)) is not None:
                    return _fetch_local(download, local)
                if not self.offline:
                    return self._fetch_remote(download, url)
            except NetworkError as problem:
                problems.append(problem)
        if self.offline and not problems:
            raise _NotCachedError("not in the cache", where=download.name)
        raise _worst(download, problems)

    def _fetch_remote(self, download: Download, url: str) -> Fetched:
        partial = self.cache.partial(url, download.sha256)
        self.listener.begin(download.name, "download", download.size)
        done = False
        try:
            with _DiskSpace(self.cache, lambda: (download.size or 0) - _size(partial)):
                path = self._transfer(download, partial).run(
                    url,
                    find=lambda: self.cache.find(download.sha256) if download.sha256 else None,
                    store=lambda sha256: self._store(partial, sha256),
                )
            done = True
        finally:
            self.listener.end(download.name, failed=not done)
        return Fetched(path=path, sha256=path.name, size=path.stat().st_size)

    def _store(self, partial: Path, sha256: str) -> Path:
        path = self.cache.stored(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.chmod(0o444)
        partial.replace(path)
        return path

    def _transfer(self, download: Download, partial: Path) -> Transfer:
        def restart() -> None:
            self.listener.end(download.name, failed=True)
            self.listener.begin(download.name, "download", download.size)

        return Transfer(
            name=download.name,
            sha256=download.sha256,
            size=download.size,
            partial=partial,
            client=self.client,
            patience=self.patience,
            stop=self.stop,
            on_bytes=lambda count: self.listener.advance(download.name, count),
            on_restart=restart,
        )


class _NotCachedError(NetworkError):
    pass


class _DiskSpace:
    """Turn a full or unwritable disk into a HostError that says how much is needed and where."""

    def __init__(self, cache: Cache, needed: Callable[[], int]) -> None:
        self.folder = cache.folder
        self.needed = needed

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, NivisError):
            return
        if disk_full(error):
            existing = next(p for p in (self.folder, *self.folder.parents) if p.exists())
            free = shutil.disk_usage(existing).free
            needed = max(self.needed(), 0)
            size = f"at least {megabytes(needed)} more are needed" if needed else "more is needed"
            raise HostError(
                f"the disk is full: {size}, {megabytes(free)} are free",
                where=str(self.folder),
                hint="Nothing is lost: free some space, or set NIVIS_CACHE to a larger disk, and run it again.",
            ) from error
        raise HostError(
            f"the cache cannot be written ({error.strerror or error})",
            where=str(error.filename or self.folder),
            hint="Make it writable, or set NIVIS_CACHE to another folder.",
        ) from error


def _await(futures: Sequence[Future[Fetched]]) -> None:
    """Wait for all; a problem of the host stops the others, one of a single file does not."""
    pending = set(futures)
    while pending:
        # A short timeout keeps Ctrl-C responsive on every platform.
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
        for future in done:
            problem = future.exception()
            if problem is not None and not isinstance(problem, NetworkError):
                raise problem


def _collect(futures: Mapping[Download, Future[Fetched]], order: Sequence[Download]) -> list[NivisError]:
    found = [futures[d].exception() for d in sorted(order, key=lambda d: d.name)]
    return [problem for problem in found if isinstance(problem, NivisError) and not isinstance(problem, Stopped)]


def _offline(problems: Sequence[NivisError]) -> list[NivisError]:
    missing = [p.where for p in problems if isinstance(p, _NotCachedError)]
    others = [p for p in problems if not isinstance(p, _NotCachedError)]
    if not missing:
        return others
    names = ", ".join(f"'{name}'" for name in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    verb = "is" if len(missing) == 1 else "are"
    return [*others, NetworkError(f"{names}{more} {verb} not in the cache", hint=ONLINE)]


def _worst(download: Download, problems: Sequence[NetworkError]) -> NetworkError:
    """Choose what to report of several URLs' failures: wrong content before broken off before not there."""
    if not problems:
        return NetworkError(
            "nowhere to download it from: none of this machine's indexes and mirrors has it",
            where=download.name,
            hint="Configure the one that it was locked from (pip's index, npm's registry, NIVIS_DEBIAN_MIRROR).",
        )
    wrong = [p for p in problems if isinstance(p, HashError)]
    broken = [p for p in problems if not isinstance(p, NotFoundError)]
    if wrong or broken:
        return (wrong or broken)[0]
    if len(problems) == 1:
        return problems[0]
    places = ", ".join(shown(url) for url in download.urls)
    return NotFoundError(f"not found at any of {places}", where=download.name, hint=CHECK)


def _fetch_local(download: Download, path: Path) -> Fetched:
    try:
        sha256, size = hash_file(path)
    except OSError as error:
        hint = "Put it there, or correct the address."
        raise NotFoundError(f"cannot read {path} ({error.strerror})", where=download.name, hint=hint) from error
    if download.sha256 and sha256 != download.sha256:
        raise HashError(
            f"{path} is not what the lock says: expected sha256 {download.sha256}, got sha256 {sha256} ({size} bytes)",
            where=download.name,
            hint="Restore the file, or lock anew.",
        )
    return Fetched(path=path, sha256=sha256, size=size)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _fresh(page: Path, max_age: float | None) -> bytes | None:
    try:
        if max_age is not None and time.time() - page.stat().st_mtime > max_age:
            return None
        return page.read_bytes()
    except OSError:
        return None


def _read_local(url: str, path: Path) -> bytes:
    try:
        return (path / "index.html" if path.is_dir() else path).read_bytes()
    except OSError as error:
        raise NotFoundError(f"not found at {url}", where=path.name) from error


def _get(url: str, headers: Mapping[str, str], client: Client | None, patience: Patience) -> bytes:
    used = client or Client(environ=os.environ)
    where = Path(urlsplit(url).path).name
    problem = ""
    for attempt in range(patience.tries):
        if attempt:
            (patience.sleep or time.sleep)(patience.wait * 2 ** (attempt - 1))
        try:
            response = used.open(url, headers)
            content = response.read(decode_content=True)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            problem = reason(error)
            continue
        if response.status == 200:
            return content
        if response.status in (401, 403, 404, 410, 451):
            raise NotFoundError(f"not found at {shown(url)} (status {response.status})", where=where, hint=CHECK)
        problem = f"status {response.status}"
    raise NetworkError(f"no answer from {shown(url)} ({problem})", where=where, hint=CHECK)
