"""Tiny .debs, made without dpkg."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

Member = tuple[str, str | bytes | None]  # name; content, "-> target", "= hard link", None: a folder


def tar(members: Sequence[Member]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name.removesuffix("*"))
            info.mode = 0o755 if name.endswith("*") else 0o644
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str) and content.startswith("-> "):
                info.type, info.linkname = tarfile.SYMTYPE, content[3:]
            elif isinstance(content, str) and content.startswith("= "):
                info.type, info.linkname = tarfile.LNKTYPE, content[2:]
            elif content == "fifo":
                info.type = tarfile.FIFOTYPE
            else:
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
                continue
            archive.addfile(info)
    return buffer.getvalue()


def ar(members: Sequence[tuple[str, bytes]]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, content in members:
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".xz": lzma.compress, ".gz": gzip.compress, ".zst": bytes}


def deb(path: Path, *members: Member, compression: str = ".xz") -> Path:
    """Write a .deb; a name ending in * is executable."""
    data = COMPRESS[compression](tar(members))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ar([("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (f"data.tar{compression}", data)]))
    return path
