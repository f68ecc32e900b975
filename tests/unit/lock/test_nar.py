"""Nix archives, against what `nix-store --dump` and `nix hash path` say."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nivis.errors import LockError
from nivis.lock import nar


def make_tree(folder: Path) -> Path:
    """Make a/, sub/run (executable) and sub/link: the folder whose hash was taken from Nix."""
    tree = folder / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "a").write_text("a")
    (tree / "sub/run").write_text("#!/bin/sh\n")
    (tree / "sub/run").chmod(0o755)
    (tree / "sub/link").symlink_to("../a")
    return tree


def test_a_tree_hashes_as_nix_says(tmp_path: Path) -> None:
    assert nar.nar_hash(make_tree(tmp_path)) == ("sha256-DTiaXv4/E0fXV9KpFYRZeSkKLCtZdehA5Gzh1nzjiZg=", 880)


def test_a_file_hashes_as_nix_says(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("hello\n")
    expected = "sha256-HDfQGvQL4ugGkd48w99EN3ppmvuxfGjwgJZLL9Bx/BM="
    assert nar.nar_hash(file) == (expected, nar.file_size(6))
    head, tail = nar.frame(6)
    pieces: list[bytes] = []
    nar.dump(file, pieces.append)
    assert b"".join(pieces) == head + b"hello\n" + tail


def test_names_are_sorted_by_bytes(tmp_path: Path) -> None:
    for name in (b"b", b"B", b"a-", b"a", b"\xff", "é".encode()):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    seen: list[bytes] = []
    nar.dump(tmp_path, lambda _: None, visit=lambda below, _: seen.append(below))
    assert seen == [b"B", b"a", b"a-", b"b", "é".encode(), b"\xff"]


def test_content_goes_to_visitors_too(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1" * 10)
    got: list[bytes] = []
    nar.dump(tmp_path, lambda _: None, visit=lambda below, size: got.append if (below, size) == (b"x", 10) else None)
    assert got == [b"1" * 10]


def test_large_files_pass_in_blocks(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(3 * nar.BLOCK + 5))
    sizes: list[int] = []
    assert nar.dump(file, lambda block: sizes.append(len(block))) == nar.file_size(3 * nar.BLOCK + 5)
    assert max(sizes) == nar.BLOCK


def test_sockets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path / "d")  # a socket's path has to be short
    try:
        server.bind("s")
    finally:
        os.chdir(here)
        server.close()
    with pytest.raises(LockError) as caught:
        nar.nar_hash(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/d/s: is a socket, device or pipe, which cannot be data. Move it out of the folder."
    )


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_of_another_size(tmp_path: Path, size: int) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    with pytest.raises(LockError, match="the file changed while it was read"):
        nar.read_blocks(file, size, lambda _: None)


def test_a_file_that_is_written_to_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    with pytest.raises(LockError) as caught:
        nar.read_blocks(file, 3, lambda _: os.utime(file, (1, 1)))
    assert str(caught.value) == (
        f"{file}: the file changed while it was read. Run the command again when nothing writes to it any more."
    )
