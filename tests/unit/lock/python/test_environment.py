"""From a project on disk to its wheels: URLs, what is known already, the digest of the request."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nivis.errors import LockError, ManifestError, NetworkError
from nivis.lock.model import PythonEnvironment, Wheel
from nivis.lock.python.environment import lock_python
from nivis.lock.python.target import Target
from nivis.manifest.model import Project

TRIXIE = Target(python="3.13.5", libc="2.41")
INDEX = "https://index.example.org/simple"

POETRY = """
[tool.poetry.dependencies]
python = "^3.11"
num = "*"
web = "*"
"""
# The content-hash is the one that Poetry computes for it.
POETRY_LOCK = f"""
[[package]]
name = "num"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{{ file = "num-1.0-py3-none-any.whl", hash = "sha256:{"a" * 64}" }}]

[[package]]
name = "web"
version = "2.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{{ file = "web-2.0-py3-none-any.whl", hash = "sha256:{"b" * 64}" }}]

[metadata]
lock-version = "2.1"
python-versions = "^3.11"
content-hash = "bc6d1e3e180b20cd4682269d8928f7a569423c95a728044417e963eb3a981bd5"
"""


def wheel(name: str, version: str, letter: str) -> Wheel:
    file = f"{name}-{version}-py3-none-any.whl"
    return Wheel(name=name, version=version, file=file, sha256=letter * 64, url=f"{INDEX}/{name}/{file}")


NUM = wheel("num", "1.0", "a")
WEB = wheel("web", "2.0", "b")
PAGES = {f"{INDEX}/{one.name}/": f'<a href="{one.file}#sha256={one.sha256}">{one.file}</a>' for one in (NUM, WEB)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The machine's indexes."""

    index_urls: tuple[str, ...] = (INDEX,)
    find_links: tuple[str, ...] = ()


class Network:
    """Pages in memory; what was read is kept."""

    def __init__(self, pages: dict[str, str] | None = None, *, broken: bool = False) -> None:
        self.pages = PAGES if pages is None else pages
        self.broken = broken
        self.read: list[str] = []

    def __call__(self, url: str) -> bytes | None:
        self.read.append(url)
        if self.broken:
            raise NetworkError("no answer", where=url, hint="Try again.")
        page = self.pages.get(url)
        return page.encode() if page is not None else None


def project(root: Path, pyproject: str = POETRY, lock: str | None = POETRY_LOCK, name: str = "poetry.lock") -> Project:
    if lock is not None:
        (root / name).write_text(lock)
    return Project(
        root=root, name="p", pyproject=tomllib.loads(pyproject), lock_file=name if lock is not None else None
    )


def lock(asked: Project, network: Network, known: tuple[Wheel, ...] = ()) -> PythonEnvironment:
    return lock_python(asked, TRIXIE, indexes=Places(), read=network, known=known)


def test_urls_are_found_by_hash(tmp_path: Path) -> None:
    assert lock(project(tmp_path), Network()).wheels == (NUM, WEB)


def test_known_wheels_are_not_looked_up_again(tmp_path: Path) -> None:
    network = Network()
    elsewhere = replace(NUM, url="https://mirror.example/num-1.0-py3-none-any.whl")
    first = lock(project(tmp_path), network, (elsewhere, WEB))
    assert (first.wheels, network.read) == ((elsewhere, WEB), [])
    assert lock(project(tmp_path), network, (elsewhere,)) == first
    assert network.read == [f"{INDEX}/web/"]


def test_known_wheels_with_other_bytes_or_without_url_are(tmp_path: Path) -> None:
    network = Network()
    assert lock(project(tmp_path), network, (replace(NUM, sha256="c" * 64), replace(WEB, url=None))).wheels == (
        NUM,
        WEB,
    )
    assert sorted(network.read) == [f"{INDEX}/num/", f"{INDEX}/web/"]


def test_a_wheel_that_no_index_offers_has_no_url(tmp_path: Path) -> None:
    pages = {f"{INDEX}/num/": PAGES[f"{INDEX}/num/"]}
    assert lock(project(tmp_path), Network(pages)).wheels == (NUM, replace(WEB, url=None))


def test_an_index_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        lock(project(tmp_path), Network(broken=True), (NUM,))
    assert str(caught.value) == f"{INDEX}/web/: no answer. Try again."


def test_without_urls_nothing_is_looked_up(tmp_path: Path) -> None:
    network = Network(broken=True)
    found = lock(replace(project(tmp_path), urls=False), network, (NUM, WEB))
    assert found.wheels == (replace(NUM, url=None), replace(WEB, url=None))
    assert network.read == []


def test_the_request_changes_with_what_is_asked_for(tmp_path: Path) -> None:
    base = project(tmp_path, "", None)
    asked = [base, replace(base, groups=("Main",)), replace(base, urls=False)]
    found = [lock(one, Network()).request for one in asked]
    found += [
        lock_python(base, target, indexes=Places(), read=Network(), known=()).request
        for target in (replace(TRIXIE, python="3.11.2"), replace(TRIXIE, libc="2.36"))
    ]
    assert len(set(found)) == len(found)
    assert lock(replace(base, groups=("main",)), Network()).request == found[1]


def test_nothing_to_install_needs_no_lock(tmp_path: Path) -> None:
    assert lock(project(tmp_path, "[project]\nname = 'p'\ndependencies = []", None), Network()).wheels == ()
    assert lock(project(tmp_path, '[tool.poetry.dependencies]\npython = "^3.11"', None), Network()).wheels == ()


@pytest.mark.parametrize(
    ("pyproject", "command"),
    [
        ('[project]\ndependencies = ["num"]', "Run `poetry lock` or `uv lock`."),
        ('[project]\ndependencies = ["num"]\n[tool.uv]\npackage = false', "Run `uv lock`."),
        (POETRY, "Run `poetry lock`."),
    ],
)
def test_dependencies_without_a_lock(tmp_path: Path, pyproject: str, command: str) -> None:
    with pytest.raises(LockError) as caught:
        lock(project(tmp_path, pyproject, None), Network())
    assert str(caught.value) == (
        f"pyproject.toml: it has dependencies, but there is no lock file that says which versions. {command}"
    )


def test_an_unknown_group_without_a_lock(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        lock(replace(project(tmp_path, "", None), extras=("x",)), Network())
    assert str(caught.value) == "pyproject.toml: tool.nivis.extras: no extra named 'x'. The project has no extras."


def test_a_lock_that_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(LockError) as caught:
        lock(project(tmp_path, lock="<<<<<<< HEAD\n"), Network())
    assert str(caught.value) == (
        "poetry.lock: it is not valid TOML (Invalid statement (at line 1, column 1)). "
        "Restore it from git, or lock the project again."
    )


def test_a_lock_that_is_gone(tmp_path: Path) -> None:
    asked = project(tmp_path)
    (tmp_path / "poetry.lock").unlink()
    with pytest.raises(LockError) as caught:
        lock(asked, Network())
    assert str(caught.value) == (
        "poetry.lock: it cannot be read (No such file or directory). Restore it from git, or lock the project again."
    )


def test_a_marker_that_is_none(tmp_path: Path) -> None:
    broken = POETRY_LOCK.replace('groups = ["main"]', 'groups = ["main"]\nmarkers = "moon == 1"', 1)
    with pytest.raises(LockError) as caught:
        lock(project(tmp_path, lock=broken), Network())
    assert str(caught.value).startswith("poetry.lock: a marker in it cannot be evaluated (")


def test_a_named_pylock_is_read_as_one(tmp_path: Path) -> None:
    text = (
        'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "num"\nversion = "1.0"\n'
        f'wheels = [{{ url = "{NUM.url}", hashes = {{ sha256 = "{NUM.sha256}" }} }}]\n'
    )
    network = Network(broken=True)
    assert lock(project(tmp_path, "", text, "pylock.gpu.toml"), network).wheels == (NUM,)
    assert network.read == []
