"""nivis.lock: one text for one value, and errors that say where."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nivis.errors import LockError
from nivis.lock.file import dumps, loads, read_lock
from nivis.lock.model import (
    Archive,
    DebianPackage,
    Lock,
    LockedData,
    PythonEnvironment,
    Root,
    Toolchain,
    Tree,
    Wheel,
)

PACKAGE = DebianPackage(
    name="bash", version="5.2", architecture="amd64", archive="debian", path="pool/b.deb", sha256="ab", size=7
)
LOCK = Lock(
    system="x86_64-linux",
    source=("src",),
    files={"pyproject.toml": "aa", "poetry.lock": "bb"},
    toolchain=Toolchain(
        kind="debian", suite="trixie", date="2026-11-20T00:00:00Z", request="cc", python="3.13.5", libc="2.41",
        packages=(PACKAGE, replace(PACKAGE, name="sed")), tree=Tree(name="debian", hash="sha256-x", size=9),
    ),
    python=PythonEnvironment(request="dd", wheels=(Wheel(name="six", version="1", file="six.whl", sha256="ee"),)),
    data={
        "penguins/b": LockedData(name="b", origin={"path": "data/b"}, tree="sha256-y", size=3, files=2),
        "penguins/a": LockedData(
            name="ä.csv", origin={"pypi": "x==1", "file": "x/a.csv"}, sha256="ff", size=1,
            archive=Archive(registry="pypi", file="x.whl", sha256="00", url="https://example.org/x.whl"),
        ),
    },
    debs={"bash=5.2": replace(PACKAGE, url="https://example.org/b.deb")},
    roots={"bash": Root(request="gg", date="2026-11-20T00:00:00Z", packages=("bash=5.2",))},
)  # fmt: skip
TEXT = """\
{
 "data": {
  "penguins/a": {"archive": {"file": "x.whl", "registry": "pypi", "sha256": "00", "url": "https://example.org/x.whl"}, \
"files": 1, "name": "ä.csv", "origin": {"file": "x/a.csv", "pypi": "x==1"}, "sha256": "ff", "size": 1},
  "penguins/b": {"files": 2, "name": "b", "origin": {"path": "data/b"}, "size": 3, "tree": "sha256-y"},
  "~": null
 },
 "debs": {
  "bash=5.2": {"architecture": "amd64", "archive": "debian", "name": "bash", "path": "pool/b.deb", "sha256": "ab", \
"size": 7, "url": "https://example.org/b.deb", "version": "5.2"},
  "~": null
 },
 "files": {
  "poetry.lock": "bb",
  "pyproject.toml": "aa"
 },
 "python": {
  "request": "dd",
  "wheels": [
   {"file": "six.whl", "name": "six", "sha256": "ee", "version": "1"}
  ]
 },
 "roots": {
  "bash": {"date": "2026-11-20T00:00:00Z", "packages": ["bash=5.2"], "request": "gg"},
  "~": null
 },
 "source": [
  "src"
 ],
 "system": "x86_64-linux",
 "toolchain": {
  "date": "2026-11-20T00:00:00Z",
  "kind": "debian",
  "libc": "2.41",
  "packages": [
   {"architecture": "amd64", "archive": "debian", "name": "bash", "path": "pool/b.deb", \
"sha256": "ab", "size": 7, "version": "5.2"},
   {"architecture": "amd64", "archive": "debian", "name": "sed", "path": "pool/b.deb", \
"sha256": "ab", "size": 7, "version": "5.2"}
  ],
  "python": "3.13.5",
  "request": "cc",
  "suite": "trixie",
  "tree": {"hash": "sha256-x", "name": "debian", "size": 9}
 },
 "version": 1
}
"""


def test_the_whole_text() -> None:
    assert dumps(LOCK) == TEXT


def test_it_reads_what_it_writes() -> None:
    assert loads(TEXT) == LOCK
    tables = replace(LOCK, tables=LOCK.python)
    assert loads(dumps(tables)) == tables
    bare = replace(LOCK, python=None, data={})
    assert loads(dumps(bare)) == bare


def test_the_order_of_the_input_does_not_matter() -> None:
    shuffled = random.Random(0)
    for _ in range(5):
        data, files = list(LOCK.data.items()), list(LOCK.files.items())
        shuffled.shuffle(data)
        shuffled.shuffle(files)
        assert dumps(replace(LOCK, data=dict(data), files=dict(files))) == TEXT


RESTORE = "Restore it (`git checkout nivis.lock`), or delete it and run `nivis lock`."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"version": 1,\n}',
            f"nivis.lock:2:1: is not JSON (expecting property name enclosed in double quotes). {RESTORE}",
        ),
        ("", f"nivis.lock:1:1: is not JSON (expecting value). {RESTORE}"),
        (
            '{"version": 2, "new": []}',
            "nivis.lock: made by a newer nivis (version 2 of the file, this nivis reads 1). Update nivis.",
        ),
        ("[]", f"nivis.lock: has no 'version' that nivis knows. {RESTORE}"),
        ('{"version": "1"}', f"nivis.lock: has no 'version' that nivis knows. {RESTORE}"),
        (
            '{\n "data": {\n<<<<<<< HEAD\n "a": 1\n=======\n',
            (
                "nivis.lock:3: git left a merge conflict here. Take one side (`git checkout --ours nivis.lock`), then "
                "run `nivis lock`: it adds what is missing."
            ),
        ),
        (
            '{"version": 1}',
            f"nivis.lock: lacks one of 'system', 'source', 'files', 'toolchain', 'data', 'debs', 'roots'. {RESTORE}",
        ),
    ],
)
def test_broken_texts(text: str, message: str) -> None:
    with pytest.raises(LockError) as caught:
        loads(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("toolchain", "packages", 1, "size"), "7", "toolchain.packages[1].size: has the wrong type"),
        (("toolchain", "packages", 1, "size"), True, "toolchain.packages[1].size: has the wrong type"),
        (("toolchain", "packages"), {}, "toolchain.packages: has the wrong type"),
        (("data", "penguins/a", "archive", "url"), 1, "data['penguins/a'].archive.url: has the wrong type"),
        (("python", "wheels", 0, "odd"), 1, "python.wheels[0].odd: is not known"),
        (("data", "penguins/b", "origin"), [], "data['penguins/b'].origin: has the wrong type"),
    ],
)
def test_wrong_values(keys: tuple[str | int, ...], value: object, message: str) -> None:
    raw: Any = json.loads(TEXT)
    place = raw
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(LockError) as caught:
        loads(json.dumps(raw))
    assert str(caught.value) == f"nivis.lock: {message}. {RESTORE}"


def test_a_missing_field() -> None:
    raw = json.loads(TEXT)
    del raw["toolchain"]["tree"]["hash"]
    with pytest.raises(LockError) as caught:
        loads(json.dumps(raw))
    assert str(caught.value) == f"nivis.lock: toolchain.tree: lacks one of 'hash'. {RESTORE}"


def test_it_is_read_back(tmp_path: Path) -> None:
    assert read_lock(tmp_path) is None
    (tmp_path / "nivis.lock").write_text(dumps(LOCK))
    assert read_lock(tmp_path) == LOCK


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "nivis.lock").write_bytes(b"\xff")
    with pytest.raises(LockError) as caught:
        read_lock(tmp_path)
    assert str(caught.value) == f"nivis.lock: is not UTF-8 text. {RESTORE}"


def merged(tmp_path: Path, base: Lock, ours: Lock, theirs: Lock) -> str:
    """Return what git makes of two branches' locks with ``merge=union``."""
    for name, lock in (("base", base), ("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(dumps(lock))
    argv = ["git", "merge-file", "--union", "-p", "ours", "base", "theirs"]
    return subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("base", [{}, {"m/x": LOCK.data["penguins/a"]}], ids=["empty", "one"])
def test_branches_that_added_data_merge(tmp_path: Path, base: dict[str, LockedData]) -> None:
    entry = LOCK.data["penguins/a"]
    ours, theirs = {**base, "p/x": entry}, {**base, "q/y": replace(entry, name="y")}
    text = merged(tmp_path, replace(LOCK, data=base), replace(LOCK, data=ours), replace(LOCK, data=theirs))
    assert loads(text) == replace(LOCK, data={**ours, **theirs})


@pytest.mark.parametrize("first", [False, True], ids=["more", "first"])
def test_branches_that_added_tools_merge(tmp_path: Path, first: bool) -> None:
    base = replace(LOCK, debs={}, roots={}) if first else LOCK
    shared = {f"lib{n}=1": replace(PACKAGE, name=f"lib{n}", version="1") for n in range(9)}

    def branch(tool: str) -> Lock:
        debs = {**base.debs, **shared, f"{tool}=1": replace(PACKAGE, name=tool, version="1")}
        root = Root(request=tool, date="", packages=tuple(sorted({**shared, f"{tool}=1": PACKAGE})))
        return replace(base, debs=dict(sorted(debs.items())), roots={**base.roots, tool: root})

    ours, theirs = branch("lib3-tool"), branch("lib6-tool")
    text = merged(tmp_path, base, ours, theirs)
    assert loads(text) == replace(LOCK, debs={**ours.debs, **theirs.debs}, roots={**ours.roots, **theirs.roots})


def test_a_lock_from_before_there_were_tools() -> None:
    raw = json.loads(TEXT)
    del raw["debs"], raw["roots"]
    assert loads(json.dumps(raw)) == replace(LOCK, debs={}, roots={})


def test_branches_that_pinned_differently_are_told(tmp_path: Path) -> None:
    ours, theirs = (replace(LOCK, files={**LOCK.files, "poetry.lock": digest}) for digest in ("cc", "dd"))
    with pytest.raises(LockError) as caught:
        loads(merged(tmp_path, LOCK, ours, theirs))
    assert str(caught.value) == (
        "nivis.lock: 'poetry.lock' stands in it twice: two branches pinned it differently. "
        "Take one side (`git checkout --ours nivis.lock`), then run `nivis lock`: it adds what is missing."
    )
