"""Pinning data: from the project, from URLs, from packages; what is kept, what is noted, what is refused."""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from nivis.errors import LockError, NetworkError, NivisError
from nivis.fetch.cache import Cache
from nivis.lock.archive import Release
from nivis.lock.data import Sources, lock_data
from nivis.lock.model import Archive, LockedData
from nivis.lock.nar import nar_hash
from nivis.lock.stats import StatCache
from nivis.manifest.model import Data, Experiment, PackageData, PathData, UrlData
from nivis.progress import Silent

EXPERIMENT = Experiment(name="penguins", folder=PurePosixPath("experiments/penguins"))
PLACE = "experiments/penguins/experiment.toml: data.birds: "


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Notes(Silent):
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@dataclass
class World:
    """A project with a cache, registries and a store that has what it is told to have."""

    root: Path
    notes: Notes = field(default_factory=Notes)
    stored: set[str] = field(default_factory=set)  # hashes
    releases: dict[str, Release] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)

    def sources(self, **more: bool) -> Sources:
        def find(package: str, version: str) -> Release:
            self.looked_up.append(f"{package} {version}")
            return self.releases[package]

        return Sources(
            cache=Cache(self.root / "cache"),
            stats=StatCache(self.root / "cache", clock=lambda: time.time_ns() + 10**10),
            listener=self.notes,
            find_release={"pypi": find, "npm": find},
            stored=lambda entry: (entry.sha256 or entry.tree) in self.stored,
            **more,
        )

    def lock(
        self,
        origin: PathData | UrlData | PackageData,
        previous: LockedData | None = None,
        *,
        sha256: str | None = None,
        update: bool = False,
        **more: bool,
    ) -> LockedData:
        data = Data(name="birds", origin=origin, sha256=sha256)
        sources = self.sources(**more)
        return lock_data(EXPERIMENT, data, previous, root=self.root / "project", sources=sources, update=update)

    def fail(self, call: Callable[[], object], kind: type[NivisError] = LockError) -> str:
        with pytest.raises(kind) as caught:
            call()
        text = str(caught.value)
        assert text.startswith(PLACE)
        return text.removeprefix(PLACE)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "project/data").mkdir(parents=True)
    (tmp_path / "project/data/birds 1.csv").write_text("1")
    return World(root=tmp_path)


FILE = PathData(path="data/birds 1.csv")


def test_a_file(world: World) -> None:
    locked = world.lock(FILE)
    assert locked == LockedData(name="birds-1.csv", origin={"path": "data/birds 1.csv"}, sha256=sha("1"), size=1)
    assert world.lock(FILE, locked) == locked
    assert world.notes.said == []


def test_a_changed_file_is_the_users_edit(world: World) -> None:
    locked = world.lock(FILE)
    (world.root / "project/data/birds 1.csv").write_text("22")
    assert world.lock(FILE, locked).sha256 == sha("22")
    assert world.notes.said == [
        "data.birds: 'data/birds 1.csv' has changed since it was locked; nivis.lock records its new hash"
    ]


def test_a_file_that_the_manifest_pins(world: World) -> None:
    assert world.lock(FILE, sha256=sha("1")).sha256 == sha("1")
    assert world.fail(lambda: world.lock(FILE, sha256=sha("2"))) == (
        f"the content is not what 'sha256' says: expected {sha('2')}, got {sha('1')}. "
        f'If the new content is meant, write sha256 = "{sha("1")}".'
    )


def test_a_folder(world: World) -> None:
    folder = world.root / "project/data"
    (folder / "link").symlink_to("nowhere")
    sri, _ = nar_hash(folder)
    locked = world.lock(PathData(path="data"))
    assert locked == LockedData(name="data", origin={"path": "data"}, tree=sri, size=1, files=1)
    assert world.fail(lambda: world.lock(PathData(path="data"), sha256="00")) == (
        "'sha256' pins a single file, but the data is a folder. "
        "Remove 'sha256': nivis.lock records the hash of the folder."
    )


def test_a_path_outside_the_project_and_links(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("x")
    assert world.lock(PathData(path=str(outside))).origin == {"path": str(outside)}
    (world.root / "project/data/link.csv").symlink_to(outside)
    linked = world.lock(PathData(path="data/link.csv"))
    assert (linked.name, linked.sha256) == ("link.csv", sha("x"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "data/birds.csv",
            "'data/birds.csv' does not exist. Put it there, or correct 'path'. Did you mean 'birds 1.csv'?",
        ),
        ("raw/x.csv", "'raw/x.csv' does not exist. Put it there, or correct 'path'."),
    ],
)
def test_a_missing_file(world: World, path: str, message: str) -> None:
    assert world.fail(lambda: world.lock(PathData(path=path))) == message


def test_a_link_to_nothing(world: World) -> None:
    (world.root / "project/data/x").symlink_to("y")
    assert world.fail(lambda: world.lock(PathData(path="data/x"))) == (
        "'data/x' is a link to nothing. Mend the link, or correct 'path'."
    )


def test_a_file_that_only_the_store_has(world: World) -> None:
    locked = world.lock(FILE)
    (world.root / "project/data/birds 1.csv").unlink()
    assert world.fail(lambda: world.lock(FILE, locked)) == (
        f"'data/birds 1.csv' does not exist. Get it from whoever locked it (sha256 {sha('1')})."
    )
    world.stored.add(sha("1"))
    assert world.lock(FILE, locked) == locked


def url(world: World, content: str) -> UrlData:
    (world.root / "served.csv").write_text(content)
    return UrlData(url=(world.root / "served.csv").as_uri())


def test_a_url(world: World) -> None:
    origin = url(world, "1")
    locked = world.lock(origin)
    assert locked == LockedData(name="served.csv", origin={"url": origin.url}, sha256=sha("1"), size=1)


def test_a_url_whose_content_changed(world: World) -> None:
    locked = world.lock(url(world, "1"))
    origin = url(world, "2")
    assert world.fail(lambda: world.lock(origin, locked)) == (
        f"the content has changed at its source since it was locked: expected {sha('1')}, got {sha('2')}. "
        "To accept it, run `nivis lock --update data.birds`."
    )
    assert world.lock(origin, locked, update=True).sha256 == sha("2")
    assert world.lock(origin, locked, sha256=sha("2")).sha256 == sha("2")


def test_a_url_is_not_read_again_while_the_store_or_cache_has_it(world: World) -> None:
    origin = url(world, "1")
    locked = world.lock(origin)
    (world.root / "served.csv").unlink()
    stored = Cache(world.root / "cache").stored(sha("1"))
    stored.parent.mkdir(parents=True)
    stored.write_text("1")
    assert world.lock(origin, locked) == locked
    stored.unlink()
    world.stored.add(sha("1"))
    assert world.lock(origin, locked) == locked
    world.stored.clear()
    assert world.fail(lambda: world.lock(origin, locked), NetworkError).startswith("'birds' cannot read")


def test_another_url_is_another_thing(world: World) -> None:
    old = LockedData(name="x", origin={"url": "https://example.org/x"}, sha256=sha("old"), size=3)
    world.stored.add(sha("old"))
    assert world.lock(url(world, "1"), old).sha256 == sha("1")


def test_offline_names_what_is_missing(world: World) -> None:
    message = world.fail(lambda: world.lock(UrlData(url="https://example.org/x.csv"), offline=True), NetworkError)
    assert "not in the cache" in message


def publish(world: World, content: str, *, promised: str | None = None, integrity: str | None = None) -> Release:
    path = world.root / "pal-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(zipfile.ZipInfo("pal/x.csv"), content)
    release = Release(file=path.name, url=path.as_uri(), sha256=promised, integrity=integrity)
    world.releases["pal"] = release
    return release


PACKAGE = PackageData(registry="pypi", package="pal", version="1.0", file="pal/x.csv")


def test_a_file_out_of_a_package(world: World) -> None:
    release = publish(world, "1")
    archive = hashlib.sha256(Path(release.url.removeprefix("file://")).read_bytes()).hexdigest()
    locked = world.lock(PACKAGE)
    assert locked == LockedData(
        name="x.csv",
        origin={"pypi": "pal==1.0", "file": "pal/x.csv"},
        sha256=sha("1"),
        size=1,
        archive=Archive(registry="pypi", file=release.file, sha256=archive, url=release.url),
    )
    bare = world.lock(PACKAGE, urls=False).archive
    assert bare == Archive(registry="pypi", file=release.file, sha256=archive)
    world.stored.add(sha("1"))
    world.looked_up.clear()
    assert world.lock(PACKAGE, locked) == locked
    assert world.lock(PACKAGE, locked, urls=False).archive == bare
    assert world.looked_up == []


def test_an_npm_package_has_another_record(world: World) -> None:
    publish(world, "1")
    origin = PackageData(registry="npm", package="pal", version="1.0", file="pal/x.csv")
    assert world.lock(origin).origin == {"npm": "pal@1.0", "file": "pal/x.csv"}


def test_a_package_that_holds_something_else_now(world: World) -> None:
    publish(world, "1")
    locked = world.lock(PACKAGE)
    publish(world, "2")
    assert world.fail(lambda: world.lock(PACKAGE, locked)) == (
        f"the content has changed at its source since it was locked: expected {sha('1')}, got {sha('2')}. "
        "To accept it, run `nivis lock --update data.birds`."
    )


def test_an_archive_that_is_not_what_the_index_promises(world: World) -> None:
    publish(world, "1", promised="0" * 64)
    assert f"expected sha256 {'0' * 64}, got sha256 " in world.fail(lambda: world.lock(PACKAGE), NetworkError)
    publish(world, "1", integrity="sha512-AA==")
    message = world.fail(lambda: world.lock(PACKAGE), NetworkError)
    assert message.startswith(
        "'pal-1.0-py3-none-any.whl' is not what the registry promises: expected sha512-AA==, got "
    )


def test_a_package_without_the_file(world: World) -> None:
    publish(world, "1")
    origin = PackageData(registry="pypi", package="pal", version="1.0", file="x.csv")
    assert world.fail(lambda: world.lock(origin)) == (
        "'pal-1.0-py3-none-any.whl' holds no file 'x.csv'. Nearest: pal/x.csv."
    )
