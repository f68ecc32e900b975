"""Unchanged data is recognised without reading it; anything else is read."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nivis.errors import LockError
from nivis.lock import stats
from nivis.lock.digest import FileDigest, digest_file, digest_tree
from nivis.lock.stats import StatCache
from nivis.progress import Silent

LATER = 10_000_000_000  # ns


def later() -> int:
    return time.time_ns() + LATER


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record which files are read."""
    seen: list[str] = []

    def counted(path: Path, *, progress: Callable[[int], object]) -> FileDigest:
        seen.append(path.name)
        return digest_file(path, progress=progress)

    monkeypatch.setattr(stats, "digest_file", counted)
    return seen


def test_an_unchanged_file_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    for _ in range(3):
        assert StatCache(tmp_path / "cache", clock=later).file(file).sha256 == hashlib.sha256(b"1").hexdigest()
    assert reads == ["x"]


def test_a_file_written_just_now_is_not_trusted(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    stamp = file.stat().st_mtime_ns
    for age in (1_999_999_999, 1_999_999_999):
        StatCache(tmp_path / "cache", clock=lambda age=age: max(stamp, file.stat().st_ctime_ns) + age).file(file)  # type: ignore[misc]
    assert reads == ["x", "x"]


def test_a_change_that_keeps_size_and_mtime_is_seen(tmp_path: Path, reads: list[str]) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    info = file.stat()
    cache = StatCache(tmp_path / "cache", clock=later)
    cache.file(file)
    time.sleep(0.02)  # ctime cannot be set
    file.write_text("2")
    os.utime(file, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert cache.file(file).sha256 == hashlib.sha256(b"2").hexdigest()
    assert reads == ["x", "x"]


def make_folder(folder: Path) -> Path:
    (folder / "d/sub").mkdir(parents=True)
    (folder / "d/a").write_text("a")
    (folder / "d/sub/b").write_text("b")
    return folder / "d"


def test_a_folder_is_read_again_when_anything_in_it_changes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    cache = StatCache(tmp_path / "cache", clock=later)
    seen = {cache.tree(folder).tree}

    def changed(change: Callable[[], object]) -> None:
        change()
        tree = cache.tree(folder).tree
        assert tree not in seen
        seen.add(tree)

    changed(lambda: (folder / "sub/b").write_text("bb"))
    changed(lambda: (folder / "sub/c").touch())
    changed(lambda: (folder / "sub/b").chmod(0o755))
    changed(lambda: (folder / "a").rename(folder / "z"))
    changed(lambda: (folder / "link").symlink_to("z"))


def test_an_unchanged_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path)
    cache = StatCache(tmp_path / "cache", clock=later)
    tree = cache.tree(folder)
    monkeypatch.delattr(stats, "digest_tree")
    assert cache.tree(folder) == tree
    assert cache.listing(folder) == (
        ("a", hashlib.sha256(b"a").hexdigest()),
        ("sub/b", hashlib.sha256(b"b").hexdigest()),
    )


def test_a_folder_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path)
    real = digest_tree

    def slow(path: Path, *, progress: Callable[[int], object]) -> object:
        result = real(path, progress=progress)
        (folder / "new").touch()
        return result

    monkeypatch.setattr(stats, "digest_tree", slow)
    with pytest.raises(LockError, match="the file changed while it was read"):
        StatCache(tmp_path / "cache", clock=later).tree(folder)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[1]", b'{"version": 99}'])
def test_a_spoilt_entry_is_a_miss(tmp_path: Path, reads: list[str], spoilt: bytes) -> None:
    file = tmp_path / "x"
    file.write_text("1")
    cache = StatCache(tmp_path / "cache", clock=later)
    cache.file(file)
    [entry] = (tmp_path / "cache").rglob("*.json")
    entry.write_bytes(spoilt)
    cache.file(file)
    assert reads == ["x", "x"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert StatCache(tmp_path / "file", clock=later).file(tmp_path / "file").size == 0


def test_large_files_report_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_REPORTED", 3)
    seen: list[tuple[object, ...]] = []

    class Recorder(Silent):
        def begin(self, task: str, kind: str, total: int | None = None) -> None:
            seen.append(("begin", task, kind, total))

        def advance(self, task: str, amount: int) -> None:
            seen.append(("advance", task, amount))

        def end(self, task: str, *, failed: bool = False) -> None:
            seen.append(("end", task, failed))

        def note(self, text: str) -> None:
            seen.append(("note", text))

    file = tmp_path / "x"
    file.write_text("1234")
    StatCache(tmp_path / "cache", listener=Recorder()).file(file)
    assert seen == [("begin", str(file), "hash", 4), ("advance", str(file), 4), ("end", str(file), False)]
