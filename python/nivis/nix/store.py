"""The Nix store: names of content, which paths are valid, adding files and folders in constant memory.

Store paths follow the Nix manual, "Store path" (the complete store path calculation).
"""

from __future__ import annotations

import hashlib
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nivis.errors import HostError
from nivis.lock import nar
from nivis.lock.digest import digest_file
from nivis.nix.base32 import nix32
from nivis.nix.command import Nix, run
from nivis.nix.serve import Connection, Offer, PathInfo
from nivis.progress import Listener, Silent

STORE = "/nix/store"
_AT_ONCE = 5000  # paths in one command line


def _compress(digest: bytes) -> bytes:
    short = bytearray(20)
    for place, byte in enumerate(digest):
        short[place % 20] ^= byte
    return bytes(short)


def _store_path(kind: str, inner: str, name: str, store: str) -> str:
    fingerprint = f"{kind}:sha256:{inner}:{store}:{name}"
    return f"{store}/{nix32(_compress(hashlib.sha256(fingerprint.encode()).digest()))}-{name}"


def fixed_output_path(
    name: str, *, flat_sha256_hex: str | None = None, tree_sri: str | None = None, store: str = STORE
) -> str:
    """Return the store path of content: a single file by its sha256, or a tree by the hash of its NAR."""
    if tree_sri is not None:
        return _store_path("source", sri_digest(tree_sri).hex(), name, store)
    if flat_sha256_hex is None:
        raise ValueError("fixed_output_path needs flat_sha256_hex or tree_sri")
    inner = hashlib.sha256(f"fixed:out:sha256:{flat_sha256_hex}:".encode()).hexdigest()
    return _store_path("output:out", inner, name, store)


def sri_digest(sri: str) -> bytes:
    """Return the digest inside a sha256 SRI string."""
    algorithm, _, text = sri.partition("-")
    digest = b64decode(text, validate=True)
    if algorithm != "sha256" or len(digest) != 32:
        raise ValueError(f"not a sha256 SRI hash: {sri!r}")
    return digest


def missing(paths: Sequence[str], *, nix: Nix, environ: Mapping[str, str]) -> set[str]:
    """Return those of ``paths`` that are not valid in the store (one process for 5,000 paths)."""
    absent: set[str] = set()
    wanted = sorted(set(paths))
    for start in range(0, len(wanted), _AT_ONCE):
        argv = [nix.tool("nix-store"), "--check-validity", "--print-invalid", *wanted[start : start + _AT_ONCE]]
        absent.update(run(argv, environ=environ).stdout.split())
    return absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A file or folder that is to be in the store. Hashes that are known already save reading it once more."""

    path: Path
    name: str  # store path name
    sha256: str | None = None  # file: hex
    nar: str | None = None  # file or folder: SRI of its NAR
    nar_size: int | None = None  # folder: bytes of its NAR; with ``nar``
    packed: bool = False  # ``path`` is the folder's NAR itself; with ``nar`` and ``nar_size``


def add_many(
    additions: Sequence[Addition], *, nix: Nix, environ: Mapping[str, str], listener: Listener | None = None
) -> list[str]:
    """Add everything that the store lacks through one Nix process and return the store paths, in order.

    Content is streamed: memory does not grow with it. If it changes meanwhile, LockError is raised and nothing of
    it is registered; what was added before stays.
    """
    if not additions:
        return []
    with Connection(nix.tool("nix-store"), environ=environ) as store:
        return add_to(store, additions, listener=listener)


def add_to(store: Connection, additions: Sequence[Addition], *, listener: Listener | None = None) -> list[str]:
    """Add everything that a store lacks and return the store paths, in order; see ``add_many``."""
    report = listener or Silent()
    offers = [_offer(addition) for addition in additions]
    valid = store.valid([offer.path for offer in offers])
    for addition, offer in zip(additions, offers, strict=True):
        if offer.path not in valid:
            _send(store, addition, offer, report)
            valid.add(offer.path)
    return [offer.path for offer in offers]


def add_file(path: Path, name: str, *, nix: Nix, environ: Mapping[str, str], listener: Listener | None = None) -> str:
    """Add one file, as non-executable content named by its sha256, and return its store path."""
    if not path.is_file():
        raise HostError("is not a file", where=str(path))
    return add_many([Addition(path=path, name=name)], nix=nix, environ=environ, listener=listener)[0]


def add_tree(path: Path, name: str, *, nix: Nix, environ: Mapping[str, str], listener: Listener | None = None) -> str:
    """Add one folder, named by the hash of its NAR, and return its store path."""
    if not path.is_dir():
        raise HostError("is not a folder", where=str(path))
    return add_many([Addition(path=path, name=name)], nix=nix, environ=environ, listener=listener)[0]


def sri(digest: bytes) -> str:
    """Return a sha256 digest as an SRI string."""
    return "sha256-" + b64encode(digest).decode()


def name_of(path: str) -> str:
    """Return the name in a store path."""
    return path.rpartition("/")[2][33:]


def hand_over(store: Connection, infos: Mapping[str, PathInfo]) -> dict[str, str]:
    """Add valid store paths without references once more, by their content; return the new paths by the old."""
    offers: dict[str, Offer] = {}
    for path, info in infos.items():
        target = fixed_output_path(name_of(path), tree_sri=sri(info.nar_hash))
        ca = f"fixed:r:sha256:{nix32(info.nar_hash)}"
        offers[path] = Offer(path=target, nar_hash=info.nar_hash, nar_size=info.nar_size, ca=ca)
    valid = store.valid([offer.path for offer in offers.values()]) if offers else set()
    for path, offer in offers.items():
        if offer.path not in valid:
            store.add(offer, Path(path), partial(_dump, Path(path)))
            valid.add(offer.path)
    return {path: offer.path for path, offer in offers.items()}


def _dump(path: Path, write: nar.Write) -> None:
    nar.dump(path, write)


def _offer(addition: Addition) -> Offer:
    path = addition.path.resolve()  # a link stands for what it points to
    info = path.stat()
    if addition.packed or stat.S_ISDIR(info.st_mode):
        tree, size = addition.nar, addition.nar_size
        if tree is None or size is None:
            tree, size = nar.nar_hash(path)
        target = fixed_output_path(addition.name, tree_sri=tree)
        ca = f"fixed:r:sha256:{nix32(sri_digest(tree))}"
        return Offer(path=target, nar_hash=sri_digest(tree), nar_size=size, ca=ca)
    sha256, archive = addition.sha256, addition.nar
    if sha256 is None or archive is None:
        digest = digest_file(path)
        sha256, archive = digest.sha256, digest.nar
    target = fixed_output_path(addition.name, flat_sha256_hex=sha256)
    ca = f"fixed:sha256:{nix32(bytes.fromhex(sha256))}"
    return Offer(path=target, nar_hash=sri_digest(archive), nar_size=nar.file_size(info.st_size), ca=ca)


def _send(store: Connection, addition: Addition, offer: Offer, listener: Listener) -> None:
    task = f"{addition.name} to the store"
    listener.begin(task, "add", offer.nar_size)
    try:
        store.add(offer, addition.path, lambda write: _content(addition, _counted(write, task, listener)))
    except BaseException:
        listener.end(task, failed=True)
        raise
    listener.end(task)


def _counted(write: nar.Write, task: str, listener: Listener) -> nar.Write:
    def counted(block: bytes) -> None:
        write(block)
        listener.advance(task, len(block))

    return counted


def _content(addition: Addition, write: Callable[[bytes], object]) -> None:
    path = addition.path.resolve()
    if path.is_dir():
        nar.dump(path, write)
        return
    size = path.stat().st_size
    head, tail = (b"", b"") if addition.packed else nar.frame(size)
    write(head)
    nar.read_blocks(path, size, write)
    write(tail)
