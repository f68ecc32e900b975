"""hashes.txt is what `sha256sum -c` reads from the project's root."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from nivis.lock.hashes import hashes_text, line
from nivis.lock.model import LockedData
from nivis.lock.stats import StatCache


def test_every_kind_of_data() -> None:
    data = {
        "w": LockedData(name="x.csv", origin={"file": "p/x.csv", "pypi": "p==1"}, sha256="33"),
        "u": LockedData(name="y.csv", origin={"url": "https://example.org/y.csv"}, sha256="22"),
        "f": LockedData(name="images", origin={"path": "data/images"}, tree="sha256-x"),
        "p": LockedData(name="z.csv", origin={"path": "data/z.csv"}, sha256="11"),
        "a": LockedData(name="big", origin={"path": "/mnt/big"}, sha256="00"),
    }
    text = hashes_text(
        data,
        store_path=lambda entry: f"/nix/store/0-{entry.name}",
        listing=lambda path: (("a b.png", f"{path}"), ("c/d.png", "55")),
    )
    expected = b"""00  /mnt/big
data/images  data/images/a b.png
55  data/images/c/d.png
11  data/z.csv
# data.u: https://example.org/y.csv
22  /nix/store/0-y.csv
# data.w: p==1 p/x.csv
33  /nix/store/0-x.csv
"""
    assert text == expected
    backwards = hashes_text(
        dict(reversed(data.items())),
        store_path=lambda entry: f"/nix/store/0-{entry.name}",
        listing=lambda path: (("a b.png", f"{path}"), ("c/d.png", "55")),
    )
    assert backwards == text


@pytest.mark.parametrize(
    ("name", "written"),
    [("a b", "00  a b"), ("a\\b", "\\00  a\\\\b"), ("a\nb", "\\00  a\\nb"), ("a\rb", "\\00  a\\rb")],
)
def test_odd_names_are_escaped(name: str, written: str) -> None:
    assert line("00", name) == written


def test_sha256sum_accepts_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    names = [b"plain", b"a b", b"back\\slash", b"line\nfeed", b"cr\rx", "ä".encode(), b"\xff", b"# x", b"-"]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    cache = StatCache(tmp_path / "cache", clock=lambda: time.time_ns() + 10**10)
    entry = LockedData(name="data", origin={"path": "data"}, tree=cache.tree(folder).tree)
    text = hashes_text({"d": entry}, store_path=str, listing=lambda path: cache.listing(tmp_path / path))
    again = hashes_text({"d": entry}, store_path=str, listing=lambda path: cache.listing(tmp_path / path))
    assert (text.count(b"\n"), again) == (len(names), text)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"], input=text, cwd=tmp_path, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, b"")
