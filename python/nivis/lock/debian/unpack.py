"""Unpack .debs over one another into one tree, as dpkg would, but without maintainer scripts, owners or dates.

Format: deb(5), an ar archive with data.tar. Layout as on Debian since the /usr merge: /bin, /sbin, /lib and /lib64
are links into /usr, whatever a package calls them. Left out: documentation, manuals, translations (LEFT_OUT); the
licences of Debian packages are with them, at /usr/share/doc/<package>/copyright of the .deb.
The result does not depend on the number of workers: two packages may hold the same file only if it is identical.
"""

from __future__ import annotations

import bz2
import errno
import functools
import gzip
import hashlib
import lzma
import os
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock

from nivis.errors import HostError, LockError, NivisError, raise_all
from nivis.fetch.transfer import disk_full
from nivis.lock.nar import File, Node, Write, dump_node, sri
from nivis.progress import Listener

MERGED = ("bin", "sbin", "lib", "lib64")
LEFT_OUT = tuple(
    f"usr/share/{name}/"
    for name in ("doc", "man", "info", "locale", "lintian", "bug", "doc-base", "menu", "gtk-doc", "help", "linda")
)
DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "data.tar": bytes,
    "data.tar.gz": gzip.decompress,
    "data.tar.xz": lzma.decompress,
    "data.tar.bz2": bz2.decompress,
    "data.tar.lzma": lzma.decompress,
}


def unpack(debs: Mapping[str, Path], into: Path, *, listener: Listener, workers: int | None = None) -> tuple[str, int]:
    """Unpack packages (file name -> .deb) into one Nix archive at ``into``; return its hash (SRI) and size.

    An archive, since the tree is wanted in the store only: thousands of files written to be read once and deleted cost
    more than all the decompression. Raises LockError for a package that cannot be unpacked safely or that clashes with
    another, HostError (disk).
    """
    listener.begin("base tree", "unpack", len(debs))
    failed = True
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=into.parent) as spool:
            tree = _Tree(spool=spool.fileno())
            tree.put("usr", "", None)
            for name in MERGED:
                tree.put(f"usr/{name}", "", None)
                tree.put(name, "", f"usr/{name}")
            by_size = sorted(debs, key=lambda label: (-debs[label].stat().st_size, label))

            def one(label: str) -> None:
                tree.add(label, debs[label])
                listener.advance("base tree", 1)

            with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
                try:
                    problems = [f.exception() for f in [pool.submit(one, label) for label in by_size]]
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)  # an interrupt should not wait for all of them
                    raise
            for problem in problems:
                if problem is not None and not isinstance(problem, NivisError):
                    raise problem
            tree.compare()
            raise_all(sorted((p for p in problems if isinstance(p, NivisError)), key=str))
            packed = _pack(tree.node(), into)
        failed = False
    except OSError as error:
        move = "Nothing is lost: free some space and run it again." if disk_full(error) else "Run it again elsewhere."
        what = f"the base tree cannot be unpacked ({error.strerror or error})"
        raise HostError(what, where=str(error.filename or into), hint=move) from error
    finally:
        listener.end("base tree", failed=failed)
    return packed


def _pack(root: Node, into: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    with into.open("wb", buffering=0) as file:

        def write(block: bytes) -> None:
            digest.update(block)
            file.write(block)

        size = dump_node(root, write)
    return sri(digest.digest()), size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A file's content, in the spool."""

    offset: int
    size: int
    executable: bool
    sha256: bytes


_Entry = _Content | str | None  # a file, a link's target, a folder


@dataclass(slots=True, kw_only=True)
class _Tree:
    """The tree under construction: what every package puts at every path; contents are in one temporary file."""

    spool: int
    end: int = 0
    lock: Lock = field(default_factory=Lock)
    entries: dict[str, list[tuple[str, _Entry]]] = field(default_factory=dict)  # path -> (package, entry)

    def add(self, label: str, deb: Path) -> None:
        """Unpack one package."""
        folders = {""}
        with tarfile.open(fileobj=BytesIO(_data(label, deb)), mode="r:") as archive:
            for member in archive:
                name = _placed(member.name, label)
                if f"{name}/".startswith(LEFT_OUT) or (member.issym() and member.linkname.lstrip("/") == name):
                    continue  # base-files has the links of the /usr merge itself
                folder = name if member.isdir() else name.rpartition("/")[0]
                while folder not in folders:
                    folders.add(folder)
                    self.put(folder, label, None)
                    folder = folder.rpartition("/")[0]
                if not member.isdir():
                    content, executable = _content(archive, member, name, label)
                    self.put(name, label, content if isinstance(content, str) else self._keep(content, executable))

    def put(self, name: str, label: str, entry: _Entry) -> None:
        """Take note of what a package has at a path."""
        with self.lock:
            self.entries.setdefault(name, []).append((label, entry))

    def _keep(self, content: bytes, executable: bool) -> _Content:
        with self.lock:
            offset, self.end = self.end, self.end + len(content)
        if os.pwrite(self.spool, content, offset) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        digest = hashlib.sha256(content).digest()
        return _Content(offset=offset, size=len(content), executable=executable, sha256=digest)

    def compare(self) -> None:
        """Refuse paths at which two packages have something different."""
        different = [name for name, found in sorted(self.entries.items()) if len({_kind(e) for _, e in found}) > 1]
        raise_all([self._clash(name) for name in different])

    def _clash(self, name: str) -> LockError:
        labels = sorted({label for label, _ in self.entries[name] if label})
        both = " and ".join(f"'{deb}'" for deb in labels)
        return LockError(
            f"{both} hold a different '{name}'" if len(labels) > 1 else f"{both} holds two different '{name}'",
            where="toolchain",
            hint="Leave one of the packages out of [tool.nivis.toolchain] packages.",
        )

    def node(self) -> Node:
        """Return the tree as it is to be archived; every path has its folders in ``entries``."""
        folders: dict[str, dict[bytes, Node]] = {"": {}}
        for name, found in sorted(self.entries.items()):
            folder, _, last = name.rpartition("/")
            entry = found[0][1]
            node: Node
            if isinstance(entry, _Content):
                node = File(size=entry.size, executable=entry.executable, send=functools.partial(self._send, entry))
            elif entry is None:
                node = folders[name] = {}
            else:
                node = os.fsencode(entry)
            folders[folder][os.fsencode(last)] = node
        return folders[""]

    def _send(self, entry: _Content, write: Write) -> None:
        write(os.pread(self.spool, entry.size, entry.offset))


def _kind(entry: _Entry) -> object:
    return (entry.sha256, entry.executable) if isinstance(entry, _Content) else entry


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, label: str) -> tuple[str | bytes, bool]:
    """Return a link's target or a file's content, and whether it is executable; a hard link is a file."""
    if member.issym():
        return member.linkname, False
    if not (member.isreg() or member.islnk()):
        raise _bad(label, f"'{name}' is neither a file, a folder nor a link")
    try:
        source = archive.extractfile(member)
    except KeyError:
        source = None
    if source is None:
        raise _bad(label, f"'{name}' links to '{member.linkname}', which it does not have")
    return source.read(), bool(member.mode & 0o100)


def _placed(name: str, label: str) -> str:
    """Return where a member goes, relative to the root ("" for the root itself), with /bin and the like below /usr."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise _bad(label, f"'{name}' leads out of the tree")
    if parts and parts[0] in MERGED:
        parts.insert(0, "usr")
    return "/".join(parts)


def _data(label: str, deb: Path) -> bytes:
    """Return the uncompressed data.tar of a .deb: an ar archive of debian-binary, control.tar.* and data.tar.*."""
    archive = deb.read_bytes()
    if not archive.startswith(b"!<arch>\n"):
        raise _bad(label, "it is not an ar archive")
    offset = 8
    while offset + 60 <= len(archive):
        header = archive[offset : offset + 60]  # name 16, date 12, owner 6, group 6, mode 8, size 10, end 2
        name, size = header[:16].decode("latin-1").strip().rstrip("/"), int(header[48:58])
        if name.startswith("data.tar"):
            if name not in DECOMPRESS:
                raise _bad(label, f"its compression ('{name}') is not supported")
            try:
                return DECOMPRESS[name](archive[offset + 60 : offset + 60 + size])
            except (lzma.LZMAError, OSError, EOFError) as error:
                raise _bad(label, f"'{name}' is damaged ({error})") from error
        offset += 60 + size + size % 2
    raise _bad(label, "it has no data.tar")


def _bad(label: str, what: str) -> LockError:
    return LockError(f"the package cannot be unpacked: {what}", where=label, hint="Choose another version of it.")
