"""Unpack a Nix archive into a folder, written from the format's description and apart from the code under test."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


def restore(archive: Path, into: Path) -> Path:
    with archive.open("rb") as file:
        assert _string(file) == b"nix-archive-1"
        _node(file, into)
        assert file.read() == b""
    return into


def _string(file: BinaryIO) -> bytes:
    size = int.from_bytes(file.read(8), "little")
    text = file.read(size)
    assert not any(file.read(-size % 8))
    return text


def _node(file: BinaryIO, path: Path) -> None:
    assert (_string(file), _string(file)) == (b"(", b"type")
    kind, word = _string(file), _string(file)
    if kind == b"symlink":
        path.symlink_to(_string(file).decode())
        word = _string(file)
    elif kind == b"regular":
        executable = word == b"executable"
        if executable:
            assert (_string(file), _string(file)) == (b"", b"contents")
        path.write_bytes(_string(file))
        path.chmod(0o755 if executable else 0o644)
        word = _string(file)
    else:
        path.mkdir()
        while word == b"entry":
            assert (_string(file), _string(file)) == (b"(", b"name")
            name = _string(file).decode()
            assert _string(file) == b"node"
            _node(file, path / name)
            assert _string(file) == b")"
            word = _string(file)
    assert word == b")"
