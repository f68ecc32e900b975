"""Remember the hashes of files and folders, so that unchanged ones are recognised without reading them.

A file counts as unchanged when device, inode, size, mode, mtime and ctime are those of the time when it was
hashed; a folder when that holds for everything in it. A file that was modified less than two seconds before it
was read may change again without a new time stamp, so it is not remembered ("racily clean": git's index has
the same rule). One small JSON file a path, replaced atomically: processes and network file systems need no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nivis.lock.digest import FileDigest, Listing, TreeDigest, digest_file, digest_tree
from nivis.lock.nar import changed
from nivis.progress import Listener, Silent

_VERSION = 1
_RACY = 2_000_000_000  # nanoseconds
_REPORTED = 1 << 24  # bytes: smaller files and folders are hashed without a progress bar


def _walk(path: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        info = entry.stat(follow_symlinks=False)
        yield entry.path, info
        if stat.S_ISDIR(info.st_mode):
            yield from _walk(entry.path)


def _facts(info: os.stat_result) -> str:
    return f"{info.st_dev} {info.st_ino} {info.st_mode} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"


def _fingerprint(path: Path, info: os.stat_result) -> tuple[str, int, int]:
    """Return a fingerprint of the stat data, the newest time in it (ns), and the bytes of content."""
    newest, size = max(info.st_mtime_ns, info.st_ctime_ns), info.st_size
    if not stat.S_ISDIR(info.st_mode):
        return _facts(info), newest, size
    digest, size = hashlib.sha256(_facts(info).encode()), 0
    for name, inner in _walk(str(path)):
        digest.update(f"{_facts(inner)} {name}\0".encode(errors="surrogateescape"))
        newest = max(newest, inner.st_mtime_ns, inner.st_ctime_ns)
        size += inner.st_size if stat.S_ISREG(inner.st_mode) else 0
    return digest.hexdigest(), newest, size


class StatCache:
    """Hashes by path and stat data, kept in ``folder``."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], int] = time.time_ns, listener: Listener | None = None
    ) -> None:
        self._folder = folder / "stats"
        self._clock = clock
        self._listener = listener or Silent()

    def file(self, path: Path) -> FileDigest:
        """Return the hashes of the regular file at ``path``, reading it only if it changed."""
        entry = self._entry(path, lambda progress: {"file": asdict(digest_file(path, progress=progress))}, "file")
        return FileDigest(**entry["file"])

    def tree(self, path: Path) -> TreeDigest:
        """Return the hash of the folder at ``path``, reading it only if something in it changed."""
        return TreeDigest(**self._entry(path, lambda progress: _tree_entry(path, progress), "tree")["tree"])

    def listing(self, path: Path) -> Listing:
        """Return the sha256 of every regular file below the folder, reading them only if something changed."""
        entry = self._entry(path, lambda progress: _tree_entry(path, progress), "tree")
        return tuple((name, sha256) for name, sha256 in entry["listing"])

    def _entry(
        self, path: Path, compute: Callable[[Callable[[int], object]], dict[str, Any]], kind: str
    ) -> dict[str, Any]:
        file = self._file(path)
        stamp, newest, size = _fingerprint(path, path.stat())
        known = self._read(file)
        if known.get("version") == _VERSION and known.get("stamp") == stamp and kind in known:
            return known
        started = self._clock()
        entry = {"version": _VERSION, "stamp": stamp, **self._report(path, size, compute)}
        if _fingerprint(path, path.stat())[0] != stamp:
            raise changed(path)
        if newest < started - _RACY:
            self._write(file, entry)
        return entry

    def _report(
        self, path: Path, size: int, compute: Callable[[Callable[[int], object]], dict[str, Any]]
    ) -> dict[str, Any]:
        if size < _REPORTED:
            return compute(lambda _: None)
        task = str(path)
        self._listener.begin(task, "hash", size)
        try:
            entry = compute(lambda amount: self._listener.advance(task, amount))
        except BaseException:
            self._listener.end(task, failed=True)
            raise
        self._listener.end(task)
        return entry

    def _file(self, path: Path) -> Path:
        key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
        return self._folder / key[:2] / f"{key[2:]}.json"

    @staticmethod
    def _read(file: Path) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(file.read_bytes())
            if isinstance(data, dict):
                return data
        return {}

    @staticmethod
    def _write(file: Path, entry: dict[str, Any]) -> None:
        """Keep ``entry``; a cache that cannot be written costs time, never an error."""
        temporary = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(entry), encoding="utf-8")
            temporary.replace(file)


def _tree_entry(path: Path, progress: Callable[[int], object]) -> dict[str, Any]:
    tree, listing = digest_tree(path, progress=progress)
    return {"tree": asdict(tree), "listing": listing}
