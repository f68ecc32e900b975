"""What a machine needs, checked against machines that lack it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nivis.cli.checks import (
    Check,
    Host,
    check_build_users,
    check_cache,
    check_debian_mirror,
    check_flakes,
    check_git,
    check_namespaces,
    check_nix,
    check_python_index,
    check_sandbox,
    check_signatures,
    check_space,
    check_store,
    conf_lines,
)
from nivis.nix.config import Machine

ROOT = Machine(is_root=True, daemon=False)
USER = Machine(is_root=False, daemon=False)
DAEMON = Machine(is_root=False, daemon=True)
GB = 1_000_000_000


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a machine that has everything, worked on by a user."""
    (tmp_path / "keyring.gpg").touch()
    (tmp_path / "bin").mkdir()
    nix = tmp_path / "bin/nix"
    nix.write_text("#!/bin/sh\necho 'nix (Nix) 2.8.0'\n")
    nix.chmod(0o755)
    return Host(
        environ={"PATH": str(nix.parent), "NIVIS_CACHE": str(tmp_path / "cache"), "PIP_INDEX_URL": "https://u:p@example.org/simple"},
        machine=USER,
        store=tmp_path / "nix/store",
        keyring=tmp_path / "keyring.gpg",
        which=lambda name: f"/bin/{name}",
        succeeds=lambda _: True,
        free=lambda _: 50 * GB,
        writable=lambda _: True,
    )  # fmt: skip


def ok(name: str, says: str) -> Check:
    return Check(name=name, status="ok", says=says)


def warn(name: str, says: str, fix: str) -> Check:
    return Check(name=name, status="warn", says=says, fix=fix)


def fail(name: str, says: str, fix: str) -> Check:
    return Check(name=name, status="fail", says=says, fix=fix)


def test_nix(host: Host, tmp_path: Path) -> None:
    assert check_nix(host) == ok("nix", f"2.8.0 at {tmp_path}/bin/nix")
    (tmp_path / "bin/apt-get").touch(0o755)
    (tmp_path / "bin/nix").unlink()
    assert check_nix(host) == fail("nix", "nix is not installed", "sudo apt-get install nix-bin")


@pytest.mark.parametrize("name", ["experimental-features", "extra-experimental-features"])
def test_flakes(host: Host, name: str) -> None:
    with_flakes = replace(host, machine=replace(USER, settings={name: "flakes nix-command"}))
    assert check_flakes(with_flakes) == ok("flakes", "switched on in nix.conf")
    assert check_flakes(host) == warn(
        "flakes", "off in nix.conf: nivis works, plain 'nix build' does not", "nivis doctor --fix"
    )


@pytest.mark.parametrize(
    ("machine", "outcome"),
    [
        (USER, ok("build users", "builds run as yourself")),
        (DAEMON, ok("build users", "the daemon's business")),
        (replace(ROOT, settings={"build-users-group": ""}), ok("build users", "builds run as root, by nix.conf")),
        (replace(ROOT, settings={"build-users-group": "nixbld"}), ok("build users", "group 'nixbld'")),
        (
            ROOT,
            warn(
                "build users",
                "root without a daemon: nivis works, plain 'nix build' may not",
                "nivis doctor --fix",
            ),
        ),
    ],
)
def test_build_users(host: Host, machine: Machine, outcome: Check) -> None:
    assert check_build_users(replace(host, machine=machine)) == outcome


def test_sandbox(host: Host) -> None:
    assert check_sandbox(host) == ok("sandbox", "on")
    off = replace(host, machine=replace(USER, settings={"sandbox": "false"}))
    assert check_sandbox(off) == warn(
        "sandbox",
        "'false' in nix.conf: nivis builds in one all the same, plain 'nix build' does not",
        "nivis doctor --fix",
    )


def test_namespaces(host: Host) -> None:
    assert check_namespaces(host) == ok("namespaces", "available")
    refused = replace(host, succeeds=lambda _: False)
    assert check_namespaces(refused) == fail(
        "namespaces",
        "the kernel refuses them, so there is no sandbox",
        "sudo sysctl -w user.max_user_namespaces=28633 kernel.unprivileged_userns_clone=1",
    )
    assert check_namespaces(replace(refused, machine=ROOT)).fix.startswith("in a container: docker run --privileged")
    assert check_namespaces(replace(host, which=lambda _: None)) == warn(
        "namespaces", "not tried: there is no 'unshare'", "sudo apt-get install util-linux"
    )


def test_the_store(host: Host, tmp_path: Path) -> None:
    assert check_store(host) == ok("store", str(tmp_path / "nix/store"))
    locked = replace(host, writable=lambda _: False)
    assert check_store(locked) == fail(
        "store", f"{tmp_path} is not writable, and no daemon runs", "sudo systemctl start nix-daemon"
    )
    closed = check_store(replace(locked, closed=lambda path: path == tmp_path / "nix/var/nix/daemon-socket"))
    fix = "sudo usermod -aG nix-users $USER, and log in again"
    assert closed == fail("store", "the Nix daemon does not let you in", fix)
    assert check_store(replace(locked, machine=ROOT)).fix == f"mount -o remount,rw {tmp_path}"
    assert check_store(replace(locked, machine=DAEMON)) == ok("store", f"{tmp_path}/nix/store, through the daemon")


@pytest.mark.parametrize(
    ("free", "status", "fix"),
    [(5 * GB, "ok", ""), (5 * GB - 1, "warn", "nix-store --gc"), (GB - 1, "fail", "nix-store --gc")],
)
def test_disk_space(host: Host, free: int, status: str, fix: str) -> None:
    check = check_space(replace(host, free=lambda _: free))
    assert (check.name, check.status, check.fix) == ("disk", status, fix)
    assert check.says.endswith(f" free for {host.store}")


def only(*present: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in present else None


def test_git(host: Host) -> None:
    assert check_git(host) == ok("git", "/bin/git")
    root = replace(host, which=only(), sudo="")
    assert check_git(root) == fail("git", "not installed", "apt-get install git")


def test_signatures(host: Host, tmp_path: Path) -> None:
    assert check_signatures(host) == ok("signatures", f"gpgv with {tmp_path}/keyring.gpg")
    assert check_signatures(replace(host, which=only(), keyring=tmp_path / "none")) == fail(
        "signatures",
        "gpgv and debian-archive-keyring missing: the toolchain cannot be locked",
        "sudo apt-get install gpgv debian-archive-keyring",
    )


def test_mirrors_are_shown_without_passwords(host: Host) -> None:
    environ = {**host.environ, "NIVIS_DEBIAN_MIRROR": "https://u:p@mirror.example/debian"}
    assert check_debian_mirror(replace(host, environ=environ)).says == "https://mirror.example/debian"
    assert check_python_index(host).says.split(", ")[0] == "https://example.org/simple"


def test_the_cache(host: Host, tmp_path: Path) -> None:
    assert check_cache(host) == ok("cache", str(tmp_path / "cache"))
    assert check_cache(replace(host, writable=lambda _: False)) == fail(
        "cache", f"{tmp_path}/cache is not writable", "export NIVIS_CACHE=<a folder>"
    )


@pytest.mark.parametrize(
    ("machine", "offline", "lines"),
    [
        (
            replace(ROOT, settings={"sandbox": "false"}),
            False,
            ["extra-experimental-features = nix-command flakes", "sandbox = true", "build-users-group ="],
        ),
        (USER, True, ["extra-experimental-features = nix-command flakes", "substituters =", "flake-registry ="]),
        (replace(USER, settings={"experimental-features": "nix-command flakes"}), False, []),
    ],
)
def test_what_nix_conf_lacks(machine: Machine, offline: bool, lines: list[str]) -> None:
    assert conf_lines(machine, offline=offline) == lines
