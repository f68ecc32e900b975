"""One HTTP client for all downloads: connections that are kept, proxies, certificates, credentials.

What other tools on the machine are configured with is honoured: ``http_proxy`` and friends, certificate
bundles named for pip, requests or OpenSSL, credentials in the URL or in ``.netrc``.
"""

from __future__ import annotations

import netrc
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3

BUNDLES = ("NIVIS_CERT", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
TIMEOUT = urllib3.Timeout(connect=10, read=30)


@dataclass(slots=True, kw_only=True)
class Client:
    """Opens URLs. Safe to share between threads."""

    environ: Mapping[str, str]
    connections: int = 8
    _pools: dict[str, urllib3.PoolManager] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _context: ssl.SSLContext | None = None

    def open(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a GET and return the response with its body unread; redirects are followed, nothing is retried."""
        plain, credentials = split_credentials(url)
        own = credentials or self._netrc(plain)
        sent = {"User-Agent": "nivis", "Accept-Encoding": "identity", **headers}
        if own:
            sent.update(urllib3.make_headers(basic_auth=own))
        return self._pool(plain).request(
            "GET",
            plain,
            headers=sent,
            preload_content=False,
            decode_content=False,
            timeout=TIMEOUT,
            retries=urllib3.Retry(total=10, connect=0, read=0, status=0, other=0, redirect=10),
        )

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxies = _proxies(self.environ)
        proxy = proxies.get(parts.scheme) or proxies.get("all")
        if proxy and _bypassed(parts.hostname or "", proxies.get("no", "")):
            proxy = None
        with self._lock:
            key = proxy or ""
            if key not in self._pools:
                self._context = self._context or _context(self.environ)
                self._pools[key] = _manager(proxy, self.connections, self._context)
            return self._pools[key]

    def _netrc(self, url: str) -> str | None:
        home = self.environ.get("HOME")
        path = Path(self.environ.get("NETRC") or Path(home or "~").expanduser() / ".netrc")
        host = urlsplit(url).hostname
        if host is None or not path.is_file():
            return None
        try:
            found = netrc.netrc(str(path)).authenticators(host)
        except (netrc.NetrcParseError, OSError):
            return None
        return f"{found[0]}:{found[2]}" if found else None

    def close(self) -> None:
        """Close idle connections."""
        for pool in self._pools.values():
            pool.clear()


def split_credentials(url: str) -> tuple[str, str | None]:
    """Return the URL without ``user:password@``, and that part unquoted."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    return urlunsplit(parts._replace(netloc=host)), unquote(user)


def shown(url: str) -> str:
    """Return the URL as it may appear in a message: without credentials."""
    return split_credentials(url)[0]


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return proxies by scheme, and ``no`` for the exceptions; lower-case names win, as in curl."""
    found = {}
    for name in sorted(environ):  # upper case sorts first
        scheme, tail, rest = name.lower().rpartition("_proxy")
        if tail and not rest and environ[name]:
            found[scheme] = environ[name]
    return found


def _bypassed(host: str, exceptions: str) -> bool:
    for entry in exceptions.replace(",", " ").split():
        name = entry.split(":")[0].lstrip("*").lstrip(".").lower()
        if entry == "*" or (name and (host == name or host.endswith("." + name))):
            return True
    return False


def _context(environ: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for name in BUNDLES:
        path = environ.get(name)
        if path and Path(path).is_file():
            context.load_verify_locations(cafile=path)
    return context


def _manager(proxy: str | None, connections: int, context: ssl.SSLContext) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(maxsize=connections, ssl_context=context)
    address = proxy if "://" in proxy else f"http://{proxy}"
    plain, credentials = split_credentials(address)
    headers = urllib3.make_headers(proxy_basic_auth=credentials) if credentials else None
    return urllib3.ProxyManager(plain, maxsize=connections, ssl_context=context, proxy_headers=headers)
