"""A client for the protocol of ``nix-store --serve --write``, as far as content needs it.

The protocol that Nix speaks over ssh for ``ssh://`` stores: 64 bit little-endian numbers, strings as in a NAR.
It is the one way into the store that streams on Nix 2.8 (``nix store add-path`` holds the whole file in memory),
and it works alike on the store itself and through a daemon, whose users need no trust for content-addressed paths.
Facts from Nix's sources: ``nix-store.cc`` (opServe) and ``serve-protocol``; version 2.5 is understood since Nix 2.4.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from nivis.errors import HostError, NivisError
from nivis.lock.nar import Write, changed, string
from nivis.nix.base32 import from_nix32
from nivis.nix.command import missing_program, translate

_HELLO, _WELCOME = 0x390C9DEB, 0x5452EECB
_VERSION = 2 << 8 | 5
_QUERY_VALID_PATHS, _QUERY_PATH_INFOS, _ADD_TO_STORE_NAR = 1, 2, 9
_BUFFER = 1 << 18
_PIPE = 1 << 20  # bytes; what Linux allows everybody
_PATIENCE = 10.0  # seconds for Nix to end by itself


def number(value: int) -> bytes:
    """Return one number of the protocol."""
    return value.to_bytes(8, "little")


def strings(values: Sequence[str]) -> bytes:
    """Return one list of strings of the protocol."""
    return number(len(values)) + b"".join(string(value.encode()) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What Nix must know of content before it arrives."""

    path: str
    nar_hash: bytes
    nar_size: int
    ca: str  # "fixed:sha256:<nix32>" or "fixed:r:sha256:<nix32>"

    def encode(self) -> bytes:
        """Return the command that announces it: no deriver, references, signatures or registration time."""
        return b"".join(
            (
                number(_ADD_TO_STORE_NAR),
                string(self.path.encode()),
                string(b""),
                string(self.nar_hash.hex().encode()),
                strings(()),
                number(0),
                number(self.nar_size),
                number(0),
                strings(()),
                string(self.ca.encode()),
            )
        )


def _nar_hash(text: str) -> bytes:
    """Return a digest that Nix 2.8 writes in base 32, later versions in base 16, or as SRI."""
    if text.startswith("sha256-"):
        return b64decode(text.removeprefix("sha256-"))
    return bytes.fromhex(text) if len(text) == 64 else from_nix32(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInfo:
    """What the store knows of a valid path."""

    nar_hash: bytes
    nar_size: int
    references: tuple[str, ...]


class Connection:
    """One ``nix-store --serve --write`` process. Leaving it by an exception ends the process at once."""

    def __init__(self, program: str, *, environ: Mapping[str, str]) -> None:
        self._program = program
        self._environ = dict(environ)
        self._partial: str | None = None

    def __enter__(self) -> Connection:
        self._complaints: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [self._program, "--serve", "--write"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=self._environ,
                bufsize=_BUFFER,
                start_new_session=True,  # Ctrl-C is ours to handle: the path under way is then cleaned up
            )
        except FileNotFoundError:
            self._complaints.close()
            raise missing_program(self._environ) from None
        self._widen()
        try:
            self._greet()
        except BaseException:
            self._end(failed=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(failed=kind is not None)

    def _greet(self) -> None:
        self._write(number(_HELLO) + number(_VERSION))
        self._flush()
        if self._number() != _WELCOME:
            raise HostError("nix-store answered in another protocol", hint="Install Nix 2.8 or newer.")
        self._number()  # its version: all that are asked for here understand 2.5

    def _widen(self) -> None:
        """Let the pipe hold more, so that both sides switch less often; it works without."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._process.stdin, fcntl.F_SETPIPE_SZ, _PIPE)

    def valid(self, paths: Sequence[str]) -> set[str]:
        """Return those of ``paths`` that are valid, kept from the garbage collector while the connection lasts."""
        self._write(number(_QUERY_VALID_PATHS) + number(1) + number(0) + strings(sorted(set(paths))))
        self._flush()
        return {self._string() for _ in range(self._number())}

    def infos(self, paths: Sequence[str]) -> dict[str, PathInfo]:
        """Return what the store knows of those of ``paths`` that are valid."""
        self._write(number(_QUERY_PATH_INFOS) + strings(sorted(set(paths))))
        self._flush()
        found: dict[str, PathInfo] = {}
        while path := self._string():
            self._string()  # its deriver
            references = tuple(self._string() for _ in range(self._number()))
            self._number()  # how much there would be to download
            size = self._number()
            digest = self._string().removeprefix("sha256:")
            self._string()  # its content address
            for _ in range(self._number()):
                self._string()  # a signature
            found[path] = PathInfo(nar_hash=_nar_hash(digest), nar_size=size, references=references)
        return found

    def add(self, offer: Offer, source: Path, produce: Callable[[Write], object]) -> None:
        """Send content. Raises LockError, and leaves nothing, if it is not what was offered."""
        self._partial = offer.path
        left = offer.nar_size

        def write(block: bytes) -> None:
            nonlocal left
            left -= len(block)
            if left < 0:
                raise changed(source)
            self._write(block)

        try:
            self._write(offer.encode())
            produce(write)
            if left:
                raise changed(source)
            self._flush()
            self._number()
        except HostError as error:
            raise changed(source) if "hash mismatch importing" in error.what else error from None
        self._partial = None

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            raise self._failure() from None

    def _flush(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise self._failure()
        return data

    def _number(self) -> int:
        return int.from_bytes(self._read(8), "little")

    def _string(self) -> str:
        size = self._number()
        return self._read(size + -size % 8)[:size].decode()

    def _failure(self) -> NivisError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._complaints.seek(0)
        return translate(self._complaints.read().decode(errors="replace"), doing="adding to the Nix store")

    def _end(self, *, failed: bool) -> None:
        if failed:
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._complaints.close()
        if self._partial is not None:
            self._remove(self._partial)

    def _remove(self, path: str) -> None:
        """Take away what a broken-off addition left on disk (it is not valid; Nix would overwrite it next time)."""
        argv = [self._program, "--delete", path]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(argv, env=self._environ, capture_output=True, check=False, timeout=_PATIENCE)
