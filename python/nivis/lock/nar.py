"""Nix archives (NAR): the canonical serialisation of a file or folder whose hash names it.

Format: Nix manual, "Nix Archive (NAR) format": length-prefixed strings padded to eight bytes; a node is
a regular file (perhaps executable), a symbolic link or a directory with its entries sorted by their bytes.
Everything here streams: memory does not depend on the size of what is serialised.
"""

from __future__ import annotations

import hashlib
import os
import stat
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nivis.errors import LockError

BLOCK = 1 << 20  # bytes read at once
_BUFFERED = 1 << 16  # small pieces are joined up to this size before they are passed on

Write = Callable[[bytes], object]


def string(data: bytes) -> bytes:
    """Return one string of the format: length (64 bit, little endian), bytes, zeros up to a multiple of eight."""
    return len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)


_MAGIC = string(b"nix-archive-1")
_OPEN, _CLOSE = string(b"("), string(b")")
_REGULAR = _OPEN + string(b"type") + string(b"regular")
_EXECUTABLE = string(b"executable") + string(b"")
_CONTENTS = string(b"contents")
_SYMLINK = _OPEN + string(b"type") + string(b"symlink") + string(b"target")
_DIRECTORY = _OPEN + string(b"type") + string(b"directory")
_ENTRY = string(b"entry") + _OPEN + string(b"name")
_NODE = string(b"node")


def frame(size: int) -> tuple[bytes, bytes]:
    """Return what stands before and after the content of a non-executable file of ``size`` bytes."""
    return _MAGIC + _REGULAR + _CONTENTS + size.to_bytes(8, "little"), bytes(-size % 8) + _CLOSE


def file_size(size: int) -> int:
    """Return the size in bytes of the archive of a non-executable file of ``size`` bytes."""
    head, tail = frame(size)
    return len(head) + size + len(tail)


def sri(digest: bytes) -> str:
    """Return a sha256 digest as an SRI string."""
    return f"sha256-{b64encode(digest).decode()}"


def changed(path: bytes | str | Path) -> LockError:
    """Return the error for a file that changed while it was read."""
    return LockError(
        "the file changed while it was read",
        where=os.fsdecode(path),
        hint="Run the command again when nothing writes to it any more.",
    )


class _Joiner:
    """Joins small pieces, so that hashing and pipes see few large ones."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._buffer = bytearray()
        self.size = 0

    def __call__(self, data: bytes) -> None:
        self.size += len(data)
        if len(data) >= _BUFFERED:
            self.flush()
            self._write(data)
            return
        self._buffer += data
        if len(self._buffer) >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        if self._buffer:
            self._write(bytes(self._buffer))
            self._buffer.clear()


def read_blocks(path: bytes | str | Path, size: int, write: Write) -> None:
    """Pass on the ``size`` bytes of the file at ``path``; raise LockError if it has fewer or more, or is written to."""
    with open(path, "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        left = size
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            write(block)
        after = os.fstat(file.fileno())
    if (
        left
        or after.st_size != size
        or (before.st_mtime_ns, before.st_ctime_ns) != (after.st_mtime_ns, after.st_ctime_ns)
    ):
        raise changed(path)


Visit = Callable[[bytes, int], Write | None]  # (path below the root, size) -> who else wants the content


def _node(path: bytes, below: bytes, info: os.stat_result, write: Write, visit: Visit | None) -> None:
    mode = info.st_mode
    if stat.S_ISREG(mode):
        executable = _EXECUTABLE if mode & stat.S_IXUSR else b""
        write(_REGULAR + executable + _CONTENTS + info.st_size.to_bytes(8, "little"))
        also = visit(below, info.st_size) if visit else None
        if also is None:
            read_blocks(path, info.st_size, write)
        else:
            read_blocks(path, info.st_size, lambda block: (write(block), also(block)))
        write(bytes(-info.st_size % 8) + _CLOSE)
    elif stat.S_ISLNK(mode):
        write(_SYMLINK + string(os.readlink(path)) + _CLOSE)
    elif stat.S_ISDIR(mode):
        write(_DIRECTORY)
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            write(_ENTRY + string(entry.name) + _NODE)
            inner = below + b"/" + entry.name if below else entry.name
            _node(entry.path, inner, entry.stat(follow_symlinks=False), write, visit)
            write(_CLOSE)
        write(_CLOSE)
    else:
        raise LockError(
            "is a socket, device or pipe, which cannot be data",
            where=os.fsdecode(path),
            hint="Move it out of the folder.",
        )


def dump(path: str | Path, write: Write, *, visit: Visit | None = None) -> int:
    """Write the archive of ``path`` in pieces and return its size in bytes.

    ``visit`` is called once a regular file and may return a function that receives the file's content too.
    Raises LockError for a file that changes meanwhile, and for sockets, devices and pipes.
    """
    joined = _Joiner(write)
    joined(_MAGIC)
    name = os.fsencode(path)
    _node(name, b"", os.lstat(name), joined, visit)
    joined.flush()
    return joined.size


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A regular file of a tree that lies in no folder; ``send`` writes its ``size`` bytes."""

    size: int
    executable: bool
    send: Callable[[Write], object]


Node = File | bytes | Mapping[bytes, "Node"]  # a file, a link's target, a folder


def dump_node(node: Node, write: Write) -> int:
    """Write the archive of a tree that lies in no folder, and return its size in bytes."""
    joined = _Joiner(write)
    joined(_MAGIC)
    _dump_node(node, joined)
    joined.flush()
    return joined.size


def _dump_node(node: Node, write: Write) -> None:
    if isinstance(node, File):
        write(_REGULAR + (_EXECUTABLE if node.executable else b"") + _CONTENTS + node.size.to_bytes(8, "little"))
        node.send(write)
        write(bytes(-node.size % 8) + _CLOSE)
    elif isinstance(node, bytes):
        write(_SYMLINK + string(node) + _CLOSE)
    else:
        write(_DIRECTORY)
        for name in sorted(node):
            write(_ENTRY + string(name) + _NODE)
            _dump_node(node[name], write)
            write(_CLOSE)
        write(_CLOSE)


def nar_hash(path: str | Path) -> tuple[str, int]:
    """Return the SRI sha256 of the archive of ``path``, and the archive's size in bytes."""
    digest = hashlib.sha256()
    size = dump(path, digest.update)
    return sri(digest.digest()), size
