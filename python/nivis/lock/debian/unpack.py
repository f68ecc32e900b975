"""Unpack .debs over one another into one folder, as dpkg would, but without maintainer scripts, owners or dates.

Format: deb(5), an ar archive with data.tar. Layout as on Debian since the /usr merge: /bin, /sbin, /lib and /lib64
are links into /usr, whatever a package calls them. Left out: documentation, manuals, translations (LEFT_OUT); the
licences of Debian packages are with them, at /usr/share/doc/<package>/copyright of the .deb.
The result does not depend on the number of workers: two packages may hold the same file only if it is identical.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from nivis.errors import HostError, LockError, NivisError, raise_all
from nivis.fetch.transfer import disk_full
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


def unpack(debs: Mapping[str, Path], into: Path, *, listener: Listener, workers: int | None = None) -> None:
    """Unpack packages (file name -> .deb) into a folder that does not exist yet.

    Raises LockError for a package that cannot be unpacked safely or that clashes with another, HostError (disk).
    """
    tree = _Tree(root=into)
    listener.begin("base tree", "unpack", len(debs))
    failed = True
    try:
        into.mkdir(parents=True)
        for name in MERGED:
            (into / "usr" / name).mkdir(parents=True)
            (into / name).symlink_to(f"usr/{name}")
        by_size = sorted(debs, key=lambda label: (-debs[label].stat().st_size, label))

        def one(label: str) -> None:
            tree.add(label, debs[label])
            listener.advance("base tree", 1)

        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            problems = [f.exception() for f in [pool.submit(one, label) for label in by_size]]
        for problem in problems:
            if problem is not None and not isinstance(problem, NivisError):
                raise problem
        tree.compare()
        raise_all(sorted((p for p in problems if isinstance(p, NivisError)), key=str))
        failed = False
    except OSError as error:
        move = "Nothing is lost: free some space and run it again." if disk_full(error) else "Run it again elsewhere."
        what = f"the base tree cannot be unpacked ({error.strerror or error})"
        raise HostError(what, where=str(error.filename or into), hint=move) from error
    finally:
        listener.end("base tree", failed=failed)


@dataclass(slots=True)
class _Tree:
    """The tree under construction. Folders are only ever made by us, so a path through them stays inside."""

    root: Path
    folders: set[str] = field(default_factory=set)
    owner: dict[str, str] = field(default_factory=dict)  # path -> the package that wrote it
    twice: list[tuple[str, str, str | bytes | None, bool]] = field(
        default_factory=list
    )  # path, package, content, executable

    def add(self, label: str, deb: Path) -> None:
        """Unpack one package."""
        with suppress(_Blocked), tarfile.open(fileobj=BytesIO(_data(label, deb)), mode="r:") as archive:
            for member in archive:
                name = _placed(member.name, label)
                if f"{name}/".startswith(LEFT_OUT) or (member.issym() and member.linkname.lstrip("/") == name):
                    continue  # base-files has the links of the /usr merge itself
                if member.isdir():
                    self._folder(name, label)
                else:
                    self._folder(name.rpartition("/")[0], label)
                    self._leaf(name, label, *_content(archive, member, name, label))

    def _leaf(self, name: str, label: str, content: str | bytes, executable: bool) -> None:
        path = os.path.join(self.root, name)
        try:
            if isinstance(content, str):
                os.symlink(content, path)
            else:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                with os.fdopen(handle, "wb", buffering=0) as file:
                    file.write(content)
                    os.fchmod(handle, 0o755 if executable else 0o644)
        except FileExistsError:
            # Another worker may not have finished it: compared at the end.
            self.twice.append((name, label, content, executable))
        else:
            self.owner[name] = label

    def _folder(self, name: str, label: str) -> None:
        if not name or name in self.folders:
            return
        self._folder(name.rpartition("/")[0], label)
        path = self.root / name
        try:
            path.mkdir()
        except FileExistsError:
            if path.is_symlink() or not path.is_dir():
                self.twice.append((name, label, None, False))  # who wrote it is known at the end
                raise _Blocked from None
        else:
            self.owner[name] = label
        self.folders.add(name)

    def compare(self) -> None:
        """Refuse files that two packages hold with different content."""
        different = []
        for name, label, content, executable in sorted(self.twice, key=lambda t: t[:2]):
            path = self.root / name
            if path.is_symlink():
                same = content == str(path.readlink())
            elif path.is_file() and isinstance(content, bytes):
                same = path.read_bytes() == content and bool(path.stat().st_mode & 0o100) == executable
            else:
                same = False
            if not same:
                different.append(self._clash(name, label))
        raise_all(different)

    def _clash(self, name: str, label: str) -> LockError:
        both = " and ".join(f"'{deb}'" for deb in sorted({label, self.owner.get(name, label)}))
        return LockError(
            f"{both} hold a different '{name}'"
            if " and " in both
            else f"{both} holds '{name}', which another package has",
            where="toolchain",
            hint="Leave one of the packages out of [tool.nivis.toolchain] packages.",
        )


class _Blocked(Exception):
    """A folder cannot be made, because another package has something else of that name."""


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
