"""What is known of a file or folder once it has been read: each file is read once for all of its hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from nivis.lock.nar import Write, dump, frame, read_blocks, sri

_THREADS_FROM = 1 << 22  # bytes: below this, handing blocks to a thread costs more than it gains
_IN_FLIGHT = 8  # blocks that wait for the slower of the two hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """A regular file, as non-executable content."""

    sha256: str  # hex
    nar: str  # SRI of the archive that holds the content
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDigest:
    """A folder."""

    tree: str  # SRI of its archive
    nar_size: int  # bytes of the archive
    size: int  # bytes of content
    files: int  # regular files


Listing = tuple[tuple[str, str], ...]  # (path below the folder, sha256) of each regular file, sorted


def _tee(first: Write, second: Write, threads: ThreadPoolExecutor, waiting: list[Future[object]]) -> Write:
    def write(block: bytes) -> None:
        waiting.append(threads.submit(second, block))
        if len(waiting) > _IN_FLIGHT:
            waiting.pop(0).result()
        first(block)

    return write


def digest_file(path: Path, *, progress: Callable[[int], object] = lambda _: None) -> FileDigest:
    """Hash the content and its archive side by side; ``progress`` gets bytes. Raises LockError if the file changes."""
    size = path.stat().st_size
    flat, archive = hashlib.sha256(), hashlib.sha256()
    head, tail = frame(size)
    archive.update(head)
    if size < _THREADS_FROM:

        def write(block: bytes) -> None:
            flat.update(block)
            archive.update(block)
            progress(len(block))

        read_blocks(path, size, write)
    else:
        with ThreadPoolExecutor(1) as threads:  # hashlib lets other threads run
            waiting: list[Future[object]] = []
            both = _tee(archive.update, flat.update, threads, waiting)
            read_blocks(path, size, lambda block: (both(block), progress(len(block))))
            for future in waiting:
                future.result()
    archive.update(tail)
    return FileDigest(sha256=flat.hexdigest(), nar=sri(archive.digest()), size=size)


def digest_tree(path: Path, *, progress: Callable[[int], object] = lambda _: None) -> tuple[TreeDigest, Listing]:
    """Hash a folder and each of its files in one pass; ``progress`` gets bytes."""
    archive = hashlib.sha256()
    files: list[tuple[bytes, int, hashlib._Hash]] = []

    def visit(below: bytes, size: int) -> Write:
        files.append((below, size, hashlib.sha256()))
        return files[-1][2].update

    def write(block: bytes) -> None:
        archive.update(block)
        progress(len(block))

    nar_size = dump(path, write, visit=visit)
    listing = tuple((os.fsdecode(below), digest.hexdigest()) for below, _, digest in sorted(files, key=lambda f: f[0]))
    return (
        TreeDigest(
            tree=sri(archive.digest()), nar_size=nar_size, size=sum(size for _, size, _ in files), files=len(files)
        ),
        listing,
    )
