"""From a signed archive to a base tree: everything but the size is as on a real mirror."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.archive import Archive, Key, make_key
from support.unnar import restore

from nivis.errors import HostError, LockError, ManifestError, NetworkError
from nivis.fetch.cache import Cache
from nivis.fetch.download import HashError, NotFoundError
from nivis.fetch.mirrors import Mirrors
from nivis.lock.debian.seeds import SEEDS
from nivis.lock.debian.signature import verified
from nivis.lock.debian.toolchain import base_tree, lock_toolchain, request
from nivis.lock.model import Toolchain
from nivis.lock.nar import nar_hash
from nivis.manifest.model import ToolchainSettings
from nivis.progress import Silent

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TRIXIE = ToolchainSettings(suite="trixie")


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def archive(tmp_path: Path, key: Key) -> Archive:
    archive = Archive(root=tmp_path / "mirror", key=key, date=NOW - timedelta(days=1))
    stanzas = [archive.add(name, "1.0-1", (f"./usr/share/{name}", name)) for name in SEEDS]
    stanzas += [
        archive.add("python3.13", "3.13.5-2+deb13u1", ("./usr/bin/python3.13*", "python"), Depends="libc6 (>= 2.38)"),
        archive.add("libc6", "2.41-12", ("./lib64/ld.so", "-> /lib/ld.so"), ("./usr/lib/ld.so*", "loader")),
        archive.add("jq", "1.7", ("./usr/bin/jq*", "jq")),
    ]
    archive.publish("trixie", *stanzas)
    newer = archive.add("bash", "1.0-2", ("./usr/bin/bash*", "new bash"))
    archive.publish("trixie-updates", newer, valid=timedelta(days=7), by_hash=False)
    return archive


class Place:
    """Runs the functions under test with what they need."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        self.cache = Cache(folder / "cache")
        self.mirrors = Mirrors(debian=archive.root.as_uri())
        self.into = folder / "tree"

    def lock(self, settings: ToolchainSettings = TRIXIE, now: datetime = NOW) -> Toolchain:
        """Lock the toolchain at a time."""
        return lock_toolchain(
            settings,
            "x86_64-linux",
            cache=self.cache,
            mirrors=self.mirrors,
            listener=Silent(),
            keyring=self.archive.key.ring,
            now=now,
        )

    def tree(self, toolchain: Toolchain) -> Path:
        into = self.into.with_suffix(".nar")
        base_tree(toolchain, cache=self.cache, mirrors=self.mirrors, listener=Silent(), into=into)
        return restore(into, self.into)


@pytest.fixture
def place(archive: Archive, tmp_path: Path) -> Place:
    return Place(archive, tmp_path)


def test_lock(place: Place) -> None:
    found = place.lock()
    versions = {p.name: p.version for p in found.packages}
    assert versions == {
        **dict.fromkeys(SEEDS, "1.0-1"),
        "bash": "1.0-2",
        "python3.13": "3.13.5-2+deb13u1",
        "libc6": "2.41-12",
    }
    assert [p.name for p in found.packages] == sorted(versions)
    assert (found.kind, found.suite, found.date) == ("debian", "trixie", "2026-11-19T00:00:00Z")
    assert (found.python, found.libc, found.request) == ("3.13.5", "2.41", request(TRIXIE, "x86_64-linux"))
    assert found.tree.name == "nivis-debian-trixie"
    shutil.rmtree(place.archive.root / "pool")
    assert place.lock() == found  # nothing is downloaded or unpacked again


def test_the_same_without_a_cache(place: Place) -> None:
    found = place.lock()
    shutil.rmtree(place.cache.folder)
    assert place.lock() == found


def test_tree(place: Place) -> None:
    toolchain = place.lock()
    tree = place.tree(toolchain)
    assert tree == place.into
    assert nar_hash(tree) == (toolchain.tree.hash, toolchain.tree.size)
    assert (tree / "usr/bin/bash").read_text() == "new bash"
    assert (tree / "lib64/ld.so").readlink() == Path("/lib/ld.so")
    shutil.rmtree(tree)
    assert nar_hash(place.tree(toolchain)) == (toolchain.tree.hash, toolchain.tree.size)  # unpacked anew


def test_a_damaged_tree_in_the_cache_is_made_anew(place: Place) -> None:
    toolchain = place.lock()
    (kept,) = (p for p in (place.cache.folder / "trees").iterdir() if p.suffix == ".nar")
    kept.write_bytes(kept.read_bytes() + b"bad")
    assert nar_hash(place.tree(toolchain))[0] == toolchain.tree.hash


def test_another_tree_than_locked(place: Place) -> None:
    toolchain = place.lock()
    other = replace(toolchain, tree=replace(toolchain.tree, hash="sha256-other", size=7))
    with pytest.raises(LockError) as caught:
        place.tree(other)
    assert str(caught.value) == (
        "nivis.lock: toolchain: the unpacked tree is not the one that was locked: expected sha256-other (7 bytes), "
        f"got {toolchain.tree.hash} ({toolchain.tree.size} bytes). "
        "It was locked by another version of nivis: run 'nivis lock --update toolchain'."
    )
    assert not place.into.exists()


def test_extra_packages(place: Place) -> None:
    settings = replace(TRIXIE, packages=("jq",))
    found = place.lock(settings)
    assert "jq" in {p.name for p in found.packages}
    assert found.request != request(TRIXIE, "x86_64-linux")
    with pytest.raises(ManifestError) as caught:
        place.lock(replace(TRIXIE, packages=("jqq",)))
    assert str(caught.value) == (
        "pyproject.toml: tool.nivis.toolchain.packages: no package named 'jqq' in Debian trixie. Did you mean 'jq'?"
    )


def test_a_deb_that_is_gone(place: Place) -> None:
    toolchain = place.lock()
    shutil.rmtree(place.cache.folder)
    (place.archive.root / "pool/main/sed/sed_1.0-1_amd64.deb").unlink()
    with pytest.raises(NotFoundError) as caught:
        place.tree(toolchain)
    path = place.archive.root / "pool/main/sed/sed_1.0-1_amd64.deb"
    assert str(caught.value) == (
        f"sed_1.0-1_amd64.deb: the mirror no longer has it (cannot read {path} (No such file or directory)). "
        "Set NIVIS_DEBIAN_MIRROR (and NIVIS_DEBIAN_SECURITY_MIRROR) to a snapshot mirror of 2026-11-19T00:00:00Z, "
        "or run 'nivis lock --update toolchain' for today's packages."
    )


def test_many_debs_that_are_gone_are_one_problem(place: Place) -> None:
    toolchain = place.lock()
    shutil.rmtree(place.cache.folder)
    shutil.rmtree(place.archive.root / "pool")
    with pytest.raises(NotFoundError) as caught:
        place.tree(toolchain)
    assert str(caught.value).startswith(
        f"toolchain: the mirror no longer has {len(toolchain.packages)} packages of the toolchain: "
        "bash_1.0-2_amd64.deb, bubblewrap_1.0-1_amd64.deb, bzip2_1.0-1_amd64.deb "
        f"and {len(toolchain.packages) - 3} more (cannot read "
    )


def test_a_deb_that_changed(place: Place) -> None:
    toolchain = place.lock()
    shutil.rmtree(place.cache.folder)
    (place.archive.root / "pool/main/sed/sed_1.0-1_amd64.deb").write_bytes(b"other")
    with pytest.raises(HashError, match=r"^sed_1\.0-1_amd64\.deb: .* is not what the lock says: expected sha256"):
        place.tree(toolchain)
    assert not place.into.exists()


def test_an_unknown_suite(place: Place) -> None:
    with pytest.raises(ManifestError) as caught:
        place.lock(ToolchainSettings(suite="trixi"))
    assert str(caught.value) == (
        "pyproject.toml: tool.nivis.toolchain.suite: no Debian suite named 'trixi' is supported. Did you mean 'trixie'?"
    )


def test_a_mirror_without_the_suite(place: Place) -> None:
    shutil.rmtree(place.archive.root / "dists/trixie-updates")
    with pytest.raises(NotFoundError) as caught:
        place.lock()
    assert str(caught.value) == (
        f"toolchain: the mirror has no suite 'trixie-updates' ({place.mirrors.debian}/dists/trixie-updates/InRelease). "
        "Check [tool.nivis.toolchain] suite, and the mirror (NIVIS_DEBIAN_MIRROR, apt's sources)."
    )


def test_expired_index(place: Place) -> None:
    with pytest.raises(NetworkError) as caught:
        place.lock(now=NOW + timedelta(days=10))
    assert str(caught.value) == (
        f"{place.mirrors.debian}/dists/trixie-updates/InRelease: "
        "the index expired on 2026-11-26: the mirror is stale, or the clock is wrong. "
        "Use an up-to-date mirror (NIVIS_DEBIAN_MIRROR, NIVIS_DEBIAN_SECURITY_MIRROR)."
    )


def test_altered_packages(place: Place) -> None:
    (file,) = (place.archive.root / "dists/trixie/main/binary-amd64/by-hash/SHA256").iterdir()
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(NetworkError, match=r"^trixie index: "):
        place.lock()


def test_signatures(archive: Archive, tmp_path: Path) -> None:
    signed = archive.key.sign("Suite: x\n- dash\n")
    assert verified(signed, archive.key.ring, "here") == "Suite: x\n- dash\n"

    def refused(content: bytes, ring: Path = archive.key.ring) -> str:
        with pytest.raises(NetworkError) as caught:
            verified(content, ring, "here")
        return str(caught.value)

    unsigned = (
        "here: the index is not signed. "
        "Something between here and the mirror may have replaced it; try again or use another mirror."
    )
    altered = (
        "here: the index was altered after it was signed (bad signature). "
        "Do not trust this mirror; try again or use another one (NIVIS_DEBIAN_MIRROR)."
    )
    assert refused(b"Suite: x\n") == unsigned
    assert refused(b"Suite: y\n" + signed) == unsigned
    assert refused(signed + b"Suite: y\n") == unsigned
    assert refused(signed + signed) == unsigned
    assert refused(signed.replace(b"Suite: x", b"Suite: y")) == altered
    stranger = make_key(tmp_path / "stranger")
    assert refused(signed, stranger.ring) == (
        "here: the index is signed by no key of this machine's Debian keyring. "
        "Run 'apt-get install --only-upgrade debian-archive-keyring', or use another mirror (NIVIS_DEBIAN_MIRROR)."
    )


def test_what_checking_signatures_needs(archive: Archive, tmp_path: Path) -> None:
    signed = archive.key.sign("x\n")
    with pytest.raises(HostError) as ring:
        verified(signed, tmp_path / "ring", "here")
    assert str(ring.value) == (
        f"{tmp_path}/ring: Debian's archive keys are missing. Run 'apt-get install debian-archive-keyring'."
    )
    with pytest.raises(HostError) as program:
        verified(signed, archive.key.ring, "here", gpgv="no-such-gpgv")
    assert str(program.value) == "gpgv is missing, which checks the index's signature. Run 'apt-get install gpgv'."
