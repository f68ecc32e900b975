"""uv.lock: which packages are needed, and whether the lock is as new as pyproject.toml.

The lock has the form that uv 0.13 writes for the pyproject.toml beside it.
"""

import tomllib
from pathlib import Path

import pytest

from nivis.errors import LockError, ManifestError
from nivis.lock.python.packages import LockedFile, LockedPackage
from nivis.lock.python.raw import decode
from nivis.lock.python.target import Target
from nivis.lock.python.uv import read_uv
from nivis.manifest.model import Project

NEW = Target(python="3.13.5", libc="2.41")
OLD = Target(python="3.11.2", libc="2.36")

PYPROJECT = """
[project]
name = "My.Proj"
version = "0"
requires-python = "~=3.11"
dependencies = ["num>=1, <3", "web[Socks]~=2.0", "tom>=2 ; python_version < '3.12'", "win; sys_platform=='win32'"]
[project.optional-dependencies]
plot = ["draw>=3.9"]
all = ["my-proj[plot]"]
cpu = ["torch==1.0"]
gpu = ["torch==2.0"]
[dependency-groups]
test = ["check", { include-group = "lint" }]
lint = ["ruffle"]
[tool.uv]
package = false
conflicts = [[{ extra = "cpu" }, { extra = "gpu" }]]
"""


def entry(name: str, version: str, *more: str) -> str:
    file = f"{name}-{version}-py3-none-any.whl"
    return f"""
[[package]]
name = "{name}"
version = "{version}"
source = {{ registry = "https://index.example.org/simple" }}
{more[0] if more else ""}
sdist = {{ url = "https://files.example.org/{name}-{version}.tar.gz", hash = "sha256:{"0" * 64}", size = 1 }}
wheels = [{{ url = "https://files.example.org/{file}", hash = "sha256:{"a" * 64}", size = 1 }}]
{more[1] if len(more) > 1 else ""}
"""


SOURCE = 'source = { registry = "https://index.example.org/simple" }'
ROOT = f"""
[[package]]
name = "my-proj"
version = "0"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "num", version = "1.0", {SOURCE}, marker = "python_full_version < '3.12'" }},
    {{ name = "num", version = "2.0", {SOURCE}, marker = "python_full_version >= '3.12'" }},
    {{ name = "tom", marker = "python_full_version < '3.12'" }},
    {{ name = "web", extra = ["socks"] }},
    {{ name = "win", marker = "sys_platform == 'win32'" }},
]
[package.optional-dependencies]
all = [{{ name = "draw" }}]
plot = [{{ name = "draw" }}]
cpu = [{{ name = "torch", version = "1.0" }}]
gpu = [{{ name = "torch", version = "2.0" }}]
[package.dev-dependencies]
lint = [{{ name = "ruffle" }}]
test = [{{ name = "check" }}, {{ name = "ruffle" }}]
[package.metadata]
requires-dist = [
    {{ name = "draw", marker = "extra == 'plot'", specifier = ">=3.9" }},
    {{ name = "my-proj", extras = ["plot"], marker = "extra == 'all'" }},
    {{ name = "num", specifier = ">=1,<3" }},
    {{ name = "tom", marker = "python_full_version < '3.12'", specifier = ">=2" }},
    {{ name = "torch", marker = "extra == 'cpu'", specifier = "==1.0" }},
    {{ name = "torch", marker = "extra == 'gpu'", specifier = "==2.0" }},
    {{ name = "web", extras = ["socks"], specifier = "~=2.0" }},
    {{ name = "win", marker = "sys_platform == 'win32'" }},
]
provides-extras = ["plot", "all", "cpu", "gpu"]
[package.metadata.requires-dev]
lint = [{{ name = "ruffle" }}]
test = [{{ name = "check" }}, {{ name = "ruffle" }}]
"""

LOCK = (
    "version = 1\nrevision = 5\nrequires-python = '>=3.11, <4'\n"
    + entry("check", "1.0", 'dependencies = [{ name = "web" }]')
    + entry(
        "draw", "4.0", """dependencies = [{ name = "num", version = "1.0", marker = "python_full_version < '3.12'" }]"""
    )
    + entry("fast", "1.0")
    + ROOT
    + entry("num", "1.0", """resolution-markers = ["python_full_version < '3.12'"]""")
    + entry("num", "2.0", """resolution-markers = ["python_full_version >= '3.12'"]""")
    + entry("ruffle", "1.0")
    + entry("socket", "1.0", 'dependencies = [{ name = "web" }]')
    + entry("tom", "2.0")
    + entry("torch", "1.0")
    + entry(
        "torch",
        "2.0",
        """dependencies = [
            { name = "fast", marker = "extra == 'extra-7-my-proj-gpu' and extra != 'extra-7-my-proj-cpu'" },
        ]""",
    )
    + entry("web", "2.1", "", '[package.optional-dependencies]\nsocks = [{ name = "socket" }]')
    + entry("win", "1.0")
)


def read(
    lock: str = LOCK,
    target: Target = NEW,
    pyproject: str = PYPROJECT,
    groups: tuple[str, ...] = (),
    extras: tuple[str, ...] = (),
) -> list[LockedPackage]:
    project = Project(
        root=Path("/p"),
        name="my-proj",
        pyproject=tomllib.loads(pyproject),
        groups=groups,
        extras=extras,
        lock_file="uv.lock",
    )
    return read_uv(decode(lock.encode(), "uv.lock"), project, target)


def names(*args: object, **options: object) -> set[str]:
    return {f"{package.name} {package.version}" for package in read(*args, **options)}  # type: ignore[arg-type]


MAIN = {"num 2.0", "web 2.1", "socket 1.0"}


@pytest.mark.parametrize(
    ("target", "groups", "extras", "expected"),
    [
        (NEW, (), (), MAIN),
        (OLD, (), (), {"num 1.0", "tom 2.0", "web 2.1", "socket 1.0"}),
        (NEW, ("test",), (), MAIN | {"check 1.0", "ruffle 1.0"}),
        (NEW, ("Lint",), (), MAIN | {"ruffle 1.0"}),
        (NEW, (), ("plot",), MAIN | {"draw 4.0"}),
        (NEW, (), ("all",), MAIN | {"draw 4.0"}),
        (NEW, (), ("cpu",), MAIN | {"torch 1.0"}),
        (NEW, (), ("gpu",), MAIN | {"torch 2.0", "fast 1.0"}),
    ],
)
def test_what_is_needed(target: Target, groups: tuple[str, ...], extras: tuple[str, ...], expected: set[str]) -> None:
    assert names(target=target, groups=groups, extras=extras) == expected


def test_a_package_has_its_files() -> None:
    [num] = [package for package in read() if package.name == "num"]
    assert num == LockedPackage(
        name="num",
        version="2.0",
        files=(
            LockedFile(
                name="num-2.0-py3-none-any.whl",
                sha256="a" * 64,
                url="https://files.example.org/num-2.0-py3-none-any.whl",
            ),
            LockedFile(name="num-2.0.tar.gz", sha256="0" * 64, url="https://files.example.org/num-2.0.tar.gz"),
        ),
        index="https://index.example.org/simple",
    )


def only(source: str, wheels: str) -> tuple[str, str]:
    """Return a lock with one dependency from ``source``, and its pyproject.toml."""
    lock = f"""
version = 1
requires-python = ">=3.11"
[[package]]
name = "p"
source = {{ editable = "." }}
dependencies = [{{ name = "dep" }}]
[package.metadata]
requires-dist = [{{ name = "dep", {source} }}]
[[package]]
name = "dep"
version = "1.0"
source = {{ {source} }}
{wheels}
"""
    return lock, '[project]\nname = "p"\ndependencies = ["dep"]\n[tool.uv.sources]\ndep = { path = "x" }'


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ('git = "https://git.example/dep?rev=v1#0123"', "the git repository https://git.example/dep"),
        ('directory = "../dep"', "the folder '../dep'"),
        ('editable = "lib/dep"', "the folder 'lib/dep'"),
        ('path = "dep-1.0-py3-none-any.whl"', "the local file 'dep-1.0-py3-none-any.whl'"),
    ],
)
def test_sources_that_are_not_published(source: str, origin: str) -> None:
    lock, pyproject = only(source, "")
    assert read(lock, pyproject=pyproject) == [LockedPackage(name="dep", version="1.0", origin=origin)]


def test_the_url_of_a_wheel() -> None:
    url = "https://files.example.org/dep-1.0%2Bcpu-py3-none-any.whl"
    lock, pyproject = only(f'url = "{url}"', f'wheels = [{{ hash = "sha256:{"a" * 64}" }}]')
    file = LockedFile(name="dep-1.0+cpu-py3-none-any.whl", sha256="a" * 64, url=url)
    assert read(lock, pyproject=pyproject) == [LockedPackage(name="dep", version="1.0", files=(file,))]


def test_a_registry_in_a_folder_has_no_urls() -> None:
    lock, pyproject = only(
        'registry = "../wheels"', f'wheels = [{{ path = "dep-1.0-py3-none-any.whl", hash = "sha256:{"a" * 64}" }}]'
    )
    file = LockedFile(name="dep-1.0-py3-none-any.whl", sha256="a" * 64)
    assert read(lock, pyproject=pyproject) == [LockedPackage(name="dep", version="1.0", files=(file,))]


def test_a_project_that_is_not_a_package_has_its_groups_in_the_manifest() -> None:
    lock = f"""
version = 1
requires-python = ">=3.11"
[manifest.dependency-groups]
test = [{{ name = "check", specifier = ">=1" }}]
{entry("check", "1.0")}
"""
    pyproject = '[dependency-groups]\ntest = ["check>=1"]'
    assert names(lock, pyproject=pyproject, groups=("test",)) == {"check 1.0"}
    assert names(lock, pyproject=pyproject) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"num>=1, <3"', '"Num <3,>=1.0"'),
        ("python_version < '3.12'", "python_full_version<'3.12.0'"),
        ('"~=3.11"', '">=3.11,<4"'),
        ('version = "0"', 'version = "1"'),
        ('plot = ["draw>=3.9"]', """plot = ["draw>=3.9 ; python_version >= '3.11'"]"""),
    ],
)
def test_the_same_in_other_words_is_fresh(before: str, after: str) -> None:
    assert before in PYPROJECT
    assert names(pyproject=PYPROJECT.replace(before, after)) == MAIN


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ('"num>=1, <3"', '"num>=1, <4"', "num"),
        ('"num>=1, <3", ', "", "num"),
        ('"num>=1, <3"', '"num>=1, <3", "new"', "new"),
        ("web[Socks]", "web", "web"),
        ("< '3.12'", "< '3.13'", "tom"),
        ("'win32'", "'linux'", "win"),
        ('["draw>=3.9"]', '["draw>=4"]', "draw"),
        ('["ruffle"]', '["ruffle", "black"]', "black"),
        ('"~=3.11"', '">=3.12,<4"', "requires-python"),
        ("package = false", 'constraint-dependencies = ["num<2"]', "num"),
    ],
)
def test_a_lock_older_than_pyproject(before: str, after: str, changed: str) -> None:
    assert before in PYPROJECT
    with pytest.raises(LockError) as caught:
        read(pyproject=PYPROJECT.replace(before, after))
    assert str(caught.value) == f"uv.lock: it is older than pyproject.toml (changed: {changed}). Run `uv lock`."


def test_another_url_is_a_change() -> None:
    url = "https://files.example.org/dep-1.0-py3-none-any.whl"
    lock, _ = only(f'url = "{url}"', f'wheels = [{{ url = "{url}", hash = "sha256:{"a" * 64}" }}]')
    pyproject = f'[project]\nname = "p"\ndependencies = ["dep @ {url}"]'
    assert names(lock, pyproject=pyproject) == {"dep 1.0"}
    with pytest.raises(LockError, match="changed: dep"):
        read(lock, pyproject=pyproject.replace("dep-1.0", "dep-1.1"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"groups": ("tset",)},
            "pyproject.toml: tool.nivis.groups: no dependency group named 'tset'. Did you mean 'test'?",
        ),
        ({"extras": ("plto",)}, "pyproject.toml: tool.nivis.extras: no extra named 'plto'. Did you mean 'plot'?"),
    ],
)
def test_unknown_groups_and_extras(options: dict[str, tuple[str, ...]], expected: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(**options)  # type: ignore[arg-type]
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "version = 1\n",
            "version = 2\n",
            (
                "uv.lock: its version is 2, and only version 1 is known. "
                "Lock with a uv that writes version 1, or export it: `uv export --format pylock.toml`."
            ),
        ),
        (
            'virtual = "."',
            'virtual = "other"',
            "uv.lock: it has no entry for the project 'my-proj'. Run `uv lock` in the project's folder.",
        ),
        (
            '{ name = "web", extra = ["socks"] }',
            '{ name = "gone" }',
            (
                "uv.lock: package[3].dependencies[3]: 'gone' stands for 0 packages of the lock instead of one. "
                "Lock the project again with the tool that wrote this file."
            ),
        ),
    ],
)
def test_locks_that_cannot_be_used(before: str, after: str, expected: str) -> None:
    assert before in LOCK
    with pytest.raises(LockError) as caught:
        read(LOCK.replace(before, after, 1))
    assert str(caught.value) == expected


def test_a_lock_for_another_python() -> None:
    pyproject = PYPROJECT.replace("~=3.11", ">=3.11,<3.13")
    with pytest.raises(LockError) as caught:
        read(LOCK.replace(">=3.11, <4", ">=3.11, <3.13"), pyproject=pyproject)
    assert str(caught.value) == (
        "uv.lock: it is for Python >=3.11, <3.13, but the toolchain has Python 3.13.5. "
        "Choose another suite in [tool.nivis.toolchain], or widen the Python requirement in pyproject.toml "
        "and lock again."
    )
