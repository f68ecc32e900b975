"""One file out of a wheel, a source distribution or an npm package."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from nivis.errors import LockError, NetworkError
from nivis.lock.archive import Member, read_member

CSV = Member(sha256=hashlib.sha256(b"a,b\n").hexdigest(), size=4)
FILES = {"pal/data/x.csv": b"a,b\n", "pal/__init__.py": b""}


def wheel(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def tarball(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return path


def test_a_wheel(tmp_path: Path) -> None:
    assert read_member(wheel(tmp_path / "x", FILES), "x.whl", "pal/data/x.csv") == CSV


@pytest.mark.parametrize("top", ["package/", "pal-1.0/", "./package/"])
def test_below_the_only_top_folder_of_a_tar_file(tmp_path: Path, top: str) -> None:
    path = tarball(tmp_path / "x", {top + name: content for name, content in FILES.items()})
    assert read_member(path, "x.tgz", "pal/data/x.csv") == CSV
    assert read_member(path, "x.tgz", f"{top.removeprefix('./')}pal/data/x.csv") == CSV


def test_a_tar_file_with_several_top_folders(tmp_path: Path) -> None:
    path = tarball(tmp_path / "x", {"a/x.csv": b"a,b\n", "b/x.csv": b""})
    assert read_member(path, "x.tgz", "a/x.csv") == CSV
    with pytest.raises(LockError, match=r"holds no file 'x\.csv'\. Nearest: a/x\.csv, b/x\.csv"):
        read_member(path, "x.tgz", "x.csv")


@pytest.mark.parametrize(
    ("member", "hint"),
    [
        ("pal/x.csv", "Nearest: pal/data/x.csv."),
        ("pal/data/y.csv", "Nearest: pal/data/x.csv."),
        ("zzzzzzzz", "It holds 2 files: pal/__init__.py, pal/data/x.csv."),
    ],
)
def test_a_file_that_is_not_there(tmp_path: Path, member: str, hint: str) -> None:
    top = {f"package/{name}": content for name, content in FILES.items()}
    for path in (wheel(tmp_path / "w", FILES), tarball(tmp_path / "t", top)):
        with pytest.raises(LockError) as caught:
            read_member(path, "x.whl", member)
        assert str(caught.value) == f"x.whl: holds no file '{member}'. {hint}"


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = tarball(tmp_path / "x", {"a": bytes(range(256)) * 999})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(NetworkError, match=r"x.tgz: cannot be unpacked \(.*\). The published file is damaged"):
        read_member(path, "x.tgz", "a")
