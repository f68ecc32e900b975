"""Where this machine gets Python packages from: pip's configuration, by pip's own precedence.

pip's "Configuration" page: configuration files (global, user, site, then $PIP_CONFIG_FILE), in them ``[global]`` before
``[install]``, environment variables last. The default index is asked of pip itself.
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nivis.errors import HostError

ASK = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonIndexes:
    """Addresses, in the order in which pip looks: indexes ("simple" API), and pages or folders with links to files."""

    index_urls: tuple[str, ...]
    find_links: tuple[str, ...] = ()


def python_indexes(
    environ: Mapping[str, str],
    *,
    etc: Path = Path("/etc"),
    prefix: Path = Path(sys.prefix),
    default: Callable[[], str] | None = None,
) -> PythonIndexes:
    """Return the indexes that pip would use; local folders become file:// URLs. Raises HostError if none is known."""
    settings = _settings(environ, etc, prefix)
    links = tuple(_as_url(link, environ) for link in settings.get("find-links", "").split())
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t"):
        return PythonIndexes(index_urls=(), find_links=links)
    main = settings.get("index-url") or settings.get("pypi-url") or (default or ask_pip)()
    extra = settings.get("extra-index-url", "").split()
    urls = (_as_url(url, environ).rstrip("/") for url in (main, *extra))
    return PythonIndexes(index_urls=tuple(dict.fromkeys(urls)), find_links=links)


def ask_pip() -> str:
    """Return pip's built-in default index, by asking a pip that is installed."""
    for python in dict.fromkeys((sys.executable, shutil.which("python3"))):
        if not python:
            continue
        done = subprocess.run([python, "-I", "-c", ASK], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    raise HostError(
        "no Python package index is known: pip is not installed and none is configured",
        hint="Set PIP_INDEX_URL to the address of one, or install pip.",
    )


def _settings(environ: Mapping[str, str], etc: Path, prefix: Path) -> Mapping[str, str]:
    """Return pip's options by their long name; a later source replaces the value of an earlier one."""
    merged: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for path in _files(environ, etc, prefix):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            first = str(error).splitlines()[0]
            raise HostError(
                f"pip's configuration cannot be read ({first})", where=str(path), hint="Mend it."
            ) from error
        for section, values in merged.items():
            if parser.has_section(section):
                values.update({_option(name): value for name, value in parser.items(section)})
    for name, value in environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            merged[":env:"][_option(name[4:])] = value
    found: dict[str, str] = {}
    for values in merged.values():
        found.update({name: value for name, value in values.items() if value})  # pip ignores empty values
    return found


def _files(environ: Mapping[str, str], etc: Path, prefix: Path) -> list[Path]:
    own = environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    system = [Path(folder) for folder in environ.get("XDG_CONFIG_DIRS", "").split(":") if folder] or [etc / "xdg"]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    prefixes = dict.fromkeys((Path(environ.get("VIRTUAL_ENV") or prefix), prefix))
    return [
        *(folder / "pip" / "pip.conf" for folder in reversed(system)),
        etc / "pip.conf",
        home / ".pip" / "pip.conf",
        user / "pip" / "pip.conf",
        *(folder / "pip.conf" for folder in prefixes),
        *([Path(own)] if own else []),
    ]


def _option(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _as_url(place: str, environ: Mapping[str, str]) -> str:
    if "://" in place or place.startswith("file:"):
        return place
    if place.startswith("~/") and "HOME" in environ:
        place = environ["HOME"] + place[1:]
    return Path(place).absolute().as_uri()
