"""pylock.toml: markers, groups and extras by PEP 751; the wheel is chosen elsewhere."""

import tomllib
from pathlib import Path

import pytest

from nivis.errors import LockError, ManifestError
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.pylock import read_pylock
from nivis.lock.python.raw import decode
from nivis.lock.python.target import Target
from nivis.manifest.model import Project

NEW = Target(python="3.13.5", libc="2.41")
OLD = Target(python="3.11.2", libc="2.36")


def entry(name: str, version: str, marker: str = "") -> str:
    file = f"{name}-{version}-py3-none-any.whl"
    return f"""
[[packages]]
name = "{name}"
version = "{version}"
{f'marker = "{marker}"' if marker else ""}
index = "https://index.example.org/simple"
wheels = [{{ url = "https://files.example.org/{file}", hashes = {{ sha256 = "{"A" * 64}" }} }}]
"""


LOCK = (
    """
lock-version = "1.0"
created-by = "hand"
requires-python = ">=3.11"
extras = ["plot"]
dependency-groups = ["base", "test"]
default-groups = ["base"]
"""
    + entry("num", "1.0", "python_version < '3.12'")
    + entry("num", "2.0", "python_version >= '3.12'")
    + entry("base", "1.0", "'base' in dependency_groups")
    + entry("check", "1.0", "'test' in dependency_groups")
    + entry("draw", "1.0", "'plot' in extras")
    + entry("win", "1.0", "sys_platform == 'win32'")
)


def read(
    lock: str = LOCK, target: Target = NEW, groups: tuple[str, ...] = (), extras: tuple[str, ...] = ()
) -> list[LockedPackage]:
    project = Project(root=Path("/p"), name="p", pyproject=tomllib.loads(""), groups=groups, extras=extras)
    return read_pylock(decode(lock.encode(), "pylock.toml"), project, target)


@pytest.mark.parametrize(
    ("target", "groups", "extras", "expected"),
    [
        (NEW, (), (), ["num 2.0", "base 1.0"]),
        (OLD, (), (), ["num 1.0", "base 1.0"]),
        (NEW, ("test",), (), ["num 2.0", "base 1.0", "check 1.0"]),
        (NEW, (), ("Plot",), ["num 2.0", "base 1.0", "draw 1.0"]),
    ],
)
def test_what_is_needed(target: Target, groups: tuple[str, ...], extras: tuple[str, ...], expected: list[str]) -> None:
    found = read(target=target, groups=groups, extras=extras)
    assert [f"{package.name} {package.version}" for package in found] == expected


HEAD = 'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "dep"\n'
WHEEL = "dep-1.0-cp39-cp39-win_amd64.whl"
SHA = 'hashes = { sha256 = "' + "a" * 64 + '" }'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            (
                f'version = "1.0"\nsdist = {{ name = "dep-1.0.tar.gz", path = "dep-1.0.tar.gz", {SHA} }}\n'
                f'wheels = [{{ url = "https://files.example.org/{WHEEL}", hashes = {{ sha512 = "0" }} }}]'
            ),
            LockedPackage(
                name="dep",
                version="1.0",
                files=(
                    LockedFile(name=WHEEL, sha256=None, url=f"https://files.example.org/{WHEEL}"),
                    LockedFile(name="dep-1.0.tar.gz", sha256="a" * 64),
                ),
            ),
        ),
        (
            f'archive = {{ url = "https://files.example.org/dep-1.0%2Bcpu-py3-none-any.whl", {SHA} }}',
            LockedPackage(
                name="dep",
                version="",
                files=(
                    LockedFile(
                        name="dep-1.0+cpu-py3-none-any.whl",
                        sha256="a" * 64,
                        url="https://files.example.org/dep-1.0%2Bcpu-py3-none-any.whl",
                    ),
                ),
            ),
        ),
        (
            'vcs = { type = "git", url = "https://git.example/dep", commit-id = "0123" }',
            LockedPackage(name="dep", version="", origin="the git repository https://git.example/dep"),
        ),
        ('directory = { path = "lib/dep" }', LockedPackage(name="dep", version="", origin="the folder 'lib/dep'")),
        (
            f'archive = {{ path = "dep-1.0-py3-none-any.whl", {SHA} }}',
            LockedPackage(
                name="dep",
                version="",
                files=(LockedFile(name="dep-1.0-py3-none-any.whl", sha256="a" * 64),),
                origin="the local file 'dep-1.0-py3-none-any.whl'",
            ),
        ),
        ('directory = { path = "." }', None),  # the project itself
    ],
)
def test_sources(source: str, expected: LockedPackage | None) -> None:
    assert read(HEAD + source) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("groups", "extras", "expected"),
    [
        (("tset",), (), "pyproject.toml: tool.nivis.groups: no dependency group named 'tset'. Did you mean 'test'?"),
        ((), ("plto",), "pyproject.toml: tool.nivis.extras: no extra named 'plto'. Did you mean 'plot'?"),
    ],
)
def test_unknown_groups_and_extras(groups: tuple[str, ...], extras: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(groups=groups, extras=extras)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            'lock-version = "1.0"',
            'lock-version = "2.0"',
            "pylock.toml: pylock version 2.0 is not supported. Export it in version 1.0 of the format.",
        ),
        (
            "extras = [",
            "extras = [1, ",
            (
                "pylock.toml: it is not as PEP 751 says (Unexpected type int (expected str) in 'extras[0]'). "
                "Export it again."
            ),
        ),
        (
            '">=3.11"',
            '">=3.14"',
            (
                "pylock.toml: it is for Python >=3.14, but the toolchain has Python 3.13.5. Choose another suite in "
                "[tool.nivis.toolchain], or widen the Python requirement in pyproject.toml and lock again."
            ),
        ),
        (
            "python_version < '3.12'",
            "python_version > '3'",
            (
                "pylock.toml: it cannot be used for cp313, manylinux up to 2_41, x86_64 (Multiple packages "
                "with the name 'num' are selected at packages[1] and packages[0]). Export it again for this Python."
            ),
        ),
        (
            "extras = [",
            "environments = [\"sys_platform == 'win32'\"]\nextras = [",
            (
                "pylock.toml: it cannot be used for cp313, manylinux up to 2_41, x86_64 (Provided environment does not "
                "satisfy any of the environments specified in the lock file). Export it again for this Python."
            ),
        ),
    ],
)
def test_locks_that_cannot_be_used(before: str, after: str, expected: str) -> None:
    assert before in LOCK
    with pytest.raises(LockError) as caught:
        read(LOCK.replace(before, after, 1))
    assert str(caught.value) == expected
