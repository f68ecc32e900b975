"""An index of packages that was spoilt on its way, and one that the mirror has replaced since."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.archive import Archive, Key, make_key

from nivis.errors import NetworkError
from nivis.fetch.cache import Cache
from nivis.fetch.mirrors import Mirrors
from nivis.lock.debian.index import Index, read_index
from nivis.progress import Silent

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def archive(tmp_path: Path, key: Key) -> Archive:
    archive = Archive(root=tmp_path / "mirror", key=key, date=NOW - timedelta(days=1))
    archive.publish("trixie", archive.add("bash", "1.0-1"), by_hash=False)
    archive.publish("trixie-updates", archive.add("sed", "1.0-1"), by_hash=False)
    return archive


@pytest.fixture
def url(archive: Archive) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    handler = functools.partial(Quiet, directory=str(archive.root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def read(url: str, archive: Archive, cache: Path) -> Index:
    return read_index(
        "trixie", "amd64", mirrors=Mirrors(debian=url), cache=Cache(cache), listener=Silent(),
        keyring=archive.key.ring, now=NOW,
    )  # fmt: skip


def test_a_spoilt_index_is_refused_and_not_kept(archive: Archive, url: str, tmp_path: Path) -> None:
    release = archive.root / "dists/trixie/InRelease"
    good = release.read_bytes()
    release.write_bytes(good.replace(b"Suite: trixie", b"Suite: trixiE"))
    with pytest.raises(NetworkError, match="altered after it was signed"):
        read(url, archive, tmp_path / "cache")
    release.write_bytes(good.partition(b"-----BEGIN PGP SIGNATURE")[0])
    with pytest.raises(NetworkError, match="is not signed"):
        read(url, archive, tmp_path / "cache")
    release.write_bytes(good)
    assert read(url, archive, tmp_path / "cache").named("bash")[0].version == "1.0-1"


def test_an_index_that_the_mirror_has_replaced_is_fetched_anew(archive: Archive, url: str, tmp_path: Path) -> None:
    read(url, archive, tmp_path / "cache")
    archive.publish("trixie", archive.add("bash", "1.0-2"), by_hash=False)
    shutil.rmtree(tmp_path / "cache/downloads")
    assert read(url, archive, tmp_path / "cache").named("bash")[0].version == "1.0-2"


def test_a_mirror_without_the_lists_that_it_promises(archive: Archive, url: str, tmp_path: Path) -> None:
    (archive.root / "dists/trixie/main/binary-amd64/Packages.xz").unlink()
    with pytest.raises(NetworkError) as caught:
        read(url, archive, tmp_path / "cache")
    assert str(caught.value) == (
        f"trixie index: not found at {url}/dists/trixie/main/binary-amd64/Packages.xz (status 404). "
        "Check the address and the network, then run the same command again."
    )
