"""Find where wheels can be downloaded, by their sha256, on the package indexes of this machine.

poetry.lock knows hashes but no URLs. An index page lists a project's files, as HTML (PEP 503: the hash is the
link's fragment) or as JSON (PEP 691). A folder or page of links (pip's ``find-links``) may hold files as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import file_digest
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.utils import canonicalize_name

from nivis.errors import NivisError
from nivis.lock.model import Wheel

# Returns the page behind a URL, None where there is none; raises NivisError where it cannot be told.
Read = Callable[[str], bytes | None]
_WORKERS = 16


class Indexes(Protocol):
    """Where this machine's pip looks for packages (fetch.mirrors.PythonIndexes)."""

    @property
    def index_urls(self) -> Sequence[str]:
        """Return the indexes, in order of preference."""

    @property
    def find_links(self) -> Sequence[str]:
        """Return folders, file:// URLs or pages with links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One file that a page offers."""

    file: str
    url: str
    sha256: str | None  # lower-case hex; None where the page does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """What a look-up found, and why it may have found too little."""

    urls: dict[str, str]  # sha256 -> URL
    problems: tuple[NivisError, ...]  # pages that could not be read


def locate(wheels: Iterable[Wheel], *, indexes: Indexes, read: Read, extra: Iterable[tuple[str, str]] = ()) -> Located:
    """Find the URL of each wheel. ``extra``: pairs of a package's name and an index that its lock names for it.

    Pages are read side by side. Where several places offer a file, the first of the machine's own indexes wins.
    """
    wanted = sorted(set(wheels), key=lambda wheel: (wheel.name, wheel.file))
    pages = _pages(wanted, indexes, extra)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        contents = list(pool.map(lambda url: _attempt(read, url), pages))
    only = frozenset(name for wheel in wanted for name in (wheel.file, wheel.sha256))
    problems = tuple(content for content in contents if isinstance(content, NivisError))
    links = [
        link
        for url, content in zip(pages, contents, strict=True)
        if isinstance(content, bytes)
        for link in parse_page(content, url, only)
    ]
    urls = _match(wanted, links)
    for wheel in wanted:
        if wheel.sha256 not in urls and (url := _in_folders(wheel, indexes.find_links)):
            urls[wheel.sha256] = url
    return Located(urls=urls, problems=problems)


def _pages(wheels: Sequence[Wheel], indexes: Indexes, extra: Iterable[tuple[str, str]]) -> list[str]:
    names = list(dict.fromkeys(wheel.name for wheel in wheels))
    pages = [project_page(index, name) for index in indexes.index_urls for name in names]
    pages += [link for link in indexes.find_links if urlsplit(link).scheme in ("http", "https")] if names else []
    pages += [project_page(index, canonicalize_name(name)) for name, index in extra if canonicalize_name(name) in names]
    return list(dict.fromkeys(pages))


def project_page(index: str, name: str) -> str:
    """Return the URL of a project's page; an index in a folder has files named index.html."""
    page = f"{index.rstrip('/')}/{name}/"
    return f"{page}index.html" if urlsplit(page).scheme == "file" else page


def _attempt(read: Read, url: str) -> bytes | NivisError | None:
    try:
        return read(url)
    except NivisError as error:
        return error


def _match(wheels: Sequence[Wheel], links: Sequence[Link]) -> dict[str, str]:
    """Match by hash; a link without a hash is taken by its name, since the download is checked anyway."""
    by_hash: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for link in links:
        if link.sha256 is not None:
            by_hash.setdefault(link.sha256, link.url)
        else:
            by_name.setdefault(link.file, link.url)
    found = {}
    for wheel in wheels:
        url = by_hash.get(wheel.sha256) or by_name.get(wheel.file)
        if url is not None:
            found[wheel.sha256] = url
    return found


def _in_folders(wheel: Wheel, places: Iterable[str]) -> str | None:
    for folder in _folders(places):
        path = folder / wheel.file
        if path.is_file():
            with path.open("rb") as stream:
                if file_digest(stream, "sha256").hexdigest() == wheel.sha256:
                    return path.as_uri()
    return None


def _folders(places: Iterable[str]) -> Iterator[Path]:
    for place in places:
        parts = urlsplit(place)
        if parts.scheme == "file":
            yield Path(unquote(parts.path))
        elif not parts.scheme:
            yield Path(place).expanduser().absolute()


def parse_page(content: bytes, url: str, only: Collection[str] | None = None) -> list[Link]:
    """Return the files that an index page at ``url`` offers, from HTML or JSON.

    ``only``: file names and hashes of interest. A page may list thousands of files; other links need not be returned.
    """
    if content.lstrip()[:1] == b"{":
        return list(_json_links(content, url))
    page = _Anchors()
    page.feed(content.decode("utf-8", errors="replace"))
    page.close()
    base = urljoin(url, page.base) if page.base else url
    hrefs = page.hrefs if only is None else [href for href in page.hrefs if _is_among(href, only)]
    return [_html_link(urljoin(base, href)) for href in hrefs]


def _is_among(href: str, only: Collection[str]) -> bool:
    address, _, fragment = href.partition("#")
    return fragment.partition("=")[2].lower() in only or unquote(address.partition("?")[0].rpartition("/")[2]) in only


def _json_links(content: bytes, url: str) -> Iterator[Link]:
    """Read PEP 691; whatever is not as it says is passed over."""
    try:
        document = json.loads(content)
    except ValueError:
        return
    files = document.get("files")
    for file in files if isinstance(files, list) else []:
        name, place, hashes = (file.get(key) for key in ("filename", "url", "hashes"))
        if isinstance(name, str) and isinstance(place, str):
            digest = hashes.get("sha256") if isinstance(hashes, dict) else None
            yield Link(file=name, url=urljoin(url, place), sha256=digest.lower() if isinstance(digest, str) else None)


def _html_link(address: str) -> Link:
    url, fragment = urldefrag(address)
    algorithm, _, digest = fragment.partition("=")
    return Link(
        file=PurePosixPath(unquote(urlsplit(url).path)).name,
        url=url,
        sha256=digest.lower() if algorithm == "sha256" and digest else None,
    )


class _Anchors(HTMLParser):
    """Collect the targets of links, and the base that they are relative to."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.hrefs.append(href)
        elif tag == "base" and href and self.base is None:
            self.base = href
