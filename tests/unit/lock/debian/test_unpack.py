"""Packages unpacked over one another."""

import os
from pathlib import Path

import pytest
from support.debs import Member, ar, deb
from support.unnar import restore

from nivis.errors import LockError, Problems
from nivis.lock.debian.unpack import unpack
from nivis.lock.nar import nar_hash
from nivis.progress import Silent


def listing(root: Path) -> dict[str, str]:
    """Return path -> content, "-> target" or "/", with a * at the end of executable files' paths."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder) / name
            below = str(path.relative_to(root))
            if path.is_symlink():
                found[below] = f"-> {path.readlink()}"
            elif path.is_dir():
                if not any(path.iterdir()):
                    found[below] = "/"
            else:
                mode = path.stat().st_mode & 0o777
                assert mode in (0o644, 0o755)
                found[below + ("*" if mode == 0o755 else "")] = path.read_text()
    return found


MERGE = {"bin": "-> usr/bin", "sbin": "-> usr/sbin", "lib": "-> usr/lib", "lib64": "-> usr/lib64"}
EMPTY = {"usr/bin": "/", "usr/sbin": "/", "usr/lib": "/", "usr/lib64": "/"}


def unpacked(tmp_path: Path, *packages: list[Member], workers: int = 2) -> dict[str, str]:
    debs = {f"p{n}.deb": deb(tmp_path / f"p{n}.deb", *members) for n, members in enumerate(packages)}
    packed = unpack(debs, tmp_path / "tree.nar", listener=Silent(), workers=workers)
    tree = restore(tmp_path / "tree.nar", tmp_path / "tree")
    assert packed == nar_hash(tree)
    return listing(tree)


def test_layout_of_the_merged_usr(tmp_path: Path) -> None:
    members: list[Member] = [
        ("./", None),
        ("./bin/", None),
        ("./bin/sh*", "sh"),
        ("./lib64/ld.so", "-> /lib/x/ld.so"),
        ("./usr/bin/env*", "env"),
        ("./etc/empty", None),
    ]
    assert unpacked(tmp_path, members) == {
        **MERGE,
        "usr/sbin": "/",
        "usr/lib": "/",
        "usr/bin/sh*": "sh",
        "usr/bin/env*": "env",
        "usr/lib64/ld.so": "-> /lib/x/ld.so",
        "etc/empty": "/",
    }


def test_base_files_brings_the_links_of_the_merge(tmp_path: Path) -> None:
    assert unpacked(tmp_path, [("./bin", "-> usr/bin"), ("./lib64", "-> usr/lib64")]) == {**MERGE, **EMPTY}


def test_documentation_and_translations_are_left_out(tmp_path: Path) -> None:
    members: list[Member] = [
        ("./usr/share/doc/x/copyright", "c"),
        ("./usr/share/man/man1/x.1.gz", "m"),
        ("./usr/share/locale/de/x.mo", "l"),
        ("./usr/share/doc", None),
        ("./usr/share/documents/x", "kept"),
    ]
    assert unpacked(tmp_path, members) == {**MERGE, **EMPTY, "usr/share/documents/x": "kept"}


def test_odd_names_links_and_modes(tmp_path: Path) -> None:
    members: list[Member] = [
        ("./opt/a b\n\\ü*", "x"),
        ("./opt/hard*", "= ./opt/a b\n\\ü"),
        ("./opt/dangling", "-> ../nowhere"),
        ("./opt/" + "long" * 50, "y"),
    ]
    assert unpacked(tmp_path, members) == {
        **MERGE,
        **EMPTY,
        "opt/a b\n\\ü*": "x",
        "opt/hard*": "x",
        "opt/dangling": "-> ../nowhere",
        "opt/" + "long" * 50: "y",
    }


@pytest.mark.parametrize("compression", ["", ".gz", ".xz"])
def test_compressions(tmp_path: Path, compression: str) -> None:
    unpack(
        {"p": deb(tmp_path / "p", ("./a", "1"), compression=compression)},
        tmp_path / "tree.nar",
        listener=Silent(),
        workers=1,
    )
    assert (restore(tmp_path / "tree.nar", tmp_path / "tree") / "a").read_text() == "1"


def test_identical_files_of_two_packages(tmp_path: Path) -> None:
    same: list[Member] = [("./a*", "1"), ("./l", "-> a")]
    assert unpacked(tmp_path, same, same) == {**MERGE, **EMPTY, "a*": "1", "l": "-> a"}


@pytest.mark.parametrize("second", [("./a", "2"), ("./a*", "1"), ("./a", "-> b"), ("./a/b", "1")])
def test_different_files_of_two_packages(tmp_path: Path, second: Member) -> None:
    with pytest.raises(LockError) as caught:
        unpacked(tmp_path, [("./a", "1")], [second])
    assert str(caught.value) == (
        "toolchain: 'p0.deb' and 'p1.deb' hold a different 'a'. "
        "Leave one of the packages out of [tool.nivis.toolchain] packages."
    )


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([("./../x", "1")], "'./../x' leads out of the tree"),
        ([("/etc/x", "1")], "'/etc/x' leads out of the tree"),
        ([("./a", "fifo")], "'a' is neither a file, a folder nor a link"),
        ([("./a", "= ./missing")], "'a' links to './missing', which it does not have"),
    ],
)
def test_bad_members(tmp_path: Path, members: list[Member], what: str) -> None:
    with pytest.raises(LockError) as caught:
        unpacked(tmp_path, members)
    assert str(caught.value) == f"p0.deb: the package cannot be unpacked: {what}. Choose another version of it."


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(LockError, match="hold"):
        unpacked(tmp_path, [("./etc", f"-> {outside}"), ("./etc/passwd", "x")])
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"Not found", "it is not an ar archive"),
        (ar([("debian-binary", b"2.0\n")]), "it has no data.tar"),
        (ar([("data.tar.zst", b"x")]), "its compression ('data.tar.zst') is not supported"),
        (ar([("data.tar.xz", b"damaged")]), "'data.tar.xz' is damaged (Input format not supported by decoder)"),
    ],
)
def test_not_a_deb(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(LockError) as caught:
        unpack({"p.deb": tmp_path / "p"}, tmp_path / "tree", listener=Silent())
    assert str(caught.value) == f"p.deb: the package cannot be unpacked: {what}. Choose another version of it."


def test_all_bad_packages_are_reported(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(Problems) as caught:
        unpack({"b": tmp_path / "b", "a": tmp_path / "a"}, tmp_path / "tree", listener=Silent())
    assert [part.where for part in caught.value.parts()] == ["a", "b"]


def test_the_number_of_workers_does_not_matter(tmp_path: Path) -> None:
    packages: list[list[Member]] = [
        [("./both", "1"), *((f"./usr/share/x{m}/f{n}", f"{n} {m}") for m in range(20))] for n in range(10)
    ]
    trees = []
    for workers in (1, 4):
        (tmp_path / str(workers)).mkdir()
        trees.append(unpacked(tmp_path / str(workers), *packages, workers=workers))
    assert trees[0] == trees[1]
    assert len(trees[0]) == 200 + 1 + len(MERGE) + len(EMPTY)
