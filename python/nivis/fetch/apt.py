"""Where this machine gets Debian packages from: the environment, the project, else apt's sources.

No host is named here. Formats: sources.list(5), the deb822 style (``*.sources``) and the one-line style (``*.list``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nivis.errors import HostError

# A mirror of Debian may have any path; these names of suites give it away.
RELEASES = frozenset(
    ["stable", "testing", "unstable", "oldstable", "oldoldstable", "sid", "bullseye", "bookworm", "trixie", "forky"]
)
SCHEMES = ("http", "https", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """Base addresses of Debian's archives (what comes before ``/dists`` and ``/pool``), without a slash at the end."""

    debian: str
    security: str | None = None

    def urls(self, archive: str, path: str) -> tuple[str, ...]:
        """Return where a file of the archive "debian" or "debian-security" may be, the likeliest first.

        Without a mirror of the security archive its usual place is tried: beside Debian's own. What was a security
        update is in Debian's own pool since the next point release.
        """
        if archive != "debian-security":
            return (f"{self.debian}/{path}",)
        beside = f"{self.debian}-security" if self.debian.endswith("/debian") else None
        bases = [base for base in (self.security or beside,) if base]
        return (*(f"{base}/{path}" for base in bases), f"{self.debian}/{path.replace('pool/updates/', 'pool/', 1)}")


def debian_mirrors(environ: Mapping[str, str], setting: str | None = None, etc: Path = Path("/etc/apt")) -> Mirrors:
    """Return the Debian mirrors: $NIVIS_DEBIAN_MIRROR, else ``setting`` (the project's), else what apt uses.

    The security mirror is $NIVIS_DEBIAN_SECURITY_MIRROR, else apt's; None if there is none. Raises HostError.
    """
    entries = list(_apt_entries(etc))
    debian = environ.get("NIVIS_DEBIAN_MIRROR") or setting or _first(entries, security=False)
    security = environ.get("NIVIS_DEBIAN_SECURITY_MIRROR") or _first(entries, security=True)
    if not debian:
        raise HostError(
            "no Debian mirror is known: apt has none",
            where=str(etc),
            hint="Set NIVIS_DEBIAN_MIRROR to the address of one, such as https://mirror.example/debian.",
        )
    return Mirrors(debian=debian.rstrip("/"), security=security.rstrip("/") if security else None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One archive and suite of apt's sources."""

    uri: str
    suite: str
    components: tuple[str, ...]


def _first(entries: Iterable[Entry], *, security: bool) -> str | None:
    name = "/debian-security" if security else "/debian"
    found = [entry.uri for entry in entries if _is_security(entry) is security]
    # Archives of others use the names of Debian's suites too: the usual path comes before any other.
    found.sort(key=lambda uri: not urlsplit(uri).path.rstrip("/").endswith(name))
    return found[0] if found else None


def _is_security(entry: Entry) -> bool | None:
    """Tell what an entry is of: Debian's security archive (True), Debian itself (False), neither (None)."""
    address = urlsplit(entry.uri)
    path = address.path.rstrip("/")
    release = re.split(r"[-/]", entry.suite)[0]
    usual = path.endswith(("/debian", "/debian-security"))
    if address.scheme not in SCHEMES or "main" not in entry.components or not (usual or release in RELEASES):
        return None
    return path.endswith("/debian-security") or entry.suite.endswith(("-security", "/updates"))


def _apt_entries(etc: Path) -> Iterator[Entry]:
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        yield from deb822_entries(text) if path.suffix == ".sources" else one_line_entries(text)


def one_line_entries(text: str) -> Iterator[Entry]:
    """Yield the entries of a one-line-style file: ``deb [options] uri suite component…``."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
        if len(words) >= 3 and words[0] == "deb":
            yield Entry(words[1], words[2], tuple(words[3:]))


def deb822_entries(text: str) -> Iterator[Entry]:
    """Yield the enabled binary entries of a deb822-style file."""
    for stanza in re.split(r"\n\s*\n", "\n".join(line for line in text.splitlines() if not line.startswith("#"))):
        fields = _fields(stanza.splitlines())
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Entry(uri, suite, tuple(fields.get("components", "").split()))


def _fields(lines: Sequence[str]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            fields[name] = value.strip()
    return fields
