"""One file out of a published package: a wheel (zip), a source distribution or an npm package (tar, compressed).

The path is looked for as given; in a tar file also below its only top folder (``package/``, ``name-1.0/``).
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import IO

from nivis.errors import LockError, NetworkError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The archive of one version of a package."""

    file: str
    url: str
    sha256: str | None = None  # hex, where the index says it
    integrity: str | None = None  # SRI strings, separated by blanks (npm)


FindRelease = Callable[[str, str], Release]  # (package, version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What a file in an archive contains."""

    sha256: str
    size: int


def read_member(archive: Path, file: str, member: str) -> Member:
    """Hash one file of an archive that is called ``file``, without unpacking it to disk.

    Raises LockError with the nearest names if it is not there, NetworkError if the archive is damaged.
    """
    try:
        if zipfile.is_zipfile(archive):
            return _from_zip(archive, file, member)
        return _from_tar(archive, file, member)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise NetworkError(
            f"cannot be unpacked ({error})", where=file, hint="The published file is damaged: use another version."
        ) from error


def _from_zip(archive: Path, file: str, member: str) -> Member:
    with zipfile.ZipFile(archive) as opened:
        names = [info.filename for info in opened.infolist() if not info.is_dir()]
        if member not in names:
            raise _absent(file, member, names)
        with opened.open(member) as stream:
            return _hash(stream)


def _from_tar(archive: Path, file: str, member: str) -> Member:
    with tarfile.open(archive) as opened:
        infos = {info.name.removeprefix("./"): info for info in opened.getmembers() if info.isfile()}
        tops = {PurePosixPath(name).parts[0] for name in infos}
        top = f"{tops.pop()}/" if len(tops) == 1 else ""
        info = infos.get(member) or infos.get(top + member)
        if info is None:
            raise _absent(file, member, [name.removeprefix(top) for name in infos])
        stream = opened.extractfile(info)
        assert stream is not None
        with stream:
            return _hash(stream)


def _hash(stream: IO[bytes]) -> Member:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        digest.update(block)
        size += len(block)
    return Member(sha256=digest.hexdigest(), size=size)


def _absent(file: str, member: str, names: Iterable[str]) -> LockError:
    known = sorted(names)
    same = [name for name in known if PurePosixPath(name).name == PurePosixPath(member).name]
    near = list(dict.fromkeys([*same, *get_close_matches(member, known, n=3, cutoff=0.5)]))[:3]
    if near:
        hint = f"Nearest: {', '.join(near)}."
    else:
        hint = f"It holds {len(known)} files: {', '.join(known[:5])}{', …' if len(known) > 5 else ''}."
    return LockError(f"holds no file '{member}'", where=file, hint=hint)


def check_integrity(path: Path, integrity: str) -> None:
    """Raise NetworkError unless the file has the strongest hash in ``integrity``."""
    hashes = dict(entry.partition("?")[0].partition("-")[::2] for entry in integrity.split())
    for algorithm in ("sha512", "sha384", "sha256", "sha1"):
        if expected := hashes.get(algorithm):
            with path.open("rb") as file:
                got = b64encode(hashlib.file_digest(file, algorithm).digest()).decode()
            if got != expected:
                raise NetworkError(
                    f"is not what the registry promises: expected {algorithm}-{expected}, got {algorithm}-{got}",
                    hint="Try again, or use another mirror.",
                )
            return
    raise NetworkError(
        f"the registry promises no hash that is known ('{integrity}')", hint="Use another version of the package."
    )
