"""All hashes of a file or folder in one pass."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nivis.lock.digest import FileDigest, TreeDigest, digest_file, digest_tree
from nivis.lock.nar import nar_hash


@pytest.mark.parametrize("size", [0, 1, 6, 1 << 20, (5 << 20) + 3, 20 << 20])
def test_both_hashes_of_a_file(tmp_path: Path, size: int) -> None:
    file = tmp_path / "x"
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    file.write_bytes(content)
    sri, _ = nar_hash(file)
    seen: list[int] = []
    digest = digest_file(file, progress=seen.append)
    assert digest == FileDigest(sha256=hashlib.sha256(content).hexdigest(), nar=sri, size=size)
    assert sum(seen) == size


def test_an_executable_file_is_hashed_as_plain_content(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("x")
    plain = digest_file(file)
    file.chmod(0o755)
    assert digest_file(file) == plain


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/z").write_text("")
    (tmp_path / "link").symlink_to("b")
    sri, nar_size = nar_hash(tmp_path)
    digest, listing = digest_tree(tmp_path)
    assert digest == TreeDigest(tree=sri, nar_size=nar_size, size=1, files=2)
    assert listing == (("a/z", hashlib.sha256(b"").hexdigest()), ("b", hashlib.sha256(b"b").hexdigest()))
