"""One file over HTTP: resumed where it stopped, retried while there is hope, hashed as it arrives.

Resumption follows RFC 9110 §14: ``Range`` with ``If-Range`` where the server gave a strong validator for the kept
part. The hash decides in the end; a kept part that makes it wrong is thrown away and the file fetched once afresh.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO

import urllib3

from nivis.errors import NetworkError, NivisError
from nivis.fetch.cache import CHUNK
from nivis.fetch.client import Client, shown
from nivis.files import write_atomically

AGAIN = "Run the same command again: it resumes."
CHECK = "Check the address and the network, then run the same command again."


class NotFoundError(NetworkError):
    """The server answers that there is no such file (404, 410, 403)."""


class HashError(NetworkError):
    """A file is not what was promised."""


class Stopped(Exception):
    """The transfer was asked to stop; its partial file is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often to try without progress, and how many seconds to wait in between: ``wait``, twice that, and so on."""

    tries: int = 4
    wait: float = 0.5
    sleep: Callable[[float], object] | None = None  # for tests; else the stop signal is waited for


@dataclass(slots=True, kw_only=True)
class Stop:
    """Tells transfers in other threads to stop, even in the middle of a read."""

    event: Event = field(default_factory=Event)
    _live: set[urllib3.BaseHTTPResponse] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def set(self) -> None:
        """Stop everything that listens."""
        self.event.set()
        with self._lock:
            for response in self._live:
                try:
                    response.shutdown()
                except (ValueError, RuntimeError, OSError):  # not reading any more
                    continue

    def check(self) -> None:
        """Raise Stopped once stopped."""
        if self.event.is_set():
            raise Stopped

    @contextmanager
    def reading(self, response: urllib3.BaseHTTPResponse) -> Iterator[None]:
        """Let ``set`` interrupt reads from ``response``."""
        with self._lock:
            self._live.add(response)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._live.discard(response)


@dataclass(slots=True, kw_only=True)
class Transfer:
    """What is wanted and how far it is. ``on_bytes`` hears of every piece, ``on_restart`` when all is lost."""

    name: str
    sha256: str | None
    size: int | None
    partial: Path
    client: Client
    patience: Patience
    stop: Stop
    on_bytes: Callable[[int], None]
    on_restart: Callable[[], None]

    def run(self, url: str, *, find: Callable[[], Path | None], store: Callable[[str], Path]) -> Path:
        """Fetch ``url`` into the partial file and return where ``store`` moves it, which gets its sha256 (hex).

        Threads and processes that want the same file take turns: whoever comes later has it from ``find``.

        Raises NotFoundError, HashError, NetworkError (broken off) or OSError (disk); the partial file stays
        unless its content was wrong.
        """
        with locked(self.partial) as file:
            if (path := find()) is not None:
                discard(self.partial)
                return path
            resumed = os.fstat(file.fileno()).st_size > 0
            digest = self._complete(url, file)
            if resumed and not self._right(file, digest):
                self._forget(file)  # the kept part was of another file
                digest = self._complete(url, file)
            if not self._right(file, digest):
                size = os.fstat(file.fileno()).st_size
                self._forget(file)
                raise self._wrong(url, digest.hexdigest(), size)
            os.fsync(file.fileno())
            _beside(self.partial).unlink(missing_ok=True)
            return store(digest.hexdigest())

    def _complete(self, url: str, file: BinaryIO) -> hashlib._Hash:
        digest = self._hash_kept(file)
        tries, farthest = 0, file.tell()
        while True:
            try:
                if self.size is None or file.tell() < self.size:
                    digest = self._request(url, file, digest)
            except (urllib3.exceptions.HTTPError, _TryAgain) as problem:
                self.stop.check()
                # A server that cannot resume begins anew each time: only getting farther than ever is progress.
                tries, farthest = 1 if file.tell() > farthest else tries + 1, max(farthest, file.tell())
                if tries >= self.patience.tries:
                    raise self._broken(url, problem, farthest) from problem
                self._wait(self.patience.wait * 2 ** (tries - 1), problem)
            else:
                return digest

    def _request(self, url: str, file: BinaryIO, digest: hashlib._Hash) -> hashlib._Hash:
        offset = file.tell()
        response = self.client.open(url, self._range(url, offset))
        if response.status == 416:  # the kept part is not the beginning of this file
            response.close()
            self._forget(file)
            response = self.client.open(url, {})
            digest = hashlib.sha256()
        try:
            self._refuse(url, response)
            if not _continues(response, file.tell()):
                self._forget(file)
                digest = hashlib.sha256()
            self._remember(url, response)
            with self.stop.reading(response):
                for piece in response.stream(CHUNK, decode_content=False):
                    self.stop.check()
                    file.write(piece)
                    digest.update(piece)
                    self.on_bytes(len(piece))
            self._check_length(response, file)
            response.release_conn()
        except BaseException:
            response.close()
            raise
        return digest

    def _refuse(self, url: str, response: urllib3.BaseHTTPResponse) -> None:
        status = response.status
        if status in (403, 404, 410, 451):
            raise NotFoundError(f"not found at {shown(url)} (status {status})", where=self.name, hint=CHECK)
        if status == 401:
            raise NotFoundError(
                f"{shown(url)} wants a user name and password (status 401)",
                where=self.name,
                hint="Put them into ~/.netrc or into the configured address.",
            )
        if status not in (200, 206):
            after = response.headers.get("Retry-After", "")
            raise _TryAgain(f"status {status}", wait=min(float(after), 30.0) if after.isdigit() else None)

    def _check_length(self, response: urllib3.BaseHTTPResponse, file: BinaryIO) -> None:
        """Notice what urllib3 cannot: a body without length, or one shorter than the lock says."""
        declared = self.size
        if declared is None and (total := re.fullmatch(r"bytes .*/(\d+)", response.headers.get("Content-Range", ""))):
            declared = int(total[1])
        if declared is not None and file.tell() < declared and "Content-Length" not in response.headers:
            raise _TryAgain("the connection was closed early")

    def _range(self, url: str, offset: int) -> Mapping[str, str]:
        if not offset:
            return {}
        headers = {"Range": f"bytes={offset}-"}
        origin = self._origin()
        if origin and origin[0] == shown(url):
            headers["If-Range"] = origin[1]
        return headers

    def _origin(self) -> tuple[str, str] | None:
        try:
            url, validator = _beside(self.partial).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return None
        return url, validator

    def _remember(self, url: str, response: urllib3.BaseHTTPResponse) -> None:
        validator = response.headers.get("ETag", "")
        if validator.startswith('"'):  # weak validators must not be used in If-Range
            if self._origin() != (shown(url), validator):
                write_atomically(_beside(self.partial), f"{shown(url)}\n{validator}\n".encode())
        else:
            _beside(self.partial).unlink(missing_ok=True)

    def _forget(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        _beside(self.partial).unlink(missing_ok=True)
        self.on_restart()

    def _hash_kept(self, file: BinaryIO) -> hashlib._Hash:
        file.seek(0)
        digest = hashlib.sha256()
        while piece := file.read(CHUNK):
            digest.update(piece)
            self.on_bytes(len(piece))
        return digest

    def _right(self, file: BinaryIO, digest: hashlib._Hash) -> bool:
        if self.sha256 is None:
            return self.size is None or file.tell() == self.size
        return digest.hexdigest() == self.sha256

    def _wait(self, seconds: float, problem: Exception) -> None:
        asked = problem.wait if isinstance(problem, _TryAgain) and problem.wait is not None else seconds
        (self.patience.sleep or self.stop.event.wait)(asked)
        self.stop.check()

    def _wrong(self, url: str, got: str, size: int) -> HashError:
        expected = f"sha256 {self.sha256}" if self.sha256 else f"{self.size} bytes"
        return HashError(
            f"{shown(url)} is not what the lock says: expected {expected}, got sha256 {got} ({size} bytes)",
            where=self.name,
            hint="A proxy or mirror may be serving something else; nothing was kept of it, other downloads were.",
        )

    def _broken(self, url: str, problem: Exception, have: int) -> NetworkError:
        if not have:
            return NetworkError(
                f"cannot be downloaded from {shown(url)} ({reason(problem)})", where=self.name, hint=CHECK
            )
        far = f"{megabytes(have)} of {megabytes(self.size)}" if self.size else megabytes(have)
        what = f"download broken off after {far} ({reason(problem)}) at {shown(url)}"
        return NetworkError(what, where=self.name, hint=AGAIN)


class _TryAgain(Exception):
    def __init__(self, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.wait = wait


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Open a partial file for reading and writing; other threads and processes wait for their turn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                current = path.stat().st_ino == os.fstat(file.fileno()).st_ino
            except FileNotFoundError:
                current = False
            if current:  # else the one before us finished, and moved it away
                yield file
                return


def disk_full(error: OSError) -> bool:
    """Tell whether an operation failed because the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def megabytes(size: int | None) -> str:
    """Return a size as people read it: '12.3 MB'."""
    if size is None:
        return "an unknown size"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def reason(problem: BaseException) -> str:
    """Return the innermost explanation of a network problem, without addresses of objects."""
    inner: BaseException | None = getattr(problem, "reason", None)
    if isinstance(inner, BaseException):
        return reason(inner)
    causes = (problem, *problem.args)  # ProtocolError wraps what happened
    if any(isinstance(cause, urllib3.exceptions.IncompleteRead | http.client.IncompleteRead) for cause in causes):
        return "the connection was closed early"
    if isinstance(problem, NivisError):
        return problem.what
    text = re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:? ?|^\w+\([^)]*\): ", "", str(problem))
    return text.strip() or type(problem).__name__


def _continues(response: urllib3.BaseHTTPResponse, offset: int) -> bool:
    if not offset:
        return True
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")


def _beside(partial: Path) -> Path:
    return partial.with_name(partial.name + ".from")


def discard(partial: Path) -> None:
    """Remove a partial file and what is known of its origin."""
    _beside(partial).unlink(missing_ok=True)
    partial.unlink(missing_ok=True)


__all__ = [
    "AGAIN",
    "CHECK",
    "HashError",
    "NotFoundError",
    "Patience",
    "Stop",
    "Stopped",
    "Transfer",
    "discard",
    "disk_full",
    "locked",
    "megabytes",
    "reason",
]
