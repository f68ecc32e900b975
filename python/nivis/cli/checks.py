"""What a machine needs for nivis, checked one by one; each check says what is and, if need be, what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nivis.cli.units import size_text
from nivis.errors import HostError
from nivis.fetch.cache import default_cache
from nivis.fetch.client import shown
from nivis.fetch.mirrors import debian_mirrors, python_indexes
from nivis.lock.debian.signature import KEYRING
from nivis.nix.command import find_nix
from nivis.nix.config import FEATURES, Machine, inspect_machine

OK, WARN, FAIL = "ok", "warn", "fail"
SCARCE = 1_000_000_000  # bytes: a toolchain and an environment do not fit
LITTLE = 5_000_000_000  # bytes: not much beyond them
FIX = "nivis doctor --fix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The outcome of one check; ``fix`` is a command, or what to do in words."""

    name: str
    status: str  # ok, warn: works but could be better, fail: something necessary is missing
    says: str
    fix: str = ""


def _succeeds(argv: Sequence[str]) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine, as far as checks ask about it; every part can be replaced."""

    environ: Mapping[str, str]
    machine: Machine
    store: Path = Path("/nix/store")
    keyring: Path = KEYRING
    which: Callable[[str], str | None] = shutil.which
    succeeds: Callable[[Sequence[str]], bool] = _succeeds
    free: Callable[[Path], int] = field(default=lambda path: shutil.disk_usage(path).free)
    writable: Callable[[Path], bool] = field(default=lambda path: os.access(path, os.W_OK))
    closed: Callable[[Path], bool] = field(default=lambda path: path.is_dir() and not os.access(path, os.X_OK))
    sudo: str = "sudo "


def this_host(environ: Mapping[str, str]) -> Host:
    """Return the machine that nivis runs on."""
    machine = inspect_machine(environ)
    store = Path(environ.get("NIX_STORE_DIR") or "/nix/store")
    return Host(environ=environ, machine=machine, store=store, sudo="" if machine.is_root else "sudo ")


def run_checks(host: Host) -> Iterator[Check]:
    """Yield the outcome of every check, the most basic first."""
    yield check_nix(host)
    yield check_flakes(host)
    yield check_build_users(host)
    yield check_sandbox(host)
    yield check_namespaces(host)
    yield check_store(host)
    yield check_space(host)
    yield check_git(host)
    yield check_signatures(host)
    yield check_debian_mirror(host)
    yield check_python_index(host)
    yield check_cache(host)


def check_nix(host: Host) -> Check:
    """Check that Nix is there and new enough."""
    try:
        nix = find_nix(host.environ, is_root=host.machine.is_root)
    except HostError as problem:
        return Check(name="nix", status=FAIL, says=problem.what, fix=_command(problem.hint))
    return Check(name="nix", status=OK, says=f"{'.'.join(map(str, nix.version))} at {nix.program}")


def check_flakes(host: Host) -> Check:
    """Check that plain nix knows flakes; nivis itself switches them on."""
    settings = host.machine.settings
    known = f"{settings.get('experimental-features', '')} {settings.get('extra-experimental-features', '')}".split()
    if set(FEATURES.split()) <= set(known):
        return Check(name="flakes", status=OK, says="switched on in nix.conf")
    return Check(name="flakes", status=WARN, says="off in nix.conf: nivis works, plain 'nix build' does not", fix=FIX)


def check_build_users(host: Host) -> Check:
    """Check that root without a daemon needs a group of build users, or the setting that it needs none."""
    name, machine = "build users", host.machine
    if not machine.is_root or machine.daemon:
        return Check(name=name, status=OK, says="the daemon's business" if machine.daemon else "builds run as yourself")
    if "build-users-group" in machine.settings:
        group = machine.settings["build-users-group"]
        return Check(name=name, status=OK, says=f"group '{group}'" if group else "builds run as root, by nix.conf")
    return Check(name=name, status=WARN, says="root without a daemon: nivis works, plain 'nix build' may not", fix=FIX)


def check_sandbox(host: Host) -> Check:
    """Check that the sandbox is on for plain nix as well."""
    setting = host.machine.settings.get("sandbox", "true")
    if setting == "true":
        return Check(name="sandbox", status=OK, says="on")
    says = f"'{setting}' in nix.conf: nivis builds in one all the same, plain 'nix build' does not"
    return Check(name="sandbox", status=WARN, says=says, fix=FIX)


def check_namespaces(host: Host) -> Check:
    """Check that the kernel lets builds have namespaces of their own."""
    name = "namespaces"
    if host.which("unshare") is None:
        return Check(name=name, status=WARN, says="not tried: there is no 'unshare'", fix=_install(host, "util-linux"))
    kinds = ["--mount", "--pid", "--fork"] if host.machine.is_root else ["--user", "--map-root-user"]
    if not host.succeeds(["unshare", *kinds, "true"]):
        fix = "in a container: docker run --privileged (or --security-opt seccomp=unconfined --cap-add SYS_ADMIN)"
        if not host.machine.is_root:
            fix = "sudo sysctl -w user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1"
        return Check(name=name, status=FAIL, says="the kernel refuses them, so there is no sandbox", fix=fix)
    return Check(name=name, status=OK, says="available")


def check_store(host: Host) -> Check:
    """Check that the store can be written, directly or through the daemon."""
    if host.machine.daemon:
        return Check(name="store", status=OK, says=f"{host.store}, through the daemon")
    nearest = _nearest(host.store)
    if host.writable(nearest):
        return Check(name="store", status=OK, says=str(host.store))
    if host.closed(host.store.parent / "var/nix/daemon-socket"):
        says = "the Nix daemon does not let you in"
        return Check(name="store", status=FAIL, says=says, fix="sudo usermod -aG nix-users $USER, and log in again")
    says = f"{nearest} is not writable, and no daemon runs"
    fix = f"mount -o remount,rw {nearest}" if host.machine.is_root else "sudo systemctl start nix-daemon"
    return Check(name="store", status=FAIL, says=says, fix=fix)


def check_space(host: Host) -> Check:
    """Check that there is room in the store."""
    free = host.free(_nearest(host.store))
    says = f"{size_text(free)} free for {host.store}"
    status = FAIL if free < SCARCE else WARN if free < LITTLE else OK
    return Check(name="disk", status=status, says=says, fix="" if status == OK else "nix-store --gc")


def check_git(host: Host) -> Check:
    """Check that git is there: Nix reads projects through it."""
    program = host.which("git")
    if program is None:
        return Check(name="git", status=FAIL, says="not installed", fix=_install(host, "git"))
    return Check(name="git", status=OK, says=program)


def check_signatures(host: Host) -> Check:
    """Check that the signatures of Debian's indices can be checked."""
    missing = [] if host.which("gpgv") else ["gpgv"]
    missing += [] if host.keyring.is_file() else ["debian-archive-keyring"]
    if missing:
        says = f"{' and '.join(missing)} missing: the toolchain cannot be locked"
        return Check(name="signatures", status=FAIL, says=says, fix=_install(host, *missing))
    return Check(name="signatures", status=OK, says=f"gpgv with {host.keyring}")


def check_debian_mirror(host: Host) -> Check:
    """Check that a Debian mirror is known."""
    try:
        mirrors = debian_mirrors(host.environ)
    except HostError as problem:
        return Check(name="debian mirror", status=FAIL, says=problem.what, fix=problem.hint)
    return Check(name="debian mirror", status=OK, says=shown(mirrors.debian))


def check_python_index(host: Host) -> Check:
    """Check that a Python package index is known."""
    try:
        indexes = python_indexes(host.environ)
    except HostError as problem:
        return Check(name="python index", status=FAIL, says=problem.what, fix=problem.hint)
    return Check(name="python index", status=OK, says=", ".join(map(shown, (*indexes.index_urls, *indexes.find_links))))


def check_cache(host: Host) -> Check:
    """Check that the cache folder can be written."""
    folder = default_cache(host.environ).folder
    if host.writable(_nearest(folder)):
        return Check(name="cache", status=OK, says=str(folder))
    return Check(name="cache", status=FAIL, says=f"{folder} is not writable", fix="export NIVIS_CACHE=<a folder>")


def conf_lines(machine: Machine, *, offline: bool) -> list[str]:
    """Return the lines that plain ``nix`` lacks in nix.conf; ``offline`` keeps it from looking for caches."""
    settings = machine.settings
    known = f"{settings.get('experimental-features', '')} {settings.get('extra-experimental-features', '')}".split()
    lines = []
    if not set(FEATURES.split()) <= set(known):
        lines.append(f"extra-experimental-features = {FEATURES}")
    if settings.get("sandbox", "true") != "true":
        lines.append("sandbox = true")
    if machine.is_root and not machine.daemon and "build-users-group" not in settings:
        lines.append("build-users-group =")
    if offline:
        lines += [f"{name} =" for name in ("substituters", "flake-registry") if settings.get(name) != ""]
    return lines


def _nearest(path: Path) -> Path:
    """Return the path itself, or the nearest folder above that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _install(host: Host, *packages: str) -> str:
    return f"{host.sudo}apt-get install {' '.join(packages)}"


def _command(hint: str) -> str:
    """Return the command in a hint such as "Run `apt-get install nix-bin`."."""
    return hint.split("`")[1] if hint.count("`") == 2 else hint
