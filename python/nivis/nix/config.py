"""What Nix is told in NIX_CONFIG, so that it works on a bare machine and without any network.

Format: Nix manual, "nix.conf": ``name = value`` lines, ``extra-name`` appends, ``include``/``!include``. Nix reads
/etc/nix/nix.conf, the user's nix.conf and then NIX_CONFIG; what the user's own NIX_CONFIG sets is never overridden.

Decisions:
- The two experimental features are *added* to whatever is configured.
- The sandbox is on, without falling back: Debian's nix.conf switches it off, and a step outside of it proves nothing.
- Binary caches are those that the user configured (``substituters`` or ``extra-substituters``, anywhere). When nothing
  is configured, none is used: Nix's built-in default is not needed by the debian toolchain, and where it cannot be
  reached each command waits for its retries. A project with the nixpkgs toolchain keeps the default.
- Nothing is looked up in the global flake registry: generated flakes name their inputs.
- As root without a daemon there need not be a group of build users, so builds run as root, unless nix.conf names
  one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FEATURES = "nix-command flakes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What matters about the machine that Nix runs on."""

    is_root: bool
    daemon: bool  # a daemon's socket is there
    settings: Mapping[str, str] = field(default_factory=dict)  # from nix.conf files


def inspect_machine(environ: Mapping[str, str], *, root: Path = Path("/")) -> Machine:
    """Look at the machine; ``root`` is its file system's."""
    state = Path(environ["NIX_STATE_DIR"]) if "NIX_STATE_DIR" in environ else root / "nix/var/nix"
    settings = dict(setting for file in conf_files(environ, root=root) for setting in read_conf(file))
    return Machine(
        is_root=os.geteuid() == 0,
        daemon=_exists(state / "daemon-socket/socket"),
        settings=settings,
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # Debian lets only the group nix-users into the folder
        return False


def conf_files(environ: Mapping[str, str], *, root: Path = Path("/")) -> list[Path]:
    """Return the nix.conf files that Nix reads, in the order in which later ones win."""
    files = [Path(environ.get("NIX_CONF_DIR") or root / "etc/nix") / "nix.conf"]
    if "NIX_USER_CONF_FILES" in environ:
        users = [Path(name) for name in environ["NIX_USER_CONF_FILES"].split(":") if name]
    else:
        home = Path(environ.get("HOME", "/"))
        folders = [environ.get("XDG_CONFIG_HOME") or str(home / ".config")]
        folders += (environ.get("XDG_CONFIG_DIRS") or str(root / "etc/xdg")).split(":")
        users = [Path(folder) / "nix/nix.conf" for folder in folders if folder]
    return files + users[::-1]


def parse_conf(text: str, include: Callable[[str], Iterator[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield the settings of nix.conf text; ``include`` yields those of an included file."""
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) >= 2 and words[0] in ("include", "!include"):
            yield from include(words[1])
        elif len(words) >= 2 and words[1] == "=":
            yield words[0], " ".join(words[2:])


def read_conf(file: Path, depth: int = 8) -> Iterator[tuple[str, str]]:
    """Yield the settings of a nix.conf file; one that is missing or unreadable says nothing."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if depth:
        yield from parse_conf(text, lambda name: read_conf(file.parent / name, depth - 1))


def nix_config(
    environ: Mapping[str, str],
    machine: Machine,
    *,
    offline: bool = False,
    default_cache: bool = False,
    jobs: int | None = None,
    cores: int | None = None,
) -> str:
    """Return the text to pass as NIX_CONFIG.

    ``offline`` switches every download off, ``default_cache`` keeps Nix's built-in binary cache (nixpkgs toolchain).
    """
    own = environ.get("NIX_CONFIG", "")
    said = {name for name, _ in parse_conf(own, lambda _: iter(()))}
    wanted = {
        "sandbox": "true",
        "sandbox-fallback": "false",
        "flake-registry": "",
        "warn-dirty": "false",
        "log-lines": "25",
    }
    if not default_cache and not _caches(said | set(machine.settings)):
        wanted["substituters"] = ""
    alone = machine.is_root and not machine.daemon and not environ.get("NIX_REMOTE")
    if alone and "build-users-group" not in machine.settings:
        wanted["build-users-group"] = ""
    if jobs is not None:
        wanted["max-jobs"] = str(jobs)
    if cores is not None:
        wanted["cores"] = str(cores)
    lines = [f"{name} = {value}".rstrip() for name, value in wanted.items() if name not in said]
    lines += own.splitlines()
    lines.append(f"extra-experimental-features = {FEATURES}")  # last: it adds to what stands above
    if offline:
        lines += ["substitute = false", "download-attempts = 1", "connect-timeout = 1", "tarball-ttl = 4294967295"]
    return "\n".join(lines) + "\n"


def _caches(names: set[str]) -> bool:
    return not names.isdisjoint({"substituters", "extra-substituters", "binary-caches", "extra-binary-caches"})


def nix_environ(environ: Mapping[str, str], config: str) -> dict[str, str]:
    """Return the environment for Nix's processes: the given one with ``config``."""
    return {**environ, "NIX_CONFIG": config}
