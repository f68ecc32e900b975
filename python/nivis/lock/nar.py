"""NAR: the serialisation of files and trees whose hash Nix uses (E. Dolstra's thesis, figure 5.2; Nix manual, "Nix Archive").

Streamed: memory does not depend on the size of what is read. Of a file only content and the owner's execute bit count.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from nivis.errors import HostError

CHUNK = 1 << 20
Write = Callable[[bytes | bytearray | memoryview], object]


def nar_hash(path: Path) -> tuple[str, int]:
    """Return the SRI sha256 and the size in bytes of the NAR of a file or tree."""
    digest = hashlib.sha256()
    size = 0

    def write(piece: bytes | bytearray | memoryview) -> None:
        nonlocal size
        size += len(piece)
        digest.update(piece)

    dump(path, write)
    return "sha256-" + base64.b64encode(digest.digest()).decode(), size


def dump(path: Path, write: Write) -> None:
    """Serialise a file or tree, in pieces.

    Raises HostError for what Nix cannot hold (devices, sockets) and for a file that changes while it is read.
    """
    archive = _Writer(write)
    archive.add(_text(b"nix-archive-1"))
    archive.node(os.fsencode(path), os.lstat(path))
    archive.flush()


class _Writer:
    """Gathers small pieces, so that hashing and piping is not called for every word."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._pending = bytearray()
        self._buffer = bytearray(CHUNK)

    def add(self, piece: bytes) -> None:
        self._pending += piece
        if len(self._pending) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._pending:
            self._write(bytes(self._pending))
            self._pending.clear()

    def node(self, path: bytes, status: os.stat_result) -> None:
        mode = status.st_mode
        if stat.S_ISREG(mode):
            self.add(_EXECUTABLE if mode & stat.S_IXUSR else _REGULAR)
            self._content(path, status.st_size)
        elif stat.S_ISLNK(mode):
            self.add(_SYMLINK + _text(os.readlink(path)))
        elif stat.S_ISDIR(mode):
            self._folder(path)
        else:
            raise HostError("neither a file, a folder nor a link", where=os.fsdecode(path), hint="Remove it.")
        self.add(_CLOSE)

    def _folder(self, path: bytes) -> None:
        self.add(_DIRECTORY)
        with os.scandir(path) as entries:
            found = sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
        for name, status in found:
            self.add(_ENTRY + _text(name) + _NODE)
            self.node(path + b"/" + name, status)
            self.add(_CLOSE)

    def _content(self, path: bytes, size: int) -> None:
        self.add(size.to_bytes(8, "little"))
        view = memoryview(self._buffer)
        left = size
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - bytes: names need not be UTF-8
            while count := file.readinto(view):
                left -= count
                if left < 0:
                    break
                if count < 1 << 16:
                    self.add(bytes(view[:count]))
                else:
                    self.flush()
                    self._write(view[:count])
        if left:
            raise HostError("the file changed while it was read", where=os.fsdecode(path), hint="Run it again when it is at rest.")
        self.add(bytes(-size % 8))


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(8, "little") + value + bytes(-len(value) % 8)


def _words(*words: bytes) -> bytes:
    return b"".join(_text(word) for word in words)


_REGULAR = _words(b"(", b"type", b"regular", b"contents")
_EXECUTABLE = _words(b"(", b"type", b"regular", b"executable", b"", b"contents")
_SYMLINK = _words(b"(", b"type", b"symlink", b"target")
_DIRECTORY = _words(b"(", b"type", b"directory")
_ENTRY = _words(b"entry", b"(", b"name")
_NODE = _words(b"node")
_CLOSE = _words(b")")
