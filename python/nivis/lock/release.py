"""Find published packages: which archive holds a version, where it is, and what it must hash to.

Python: index pages (PEP 503, PEP 691). npm: the registry's package document, whose ``versions.<version>.dist`` has
``tarball`` and ``integrity`` (a W3C subresource integrity string; ``shasum``, a sha1, in old packages).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from packaging.tags import parse_tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from nivis.errors import LockError, NetworkError, did_you_mean
from nivis.lock.archive import Release
from nivis.lock.python.index import Indexes, Link, parse_page, project_page

Read = Callable[[str], bytes | None]  # a small page, by URL; None where there is none
_PURE = parse_tag("py3-none-any")


def find_python_release(package: str, version: str, *, indexes: Indexes, read: Read) -> Release:
    """Return the wheel of a version that fits most machines, else its source distribution."""
    name = canonicalize_name(package)
    links = [link for page in _pages(name, indexes) if (content := read(page)) for link in parse_page(content, page)]
    links += _folder_links(indexes.find_links)
    offered = sorted(_versions(name, links), key=lambda pair: pair[0])
    wanted = _version(version)
    ranked = sorted((_rank(link.file), link.file, link) for found, link in offered if found == wanted)
    if ranked:
        link = ranked[0][2]
        return Release(file=link.file, url=link.url, sha256=link.sha256)
    known = [str(found) for found in dict.fromkeys(found for found, _ in offered)]
    if not known:
        raise LockError(
            f"no package '{package}' on this machine's Python indexes", hint="Check its name, and pip's configuration."
        )
    raise LockError(
        f"'{package}' has no version {version}", hint=f"{did_you_mean(version, known)} Newest: {known[-1]}.".strip()
    )


def _pages(name: str, indexes: Indexes) -> Iterator[str]:
    for index in indexes.index_urls:
        yield project_page(index, name)
    for link in indexes.find_links:
        if urlsplit(link).scheme in ("http", "https"):
            yield link


def _folder_links(places: Iterable[str]) -> Iterator[Link]:
    for place in places:
        parts = urlsplit(place)
        if parts.scheme in ("", "file"):
            folder = Path(unquote(parts.path)).expanduser().absolute()
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                yield Link(file=path.name, url=path.as_uri(), sha256=None)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise LockError(
            f"'{text}' is not a version", hint="Write it as the package's page on the index does."
        ) from None


def _versions(name: str, links: Iterable[Link]) -> Iterator[tuple[Version, Link]]:
    for link in links:
        try:
            if link.file.endswith(".whl"):
                found, version = parse_wheel_filename(link.file)[:2]
            else:
                found, version = parse_sdist_filename(link.file)
        except (InvalidWheelFilename, InvalidSdistFilename):
            continue
        if found == name:
            yield version, link


def _rank(file: str) -> int:
    if not file.endswith(".whl"):
        return 2
    return 0 if parse_wheel_filename(file)[3] & _PURE else 1


def find_npm_release(package: str, version: str, *, registry: str, read: Read) -> Release:
    """Return the tarball of a version, from the registry's document of the package."""
    page = f"{registry.rstrip('/')}/{quote(package, safe='@')}"
    content = read(page)
    if content is None:
        raise LockError(
            f"no package '{package}' in this machine's npm registry", hint="Check its name, and npm's configuration."
        )
    try:
        versions = json.loads(content)["versions"]
        release = versions.get(version)
        if release is None:
            raise LockError(f"'{package}' has no version {version}", hint=did_you_mean(version, versions))
        dist = release["dist"]
        url, integrity = dist["tarball"], dist.get("integrity") or _from_shasum(dist["shasum"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NetworkError(
            f"the npm registry's answer about '{package}' cannot be read", where=page, hint="Check npm's configuration."
        ) from None
    return Release(file=unquote(urlsplit(url).path).rpartition("/")[2], url=url, integrity=integrity)


def _from_shasum(shasum: str) -> str:
    return f"sha1-{b64encode(bytes.fromhex(shasum)).decode()}"
