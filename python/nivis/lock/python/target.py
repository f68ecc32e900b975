"""The interpreter that wheels are chosen for, described completely.

Nothing is read from the running machine: the marker environment has every variable of PEP 508 and
the tags are built from explicit interpreters, ABIs and platforms (PEP 425, PEP 600).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from packaging.markers import Environment, Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name
from packaging.version import Version

# PEP 600: the older names of three manylinux policies, by minor version of glibc 2.
_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# The first glibc that a manylinux policy exists for; other machines start at manylinux2014.
_OLDEST = {"x86_64": 5}
_OLDEST_ELSEWHERE = 17

# 'extra == "x"' asks whether x is among the wanted extras: the lock file form of PEP 751 says just that.
_EXTRA = re.compile(r"""\bextra\s*(==|!=)\s*("[^"]*"|'[^']*')""")
_EXTRA_REVERSED = re.compile(r"""("[^"]*"|'[^']*')\s*(==|!=)\s*extra\b""")
_MEMBERSHIP = {"==": "in", "!=": "not in"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """CPython on GNU/Linux, as the toolchain provides it."""

    python: str  # full version: "3.13.5"
    libc: str  # glibc: "2.41"
    system: str = "x86_64-linux"

    @property
    def machine(self) -> str:
        """Return the machine as wheels name it: "x86_64", "aarch64"."""
        return self.system.partition("-")[0]

    @property
    def minor(self) -> tuple[int, int]:
        """Return major and minor version of the interpreter."""
        version = Version(self.python)
        return version.major, version.minor

    @property
    def short(self) -> str:
        """Return major and minor version as text: "3.13"."""
        return "{}.{}".format(*self.minor)

    def __str__(self) -> str:
        return f"{interpreter(self)}, manylinux up to {self.libc.replace('.', '_')}, {self.machine}"


def interpreter(target: Target) -> str:
    """Return the interpreter's tag: "cp313"."""
    return "cp{}{}".format(*target.minor)


@lru_cache(maxsize=8)
def _environment(target: Target) -> Environment:
    return {
        "implementation_name": "cpython",
        "implementation_version": target.python,
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.python,
        "python_version": target.short,
        "sys_platform": "linux",
    }


def environment(target: Target) -> Environment:
    """Return the value of every environment marker of PEP 508."""
    return _environment(target).copy()


def platforms(target: Target) -> tuple[str, ...]:
    """Return the platform tags, best first: the newest glibc down to the oldest, then plain linux."""
    major, minor = (int(part) for part in target.libc.split(".")[:2])
    oldest = _OLDEST.get(target.machine, _OLDEST_ELSEWHERE)
    found: list[str] = []
    for version in range(minor, oldest - 1, -1):
        found.append(f"manylinux_{major}_{version}_{target.machine}")
        if version in _ALIASES:
            found.append(f"{_ALIASES[version]}_{target.machine}")
    return (*found, f"linux_{target.machine}")


@lru_cache(maxsize=8)
def tags(target: Target) -> tuple[Tag, ...]:
    """Return every tag that the interpreter accepts, best first."""
    machine_tags = platforms(target)
    name = interpreter(target)
    return (
        *cpython_tags(target.minor, abis=[name], platforms=machine_tags),
        *compatible_tags(target.minor, interpreter=name, platforms=machine_tags),
    )


@lru_cache(maxsize=4096)
def _parse(marker: str) -> Marker:
    text = _EXTRA.sub(lambda match: _membership(match[2], match[1]), marker)
    text = _EXTRA_REVERSED.sub(lambda match: _membership(match[1], match[2]), text)
    return Marker(text)


def _membership(quoted: str, operator: str) -> str:
    return f"'{canonicalize_name(quoted[1:-1])}' {_MEMBERSHIP[operator]} extras"


def holds(marker: str | None, target: Target | Environment, extras: Collection[str] = ()) -> bool:
    """Tell whether ``marker`` is true for the target with ``extras`` wanted; no marker is always true.

    Several extras may be wanted at once: ``extra == "a"`` is true where "a" is one of them,
    ``extra != "a"`` where it is not. Raises packaging's InvalidMarker for a marker that is none.
    """
    if not marker or marker == "*":
        return True
    values = _environment(target) if isinstance(target, Target) else target
    asked: dict[str, str | Set[str]] = {**cast("Mapping[str, str]", values), "extras": frozenset(extras)}
    return _parse(marker).evaluate(asked, context="lock_file")
