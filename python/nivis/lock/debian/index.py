"""Signed package indices of a Debian archive: InRelease, checked by gpgv, and the Packages it vouches for.

Formats: Debian's wiki, "DebianRepository/Format", and Debian policy, chapters 5 and 7. A Packages file is 56 MB
of text: it is cut into stanzas and searched as bytes, and only stanzas that are asked for are parsed.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path

from nivis.errors import NetworkError, NivisError
from nivis.fetch.cache import Cache
from nivis.fetch.download import Client, Download, HashError, NotFoundError, fetch_all, fetch_text
from nivis.fetch.mirrors import Mirrors
from nivis.lock.debian.control import Package, parse_package
from nivis.lock.debian.signature import KEYRING, verified
from nivis.progress import Listener

DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a verified Release file says. ``files``: path below dists/<suite>/ -> (sha256, size)."""

    date: datetime
    valid_until: datetime | None
    by_hash: bool
    files: Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One suite of one archive, and where it is."""

    archive: str  # "debian" or "debian-security"
    mirror: str  # base URL
    suite: str

    def url(self, path: str) -> str:
        """Return the address of a file of the suite."""
        return f"{self.mirror.rstrip('/')}/dists/{self.suite}/{path}"


class Stanzas:
    """One Packages file, as bytes."""

    def __init__(self, text: bytes, archive: str) -> None:
        self.archive = archive
        self._stanzas = [s for s in text.split(b"\n\n") if s.startswith(b"Package: ")]

    @cached_property
    def _by_name(self) -> Mapping[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = {}
        for stanza in self._stanzas:
            found.setdefault(stanza[9 : stanza.find(b"\n", 9)], []).append(stanza)
        return found

    @cached_property
    def _providing(self) -> Sequence[tuple[bytes, bytes]]:
        """Return (value of Provides, stanza) of every package that has one."""
        found = []
        for stanza in self._stanzas:
            start = stanza.find(b"\nProvides: ")
            if start >= 0:
                found.append((stanza[start + 11 : stanza.find(b"\n", start + 11)], stanza))
        return found

    def names(self) -> Iterable[str]:
        """Return the names of all packages."""
        return (name.decode() for name in self._by_name)

    def marked(self, text: bytes) -> Iterable[str]:
        """Return the names of packages whose stanza contains ``text``."""
        return (s[9 : s.find(b"\n", 9)].decode() for s in self._stanzas if text in s)

    def named(self, name: str) -> list[Package]:
        """Return the packages of this name."""
        return [parse_package(stanza, self.archive) for stanza in self._by_name.get(name.encode(), ())]

    def providing(self, name: str) -> list[Package]:
        """Return the packages that provide a virtual package."""
        wanted = name.encode()
        whole = re.compile(rb"(?:^|[ ,|])" + re.escape(wanted) + rb"(?:$|[ ,|(:])")
        near = (stanza for provides, stanza in self._providing if wanted in provides and whole.search(provides))
        return [parse_package(stanza, self.archive) for stanza in near]


@dataclass(slots=True, kw_only=True)
class Index:
    """All suites of a release together. Lookups are remembered."""

    suite: str
    date: datetime  # newest Date of the Release files
    architecture: str
    parts: tuple[Stanzas, ...]
    _named: dict[str, tuple[Package, ...]] = field(default_factory=dict)
    _providing: dict[str, tuple[Package, ...]] = field(default_factory=dict)

    def named(self, name: str) -> tuple[Package, ...]:
        """Return all versions of a package, the highest first."""
        if name not in self._named:
            found = {p.version: p for part in reversed(self.parts) for p in part.named(name)}
            self._named[name] = tuple(sorted(found.values(), key=lambda p: p.order, reverse=True))
        return self._named[name]

    def providing(self, name: str) -> tuple[Package, ...]:
        """Return the packages whose highest version provides ``name``: by priority, then by name."""
        if name not in self._providing:
            names = {p.name for part in self.parts for p in part.providing(name)}
            highest = [self.named(n)[0] for n in names]
            offering = [p for p in highest if any(o.name == name for group in p.provides for o in group)]
            self._providing[name] = tuple(sorted(offering, key=lambda p: (p.rank, p.name)))
        return self._providing[name]

    def names(self) -> set[str]:
        """Return the names of all packages."""
        return {name for part in self.parts for name in part.names()}

    def essential(self) -> list[str]:
        """Return the names of packages that Debian expects on every system (policy §3.8), sorted."""
        return sorted({name for part in self.parts for name in part.marked(b"\nEssential: yes")})


def sources(suite: str, mirrors: Mirrors) -> tuple[Source, ...]:
    """Return the suites that make up a release: itself, its updates, and security if a mirror of it is known."""
    found = [
        Source(archive="debian", mirror=mirrors.debian, suite=suite),
        Source(archive="debian", mirror=mirrors.debian, suite=f"{suite}-updates"),
    ]
    if mirrors.security:
        found.append(Source(archive="debian-security", mirror=mirrors.security, suite=f"{suite}-security"))
    return tuple(found)


def read_index(
    suite: str,
    architecture: str,
    *,
    mirrors: Mirrors,
    cache: Cache,
    listener: Listener,
    offline: bool = False,
    max_age: float = DAY,
    keyring: Path = KEYRING,
    now: datetime | None = None,
    client: Client | None = None,
) -> Index:
    """Fetch, verify and open the indices of a release; Release files younger than ``max_age`` seconds are reused.

    A reused one that is spoilt, or names indices that the mirror has replaced since, is fetched anew.
    Raises NetworkError (unsigned, altered, expired, not there) or HostError (no gpgv, no keyring).
    """
    places = sources(suite, mirrors)
    moment = now or datetime.now(UTC)

    def release(place: Source) -> Release:
        return _read_release(place, cache, offline, max_age, keyring, moment, client)

    with ThreadPoolExecutor(len(places)) as pool:
        releases = list(pool.map(release, places))
    downloads = [_packages(place, release, architecture) for place, release in zip(places, releases, strict=True)]
    try:
        files = fetch_all(downloads, cache=cache, listener=listener, offline=offline, client=client)
    except NivisError as error:
        outdated = all(isinstance(part, NotFoundError | HashError) for part in error.parts())
        if offline or not max_age or not outdated:
            raise
        return read_index(
            suite, architecture, mirrors=mirrors, cache=cache, listener=listener, max_age=0.0, keyring=keyring,
            now=now, client=client,
        )  # fmt: skip
    with ThreadPoolExecutor(len(places)) as pool:  # decompression runs outside the interpreter's lock
        texts = list(pool.map(lambda f: lzma.decompress(f.path.read_bytes()), files))
    return Index(
        suite=suite,
        date=max(r.date for r in releases),
        architecture=architecture,
        parts=tuple(Stanzas(text, place.archive) for text, place in zip(texts, places, strict=True)),
    )


def parse_release(text: str, where: str) -> Release:
    """Decode the text of a verified Release file."""
    fields, files = _fields(text)
    try:
        date = _moment(fields["Date"])
        until = _moment(fields["Valid-Until"]) if "Valid-Until" in fields else None
    except (KeyError, ValueError) as error:
        raise NetworkError(
            f"the Release file has no usable date ({error})", where=where, hint="Use another mirror."
        ) from error
    return Release(date=date, valid_until=until, by_hash=fields.get("Acquire-By-Hash") == "yes", files=files)


def _read_release(
    place: Source, cache: Cache, offline: bool, max_age: float, keyring: Path, now: datetime, client: Client | None
) -> Release:
    url = place.url("InRelease")

    def read(age: float) -> Release:
        signed = fetch_text(url, cache=cache, offline=offline, max_age=age, client=client)
        try:
            return parse_release(verified(signed, keyring, url), url)
        except NetworkError:
            if offline or not age:
                raise
            return read(0)  # perhaps only the copy in the cache is spoilt

    try:
        release = read(max_age)
        if not offline and release.valid_until and release.valid_until < now:
            release = read(0)  # the copy in the cache may have expired since; the mirror has a newer one
    except NotFoundError as error:
        raise NotFoundError(
            f"the mirror has no suite '{place.suite}' ({url})",
            where="toolchain",
            hint="Check [tool.nivis.toolchain] suite, and the mirror (NIVIS_DEBIAN_MIRROR, apt's sources).",
        ) from error
    # Offline, the cached copy was valid when it came; expiry guards against a mirror that replays old indices.
    if not offline and release.valid_until and release.valid_until < now:
        raise NetworkError(
            f"the index expired on {release.valid_until:%Y-%m-%d}: the mirror is stale, or the clock is wrong",
            where=url,
            hint="Use an up-to-date mirror (NIVIS_DEBIAN_MIRROR, NIVIS_DEBIAN_SECURITY_MIRROR).",
        )
    return release


def _packages(place: Source, release: Release, architecture: str) -> Download:
    path = f"main/binary-{architecture}/Packages.xz"
    if path not in release.files:
        raise NetworkError(
            f"the suite '{place.suite}' has no {path}",
            where=place.url("InRelease"),
            hint="Use a mirror that has this architecture (NIVIS_DEBIAN_MIRROR).",
        )
    sha256, size = release.files[path]
    folder = path.rpartition("/")[0]
    by_hash = (place.url(f"{folder}/by-hash/SHA256/{sha256}"),) if release.by_hash else ()
    return Download(name=f"{place.suite} index", urls=(*by_hash, place.url(path)), sha256=sha256, size=size)


def _fields(text: str) -> tuple[dict[str, str], dict[str, tuple[str, int]]]:
    fields: dict[str, str] = {}
    files: dict[str, tuple[str, int]] = {}
    current = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            current, _, value = line.partition(":")
            fields[current] = value.strip()
        elif current == "SHA256":
            sha256, size, path = line.split(maxsplit=2)
            files[path] = (sha256, int(size))
    return fields, files


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


__all__ = ["DAY", "Index", "Release", "Source", "Stanzas", "parse_release", "read_index", "sources"]
