"""Downloads against a server on the loopback interface that misbehaves on demand."""

import errno
import hashlib
import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nivis.errors import HostError, NetworkError, Problems
from nivis.fetch import transfer
from nivis.fetch.cache import Cache
from nivis.fetch.download import Client, Download, Fetched, HashError, NotFoundError, Patience, fetch_all, fetch_text
from nivis.files import write_atomically
from nivis.progress import Silent

CONTENT = os.urandom(3_000_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
OTHER = "f" * 64
CHECK = "Check the address and the network, then run the same command again."


@dataclass
class Server:
    """Serves CONTENT at every path; ``misbehave`` may answer instead and says so by returning True."""

    url: str = ""
    content: bytes = CONTENT
    etag: str | None = '"one"'
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list)  # path, Range, If-Range
    misbehave: Callable[[http.server.BaseHTTPRequestHandler, int], bool] = lambda _handler, _count: False

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.requests.append((handler.path, asked, handler.headers.get("If-Range")))
        if self.misbehave(handler, len(self.requests)):
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if handler.headers.get("If-Range", self.etag) != self.etag:
            start = 0
        if start >= len(self.content):
            send(handler, 416, b"", {"Content-Range": f"bytes */{len(self.content)}"})
            return
        headers = {"ETag": self.etag} if self.etag else {}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        send(handler, 206 if start else 200, self.content[start:], headers)


def send(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> bool:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    return True


def cut(handler: http.server.BaseHTTPRequestHandler, count: int, *, first: int = 1) -> bool:
    """Break off the first answers after a million bytes."""
    if count > first:
        return False
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.send_header("ETag", '"one"')
    handler.end_headers()
    handler.wfile.write(CONTENT[:1_000_000])
    handler.close_connection = True
    return True


@pytest.fixture
def server() -> Iterator[Server]:
    behaviour = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            behaviour.answer(self)

        def log_message(self, *_: object) -> None:
            return

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    with Quiet(("127.0.0.1", 0), Handler) as httpd:
        behaviour.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield behaviour
        httpd.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


FAST = Patience(tries=3, wait=0.0)


def get(cache: Cache, *urls: str, sha256: str | None = SHA, name: str = "a.deb", offline: bool = False) -> Fetched:
    download = Download(name=name, urls=urls, sha256=sha256, size=len(CONTENT))
    client = Client(environ={})
    return fetch_all([download], cache=cache, listener=Silent(), client=client, patience=FAST, offline=offline)[0]


def keep(cache: Cache, url: str, content: bytes, validator: str = '"one"') -> Path:
    partial = cache.partial(url, SHA)
    write_atomically(partial, content)
    write_atomically(partial.with_name(partial.name + ".from"), f"{url}\n{validator}\n".encode())
    return partial


def test_order_and_cache(server: Server, cache: Cache) -> None:
    small = hashlib.sha256(b"x").hexdigest()
    wanted = [
        Download(name="small", urls=(f"{server.url}/small",), sha256=small, size=1),
        Download(name="large", urls=(f"{server.url}/large",), sha256=SHA, size=len(CONTENT)),
        Download(name="small", urls=(f"{server.url}/small",), sha256=small, size=1),
    ]
    server.misbehave = lambda h, _: h.path == "/small" and send(h, 200, b"x", {})
    found = fetch_all(wanted, cache=cache, listener=Silent(), client=Client(environ={}), patience=FAST)
    assert [(f.path.read_bytes(), f.sha256, f.size) for f in found] == [
        (b"x", small, 1),
        (CONTENT, SHA, len(CONTENT)),
        (b"x", small, 1),
    ]
    assert len(server.requests) == 2
    assert fetch_all(wanted, cache=cache, listener=Silent(), offline=True) == found
    assert len(server.requests) == 2
    assert list((cache.folder / "partial").iterdir()) == []


def test_progress_adds_up(server: Server, cache: Cache) -> None:
    events: list[tuple[object, ...]] = []

    class Recorder(Silent):
        def begin(self, task: str, kind: str, total: int | None = None) -> None:
            events.append(("begin", task, kind, total))

        def advance(self, task: str, amount: int) -> None:
            events.append((task, amount))

        def end(self, task: str, *, failed: bool = False) -> None:
            events.append(("end", task, failed))

    download = Download(name="a", urls=(server.url,), sha256=SHA, size=len(CONTENT))
    server.misbehave = cut
    fetch_all([download], cache=cache, listener=Recorder(), client=Client(environ={}), patience=FAST)
    assert events[0] == ("begin", "a", "download", len(CONTENT))
    assert sum(int(str(e[1])) for e in events[1:-1]) == len(CONTENT)
    assert events[-1] == ("end", "a", False)


def test_many_at_once_fetch_a_file_once(server: Server, cache: Cache) -> None:
    with ThreadPoolExecutor(6) as pool:  # as from several processes: each has its own client, and locks for itself
        for fetched in pool.map(lambda _: get(cache, server.url), range(6)):
            assert fetched.path.read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert list((cache.folder / "partial").iterdir()) == []


def test_hash_of_first_use(server: Server, cache: Cache) -> None:
    assert get(cache, server.url, sha256=None).sha256 == SHA
    assert cache.find(SHA)


def test_goes_on_where_it_broke_off(server: Server, cache: Cache) -> None:
    server.misbehave = cut
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT
    assert server.requests == [("/a", None, None), ("/a", "bytes=1000000-", '"one"')]


def test_a_server_that_always_closes_early(server: Server, cache: Cache) -> None:
    def close(handler: http.server.BaseHTTPRequestHandler, _count: int) -> bool:
        send(handler, 200, b"", {"Content-Length": "3000000"})
        handler.wfile.write(bytes(300_000) if not handler.headers.get("Range") else b"")
        handler.close_connection = True
        return True

    server.misbehave = close
    with pytest.raises(NetworkError) as caught:
        get(cache, f"{server.url}/a")
    assert caught.value.what == (
        f"download broken off after 0.3 MB of 3.0 MB (the connection was closed early) at {server.url}/a"
    )


def test_goes_on_in_the_next_run(server: Server, cache: Cache) -> None:
    server.misbehave = lambda h, n: cut(h, n) or (n < 5 and send(h, 503, b"", {}))
    with pytest.raises(NetworkError) as caught:
        get(cache, f"{server.url}/a")
    assert str(caught.value) == (
        f"a.deb: download broken off after 1.0 MB of 3.0 MB (status 503) at {server.url}/a. "
        "Run the same command again: it resumes."
    )
    server.misbehave = lambda _h, _n: False
    server.requests.clear()
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT
    assert server.requests == [("/a", "bytes=1000000-", '"one"')]


def test_a_kept_part_goes_on_at_another_mirror(server: Server, cache: Cache) -> None:
    keep(cache, "http://gone.example/a", CONTENT[:1000])
    get(cache, f"{server.url}/a")
    assert server.requests == [("/a", "bytes=1000-", None)]


def test_a_file_that_changed_is_fetched_whole(server: Server, cache: Cache) -> None:
    keep(cache, f"{server.url}/a", b"old" * 1000, '"zero"')
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT
    assert server.requests == [("/a", "bytes=3000-", '"zero"')]


def test_a_stale_part_is_thrown_away_once(server: Server, cache: Cache) -> None:
    keep(cache, f"{server.url}/a", b"old" * 1000)
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT
    assert [r[1] for r in server.requests] == ["bytes=3000-", None]


@pytest.mark.parametrize("kept", [CONTENT + b"more", CONTENT[:-1] + b"?"], ids=["longer", "wrong"])
def test_a_stale_part_of_full_length(server: Server, cache: Cache, kept: bytes) -> None:
    keep(cache, f"{server.url}/a", kept)
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT


def test_complete_part_needs_no_request(server: Server, cache: Cache) -> None:
    keep(cache, f"{server.url}/a", CONTENT)
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT
    assert server.requests == []


def test_server_without_ranges(server: Server, cache: Cache) -> None:
    keep(cache, f"{server.url}/a", CONTENT[:1000])
    server.misbehave = lambda h, _: send(h, 200, CONTENT, {})
    assert get(cache, f"{server.url}/a").path.read_bytes() == CONTENT


def test_wrong_hash(server: Server, cache: Cache) -> None:
    wanted = [
        Download(name="bad.deb", urls=(f"{server.url}/bad",), sha256=OTHER),
        Download(name="good.deb", urls=(f"{server.url}/good",), sha256=SHA),
    ]
    with pytest.raises(HashError) as caught:
        fetch_all(wanted, cache=cache, listener=Silent(), client=Client(environ={}), patience=FAST)
    assert str(caught.value) == (
        f"bad.deb: {server.url}/bad is not what the lock says: expected sha256 {OTHER}, got sha256 {SHA} "
        "(3000000 bytes). "
        "A proxy or mirror may be serving something else; nothing was kept of it, other downloads were."
    )
    assert cache.find(SHA)
    assert cache.partial("", OTHER).stat().st_size == 0


def test_every_failure_is_reported(server: Server, cache: Cache) -> None:
    server.misbehave = lambda h, _: send(h, 404, b"", {})
    wanted = [Download(name=name, urls=(f"{server.url}/{name}",), sha256=OTHER[:-1] + name) for name in "ba"]
    with pytest.raises(Problems) as caught:
        fetch_all(wanted, cache=cache, listener=Silent(), client=Client(environ={}), patience=FAST)
    assert str(caught.value) == (
        f"a: not found at {server.url}/a (status 404). {CHECK}\nb: not found at {server.url}/b (status 404). {CHECK}"
    )


def test_the_next_mirror(server: Server, cache: Cache) -> None:
    server.misbehave = lambda h, _: h.path == "/gone" and send(h, 404, b"", {})
    assert get(cache, f"{server.url}/gone", f"{server.url}/here").sha256 == SHA
    assert [r[0] for r in server.requests] == ["/gone", "/here"]
    with pytest.raises(NotFoundError) as caught:
        get(Cache(cache.folder / "new"), f"{server.url}/gone", f"{server.url}/gone")
    assert str(caught.value) == f"a.deb: not found at any of {server.url}/gone, {server.url}/gone. {CHECK}"


def test_retries_wait_longer_each_time(server: Server, cache: Cache) -> None:
    waits: list[float] = []
    server.misbehave = lambda h, n: n < 4 and send(h, 500, b"", {"Retry-After": "7"} if n == 3 else {})
    patience = Patience(tries=4, wait=0.5, sleep=waits.append)
    download = Download(name="a", urls=(server.url,), sha256=SHA)
    fetch_all([download], cache=cache, listener=Silent(), client=Client(environ={}), patience=patience)
    assert waits == [0.5, 1.0, 7.0]


def test_nobody_listens(cache: Cache) -> None:
    with pytest.raises(NetworkError) as caught:
        get(cache, "http://127.0.0.1:9/a")
    assert str(caught.value) == (
        "a.deb: cannot be downloaded from http://127.0.0.1:9/a (Failed to establish a new connection: "
        f"[Errno 111] Connection refused). {CHECK}"
    )


def test_credentials(server: Server, cache: Cache) -> None:
    seen: list[str | None] = []

    def deny(handler: http.server.BaseHTTPRequestHandler, _: int) -> bool:
        seen.append(handler.headers.get("Authorization"))
        return send(handler, 404, b"", {})

    server.misbehave = deny
    with pytest.raises(NotFoundError) as caught:
        get(cache, server.url.replace("http://", "http://me:secret@"))
    assert "secret" not in str(caught.value)
    assert seen == ["Basic bWU6c2VjcmV0"]


def test_offline(server: Server, cache: Cache) -> None:
    with pytest.raises(NetworkError) as caught:
        get(cache, server.url, offline=True)
    assert str(caught.value) == "'a.deb' is not in the cache. Run the same command once without --offline."
    assert server.requests == []


def test_local_files_stay_where_they_are(tmp_path: Path, cache: Cache) -> None:
    (tmp_path / "a file").write_bytes(CONTENT)
    url = (tmp_path / "a file").as_uri()
    assert get(cache, url, offline=True) == Fetched(path=tmp_path / "a file", sha256=SHA, size=len(CONTENT))
    with pytest.raises(HashError):
        get(cache, url, sha256=OTHER)
    with pytest.raises(NotFoundError):
        get(cache, url + "x")


def test_full_disk(server: Server, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer.Transfer, "_remember", full)
    with pytest.raises(HostError) as caught:
        get(cache, server.url)
    text = str(caught.value)
    assert text.startswith(f"{cache.folder}: the disk is full: at least 3.0 MB more are needed, ")
    assert text.endswith(
        " are free. Nothing is lost: free some space, or set NIVIS_CACHE to a larger disk, and run it again."
    )


def test_cache_that_cannot_be_written(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError) as caught:
        get(Cache(tmp_path / "file" / "cache"), server.url)
    assert "the cache cannot be written (Not a directory). Make it writable, or set NIVIS_CACHE" in str(caught.value)


def test_interrupt_stops_at_once_and_keeps_what_came(server: Server, cache: Cache) -> None:
    arrived = threading.Event()

    def slow(handler: http.server.BaseHTTPRequestHandler, _: int) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:2_000_000])
        arrived.wait(20)
        return True

    class Interrupting(Silent):
        def advance(self, task: str, amount: int) -> None:
            raise KeyboardInterrupt

    server.misbehave = slow
    download = Download(name="a", urls=(server.url,), sha256=SHA, size=len(CONTENT))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch_all([download], cache=cache, listener=Interrupting(), client=Client(environ={}), patience=FAST)
    assert time.monotonic() - started < 5
    arrived.set()
    kept = cache.partial("", SHA).read_bytes()
    assert kept
    assert kept == CONTENT[: len(kept)]
    assert list((cache.folder / "downloads").glob("*/*")) == []


def test_pages(server: Server, cache: Cache) -> None:
    url = f"{server.url}/page"
    client = Client(environ={})
    server.content = b"one"
    assert fetch_text(url, cache=cache, client=client) == b"one"
    server.content = b"two"
    assert fetch_text(url, cache=cache, client=client) == b"one"
    assert fetch_text(url, cache=cache, max_age=3600, client=client) == b"one"
    assert fetch_text(url, cache=cache, max_age=0, client=client) == b"two"
    assert fetch_text(url, cache=cache, max_age=0, offline=True) == b"two"
    with pytest.raises(NetworkError) as caught:
        fetch_text(url + "2", cache=cache, offline=True)
    assert str(caught.value) == f"{url}2 is not in the cache. Run the same command once without --offline."


def test_pages_that_fail(server: Server, cache: Cache, tmp_path: Path) -> None:
    client = Client(environ={})
    server.misbehave = lambda h, _: send(h, 404, b"", {})
    with pytest.raises(NotFoundError) as missing:
        fetch_text(f"{server.url}/p", cache=cache, client=client, patience=FAST)
    assert str(missing.value) == f"p: not found at {server.url}/p (status 404). {CHECK}"
    server.misbehave = lambda h, _: send(h, 500, b"", {})
    with pytest.raises(NetworkError) as broken:
        fetch_text(f"{server.url}/p", cache=cache, client=client, patience=FAST)
    assert str(broken.value) == (f"p: no answer from {server.url}/p (status 500). {CHECK}")
    (tmp_path / "index.html").write_bytes(b"local")
    assert fetch_text(tmp_path.as_uri() + "/", cache=cache, offline=True) == b"local"
