"""The best wheel of each package, and what is said where there is none."""

import pytest

from nivis.errors import LockError, Problems
from nivis.lock.model import Wheel
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.select import select
from nivis.lock.python.target import Target

TRIXIE = Target(python="3.13.5", libc="2.41")


def package(name: str, *files: str, version: str = "1.0", origin: str | None = None) -> LockedPackage:
    return LockedPackage(
        name=name,
        version=version,
        files=tuple(LockedFile(name=file, sha256=f"{i:064x}") for i, file in enumerate(files)),
        origin=origin,
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a-1.0-py3-none-any.whl", "a-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"], 1),
        (["a-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", "a-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"], 1),
        (["a-1.0-cp313-cp313-manylinux_2_42_x86_64.whl", "a-1.0-cp313-cp313-manylinux1_x86_64.whl"], 1),
        (["a-1.0-cp37-abi3-manylinux_2_28_x86_64.whl", "a-1.0-cp312-abi3-manylinux_2_28_x86_64.whl"], 1),
        (["a-1.0-py3-none-any.whl", "a-1.0-cp37-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"], 1),
        (["a-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl", "a-1.0-py2.py3-none-any.whl"], 1),
        (["a-1.0-cp313-cp313-musllinux_1_2_x86_64.whl", "a-1.0-cp313-cp313-linux_x86_64.whl"], 1),
        (["a-1.0-1-py3-none-any.whl", "a-1.0-2-py3-none-any.whl"], 1),  # build numbers
        (["a-2.0-cp313-cp313-linux_x86_64.whl", "a-1.0-py3-none-any.whl"], 1),  # another version's file
        (["not a wheel.whl", "a-1.0-py3-none-any.whl", "a-1.0.tar.gz"], 1),
    ],
)
def test_the_best_tag_wins_whatever_the_order(files: list[str], expected: int) -> None:
    for order in (files, files[::-1]):
        [wheel] = select([package("a", *order)], TRIXIE, "uv.lock")
        assert wheel.file == files[expected]


def test_wheels_are_sorted_by_name() -> None:
    found = select([package("b", "b-1.0-py3-none-any.whl"), package("a", "a-1.0-py3-none-any.whl")], TRIXIE, "uv.lock")
    assert found == (
        Wheel(name="a", version="1.0", file="a-1.0-py3-none-any.whl", sha256="0" * 64),
        Wheel(name="b", version="1.0", file="b-1.0-py3-none-any.whl", sha256="0" * 64),
    )


def message(*packages: LockedPackage) -> str:
    with pytest.raises(LockError) as caught:
        select(packages, TRIXIE, "uv.lock")
    return str(caught.value)


def test_no_wheel_but_one_for_another_suite() -> None:
    assert message(
        package(
            "numba",
            "numba-1.0-cp39-cp39-manylinux_2_17_x86_64.whl",
            "numba-1.0-cp311-cp311-win_amd64.whl",
            "numba-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
            "numba-1.0-cp310-cp310-manylinux_2_17_x86_64.whl",
            "numba-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
            "numba-1.0.tar.gz",
        )
    ) == (
        "uv.lock: numba 1.0 has no wheel for cp313, manylinux up to 2_41, x86_64; it offers "
        "numba-1.0-cp311-cp311-manylinux_2_17_x86_64.whl, numba-1.0-cp310-cp310-manylinux_2_17_x86_64.whl, "
        "numba-1.0-cp39-cp39-manylinux_2_17_x86_64.whl and 2 more. "
        'Lock another version of it, or set `suite = "bookworm"` in [tool.nivis.toolchain]: '
        "there is one for its Python 3.11."
    )


def test_no_wheel_for_any_suite() -> None:
    assert message(package("a", "a-1.0-cp39-cp39-win_amd64.whl")) == (
        "uv.lock: a 1.0 has no wheel for cp313, manylinux up to 2_41, x86_64; it offers a-1.0-cp39-cp39-win_amd64.whl. "
        "Lock another version of it that has one."
    )


def test_only_an_sdist() -> None:
    assert message(package("a", "a-1.0.tar.gz")) == (
        "uv.lock: a 1.0 has no wheel for cp313, manylinux up to 2_41, x86_64; it offers only a source distribution. "
        "Lock a version of it that has one, or put a wheel of your own on your index and lock again; "
        "building from source is not supported yet."
    )


def test_nothing_at_all() -> None:
    assert message(package("a")) == (
        "uv.lock: a 1.0 has no wheel for cp313, manylinux up to 2_41, x86_64; the lock lists no file for it. "
        "Lock a version of it that has one, or put a wheel of your own on your index and lock again; "
        "building from source is not supported yet."
    )


def test_a_repository_is_named() -> None:
    assert message(package("a", origin="the git repository https://git.example/a")) == (
        "uv.lock: 'a' comes from the git repository https://git.example/a, and only published wheels can be installed. "
        "Depend on a published version or on the URL of a wheel, or put the code into src/."
    )


def test_a_file_without_sha256() -> None:
    file = LockedFile(name="a-1.0-py3-none-any.whl", sha256=None)
    assert message(LockedPackage(name="a", version="1.0", files=(file,))) == (
        "uv.lock: 'a-1.0-py3-none-any.whl' has no sha256 in the lock. "
        "Lock the project again; if its index offers no sha256, use one that does."
    )


def test_one_name_in_two_versions() -> None:
    assert message(package("a", "a-1.0-py3-none-any.whl"), package("a", "a-2.0-py3-none-any.whl", version="2.0")) == (
        "uv.lock: 'a' is needed in versions 1.0 and 2.0 at once. "
        "Ask for extras and groups that do not exclude each other in [tool.nivis]."
    )


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(Problems) as caught:
        select([package("b"), package("ok", "ok-1.0-py3-none-any.whl"), package("a", "a-1.0.zip")], TRIXIE, "uv.lock")
    assert [problem.what.partition(" has")[0] for problem in caught.value.parts()] == ["b 1.0", "a 1.0"]
