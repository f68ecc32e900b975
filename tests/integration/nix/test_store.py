"""The store room against the Nix of this machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from nivis.errors import LockError, NivisError
from nivis.lock import nar
from nivis.lock.digest import digest_file, digest_tree
from nivis.nix.command import Nix, find_nix, run
from nivis.nix.config import inspect_machine, nix_config, nix_environ
from nivis.nix.serve import Connection, Offer
from nivis.nix.store import Addition, add_file, add_many, add_tree, fixed_output_path, missing

pytestmark = pytest.mark.nix


@dataclass(frozen=True)
class Host:
    """Nix and the environment to run it in."""

    nix: Nix
    environ: Mapping[str, str]

    def info(self, path: str) -> Mapping[str, object]:
        """Return what `nix path-info` says of one path, in any version's layout."""
        said = json.loads(run([self.nix.program, "path-info", "--json", path], environ=self.environ).stdout)
        entry = said[0] if isinstance(said, list) else said[path]
        assert isinstance(entry, dict)
        return entry

    def delete(self, path: str) -> None:
        run([self.nix.tool("nix-store"), "--delete", path], environ=self.environ)

    def absent(self, *paths: str) -> set[str]:
        return missing(paths, nix=self.nix, environ=self.environ)


@pytest.fixture(params=["alone", "daemon"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """Nix on the store itself, and through a daemon of the test's own."""
    environ = dict(os.environ)
    nix = find_nix(environ)
    plain = nix_environ(environ, nix_config(environ, inspect_machine(environ)))
    if request.param == "alone":
        yield Host(nix, plain)
        return
    socket = tmp_path / "socket"
    process = subprocess.Popen(
        [nix.tool("nix-daemon")],
        env={**plain, "NIX_DAEMON_SOCKET_PATH": str(socket)},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.05)
        yield Host(nix, {**plain, "NIX_REMOTE": "daemon", "NIX_DAEMON_SOCKET_PATH": str(socket)})
    finally:
        process.terminate()
        process.wait()


def fresh(folder: Path, size: int = 100) -> Path:
    """Return a file that no store has yet."""
    path = folder / "data.csv"
    path.write_bytes(os.urandom(min(size, 1 << 20)))
    os.truncate(path, size)
    return path


def test_a_file(host: Host, tmp_path: Path) -> None:
    file = fresh(tmp_path)
    file.chmod(0o755)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    path = fixed_output_path("data.csv", flat_sha256_hex=sha256)
    assert host.absent(path) == {path}
    assert add_file(file, "data.csv", nix=host.nix, environ=host.environ) == path
    assert host.absent(path) == set()
    assert Path(path).read_bytes() == file.read_bytes()
    assert Path(path).stat().st_mode & 0o111 == 0
    assert str(host.info(path)["ca"]).startswith("fixed:sha256:")
    run([host.nix.tool("nix-store"), "--verify-path", path], environ=host.environ)
    assert add_file(file, "data.csv", nix=host.nix, environ=host.environ) == path
    same = run([host.nix.tool("nix-store"), "--add-fixed", "sha256", str(file)], environ=host.environ)
    assert same.stdout.strip() == path
    host.delete(path)


def test_a_tree(host: Host, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    fresh(tree / "sub", 3 << 20).chmod(0o755)
    (tree / "link").symlink_to("sub/data.csv")
    (tree / "empty").mkdir()
    path = add_tree(tree, "tree", nix=host.nix, environ=host.environ)
    assert path == fixed_output_path("tree", tree_sri=nar.nar_hash(tree)[0])
    assert nar.nar_hash(path) == nar.nar_hash(tree)
    assert str(host.info(path)["ca"]).startswith("fixed:r:sha256:")
    same = run([host.nix.tool("nix-store"), "--add", str(tree)], environ=host.environ).stdout.strip()
    assert same == path
    host.delete(path)


def test_many_through_one_process(host: Host, tmp_path: Path) -> None:
    additions = []
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        additions.append(Addition(path=fresh(folder), name="x.csv"))
    paths = add_many([*additions, additions[0]], nix=host.nix, environ=host.environ)
    assert len(set(paths)) == 5
    assert paths[0] == paths[5]
    assert host.absent(*paths) == set()
    for path in set(paths):
        host.delete(path)
    assert add_many([], nix=host.nix, environ=host.environ) == []


@pytest.mark.parametrize("change", ["content", "shorter", "longer"])
def test_a_file_that_changed_since_it_was_hashed(host: Host, tmp_path: Path, change: str) -> None:
    file = fresh(tmp_path, 4 << 20)
    known = digest_file(file)
    if change == "content":
        file.write_bytes(os.urandom(4 << 20))
    else:
        os.truncate(file, (4 << 20) + (100 if change == "longer" else -100))
    addition = Addition(path=file, name="x.csv", sha256=known.sha256, nar=known.nar)
    path = fixed_output_path("x.csv", flat_sha256_hex=known.sha256)
    with pytest.raises(LockError) as caught:
        add_many([addition], nix=host.nix, environ=host.environ)
    assert str(caught.value) == (
        f"{file}: the file changed while it was read. Run the command again when nothing writes to it any more."
    )
    assert host.absent(path) == {path}
    assert not Path(path).exists()


def test_a_tree_that_changed_since_it_was_hashed(host: Host, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    fresh(tmp_path / "d")
    known, _ = digest_tree(tmp_path / "d")
    (tmp_path / "d/new").touch()
    path = fixed_output_path("d", tree_sri=known.tree)
    addition = Addition(path=tmp_path / "d", name="d", nar=known.tree, nar_size=known.nar_size)
    with pytest.raises(LockError, match="the file changed while it was read"):
        add_many([addition], nix=host.nix, environ=host.environ)
    assert not Path(path).exists()


def test_an_interrupt_leaves_nothing(host: Host, tmp_path: Path) -> None:
    file = fresh(tmp_path, 32 << 20)
    known = digest_file(file)
    path = fixed_output_path("x.csv", flat_sha256_hex=known.sha256)
    offer = Offer(path=path, nar_hash=bytes(32), nar_size=nar.file_size(32 << 20), ca="fixed:sha256:" + "0" * 52)

    def interrupted(write: nar.Write) -> None:
        write(nar.frame(32 << 20)[0])
        write(file.read_bytes()[: 16 << 20])
        raise KeyboardInterrupt

    def attempt() -> None:
        with Connection(host.nix.tool("nix-store"), environ=host.environ) as store:
            store.add(offer, file, interrupted)

    with pytest.raises(KeyboardInterrupt):
        attempt()
    assert host.absent(path) == {path}
    assert not Path(path).exists()
    assert add_file(file, "x.csv", nix=host.nix, environ=host.environ) == path
    host.delete(path)


def test_two_processes_add_the_same(host: Host, tmp_path: Path) -> None:
    file = fresh(tmp_path, 16 << 20)
    paths: list[str] = []

    def add() -> None:
        paths.append(add_file(file, "x.csv", nix=host.nix, environ=host.environ))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    host.delete(paths[0])


def test_a_folder_with_odd_names(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"a b", b"\xff", b"line\nfeed", "ä".encode()):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(os.urandom(9))
    path = add_tree(folder, "odd", nix=host.nix, environ=host.environ)
    assert nar.nar_hash(path) == nar.nar_hash(folder)
    host.delete(path)


def test_memory_does_not_grow_with_the_file(host: Host, tmp_path: Path) -> None:
    file = fresh(tmp_path, 300 << 20)
    code = (
        "import resource, sys; from pathlib import Path; from nivis.nix.command import find_nix; import os\n"
        "from nivis.nix.store import add_file\n"
        "print(add_file(Path(sys.argv[1]), 'x.csv', nix=find_nix(os.environ), environ=os.environ))\n"
        "own = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"  # kB
        "print(max(int(own.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
    )
    python = str(Path(nar.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env={**host.environ, "PYTHONPATH": python},
        capture_output=True,
        text=True,
        check=True,
    )
    path, kilobytes = done.stdout.split()
    host.delete(path)
    assert int(kilobytes) < 100 << 10


def test_a_store_that_is_full(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root to mount a small file system")
    environ = dict(os.environ)
    nix = find_nix(environ)
    plain = nix_environ(environ, nix_config(environ, inspect_machine(environ)))
    file = fresh(tmp_path, 8 << 20)
    small = tmp_path / "nix-store"
    small.write_text(
        "#!/bin/sh\nexec unshare -m sh -c '"
        f'mount -t tmpfs -o size=1m none /nix/store && exec {nix.tool("nix-store")} "$@"\' sh "$@"\n'
    )
    small.chmod(0o755)
    (tmp_path / "nix").symlink_to(nix.program)
    with pytest.raises(NivisError) as caught:
        add_file(file, "x.csv", nix=Nix(program=str(tmp_path / "nix"), version=nix.version), environ=plain)
    assert str(caught.value) == (
        "/nix: no space left on the disk that holds the Nix store. Run `nix-store --gc` to delete what no project "
        "links "
        "to; the next run goes on where this one stopped."
    )
