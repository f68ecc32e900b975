"""What Nix is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nivis.nix.config import Machine, conf_files, inspect_machine, nix_config, nix_environ, read_conf

BARE = Machine(is_root=True, daemon=False)
USER = Machine(is_root=False, daemon=True)


def test_root_on_a_bare_machine() -> None:
    assert nix_config({}, BARE) == (
        "sandbox = true\n"
        "sandbox-fallback = false\n"
        "flake-registry =\n"
        "warn-dirty = false\n"
        "log-lines = 25\n"
        "substituters =\n"
        "build-users-group =\n"
        "extra-experimental-features = nix-command flakes\n"
    )


def test_a_user_with_a_daemon_jobs_and_the_default_cache() -> None:
    assert nix_config({}, USER, default_cache=True, jobs=2, cores=1) == (
        "sandbox = true\n"
        "sandbox-fallback = false\n"
        "flake-registry =\n"
        "warn-dirty = false\n"
        "log-lines = 25\n"
        "max-jobs = 2\n"
        "cores = 1\n"
        "extra-experimental-features = nix-command flakes\n"
    )


def test_what_the_user_set_is_not_overridden() -> None:
    own = "sandbox = relaxed\nsubstituters = https://cache.example\nexperimental-features = nix-command\nlog-lines=3"
    assert nix_config({"NIX_CONFIG": own}, USER) == (
        "sandbox-fallback = false\n"
        "flake-registry =\n"
        "warn-dirty = false\n"
        "log-lines = 25\n"  # Nix does not read "log-lines=3" either: it wants blanks around "="
        "sandbox = relaxed\n"
        "substituters = https://cache.example\n"
        "experimental-features = nix-command\n"
        "log-lines=3\n"
        "extra-experimental-features = nix-command flakes\n"
    )


@pytest.mark.parametrize("name", ["substituters", "extra-substituters"])
def test_caches_configured_in_a_file_stay(name: str) -> None:
    machine = Machine(is_root=False, daemon=True, settings={name: "https://cache.example"})
    assert "substituters" not in nix_config({}, machine)


def test_offline_switches_downloads_off_last() -> None:
    text = nix_config({"NIX_CONFIG": "substitute = true"}, USER, offline=True)
    assert text.splitlines()[-5:] == [
        "extra-experimental-features = nix-command flakes",
        "substitute = false",
        "download-attempts = 1",
        "connect-timeout = 1",
        "tarball-ttl = 4294967295",
    ]


@pytest.mark.parametrize(
    ("environ", "machine"),
    [
        ({"NIX_REMOTE": "daemon"}, BARE),
        ({}, Machine(is_root=True, daemon=True)),
        ({}, Machine(is_root=True, daemon=False, settings={"build-users-group": "builders"})),
        ({}, USER),
    ],
)
def test_build_users_are_only_left_out_where_there_are_none(environ: Mapping[str, str], machine: Machine) -> None:
    assert "build-users-group" not in nix_config(environ, machine)


def test_files_are_read_in_nix_order(tmp_path: Path) -> None:
    environ = {"HOME": "/home/u", "XDG_CONFIG_DIRS": "/etc/a:/etc/b"}
    assert [str(file) for file in conf_files(environ, root=tmp_path)] == [
        f"{tmp_path}/etc/nix/nix.conf",
        "/etc/b/nix/nix.conf",
        "/etc/a/nix/nix.conf",
        "/home/u/.config/nix/nix.conf",
    ]
    assert [str(file) for file in conf_files({"NIX_CONF_DIR": "/c", "NIX_USER_CONF_FILES": "/x:/y"})] == [
        "/c/nix.conf",
        "/y",
        "/x",
    ]


def test_a_file_with_includes_and_comments(tmp_path: Path) -> None:
    (tmp_path / "nix.conf").write_text(
        "# substituters = no\nsandbox = false # off\ninclude more.conf\n!include none.conf\nbroken\n"
    )
    (tmp_path / "more.conf").write_text("extra-substituters = https://a.example https://b.example\ninclude more.conf\n")
    settings = dict(read_conf(tmp_path / "nix.conf"))
    assert settings == {"sandbox": "false", "extra-substituters": "https://a.example https://b.example"}


def test_the_machine_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "etc/nix").mkdir(parents=True)
    (tmp_path / "etc/nix/nix.conf").write_text("sandbox = false\n")
    (tmp_path / "nix/var/nix/daemon-socket").mkdir(parents=True)
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path)}
    machine = inspect_machine(environ, root=tmp_path)
    assert (machine.daemon, dict(machine.settings)) == (False, {"sandbox": "false"})
    (tmp_path / "nix/var/nix/daemon-socket/socket").touch()
    assert inspect_machine(environ, root=tmp_path).daemon


def test_a_daemon_that_lets_nobody_in_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", refused)
    assert not inspect_machine({"HOME": str(tmp_path)}, root=tmp_path).daemon


def test_the_environment_keeps_everything_else() -> None:
    assert nix_environ({"A": "1", "NIX_CONFIG": "x"}, "y") == {"A": "1", "NIX_CONFIG": "y"}
