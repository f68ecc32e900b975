"""Finding and running programs, and what Nix's failures mean (messages recorded from three versions)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nivis.errors import HostError, NivisError
from nivis.nix.command import Nix, find_nix, message, parse_version, run, stream, translate

ERRORS = Path(__file__).with_name("fixtures") / "errors"
DISABLED = (
    "Nix refuses its feature '{0}'. Add `extra-experimental-features = nix-command flakes` to ~/.config/nix/nix.conf, "
    "and take '{0}' out of what forbids it in NIX_CONFIG."
)
FULL = (
    "/nix: no space left on the disk that holds the Nix store. Run `nix-store --gc` to delete what no project links "
    "to; "
    "the next run goes on where this one stopped."
)
SANDBOX = (
    "Nix cannot make a sandbox here: the system does not allow the kernel namespaces it needs. "
    "Run `sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000`, "
    "or give the container the capability SYS_ADMIN."
)
UNTRACKED = "{0}: git does not track the file, so Nix does not see it. Run `git add {0}`."
NO_STORE = (
    "/nix: the Nix store is not writable for you and no Nix daemon is running. Start the daemon "
    "(`sudo apt-get install nix-setup-systemd`, or `sudo systemctl start nix-daemon`), "
    "or `sudo chown -R $USER /nix` for a single user."
)
NO_ENTRY = (
    "/nix/var/nix/daemon-socket: the Nix daemon does not let you in. "
    "Run `sudo usermod -aG nix-users $USER` and log in again."
)
MEANINGS = {
    "command-disabled": DISABLED.format("nix-command"),
    "flakes-disabled": DISABLED.format("flakes"),
    "disk-full": FULL,
    "disk-full-step": FULL,
    "sandbox-user": SANDBOX,
    "sandbox-mount": SANDBOX,
    "file-untracked": UNTRACKED.format("part.nix"),
    "flake-untracked": UNTRACKED.format("flake.nix"),
    "no-flake": "flake.nix: is missing. Run `nivis lock` to write it.",
    "no-attribute": "flake.nix: has no output 'experiment-nope'. Run `nivis lock`, then try again.",
    "not-writable": NO_STORE,
    "build-group": "the group 'nobuilders' that Nix builds under does not exist. Write `build-users-group =` to "
    "/etc/nix/nix.conf, or run `sudo apt-get install nix-setup-systemd`.",
}


@pytest.mark.parametrize("file", sorted(ERRORS.glob("*/*.txt")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_recorded_failures_are_explained(file: Path) -> None:
    expected = NO_ENTRY if (file.parent.name, file.stem) == ("2.8", "not-writable") else MEANINGS[file.stem]
    assert str(translate(file.read_text(), doing="building")) == expected


def test_every_meaning_has_a_recording() -> None:
    assert {file.stem for file in ERRORS.glob("*/*.txt")} == set(MEANINGS)


def test_other_failures_are_quoted() -> None:
    error = translate(
        "\x1b[31;1merror:\x1b[0m\n   … while x\n\n   error: it broke\n   badly.\n", doing="evaluating the flake"
    )
    assert (
        str(error) == "nix failed while evaluating the flake: it broke badly. Run `nivis doctor` to check this machine."
    )
    assert error.exit_code == 3
    assert message("") == "it gave no reason"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("nix (Nix) 2.8.0\n", (2, 8, 0)),
        ("nix (Nix) 2.34.8", (2, 34, 8)),
        ("nix (Determinate Nix 3.6.2) 2.29.0", (2, 29, 0)),
        ("nix (Lix, like Nix) 2.91.1", (2, 91, 1)),
        ("nix (Nix) 2.19pre20231010_abc 2.19", (2, 19)),
    ],
)
def test_versions(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_something_else_called_nix() -> None:
    with pytest.raises(HostError) as caught:
        parse_version("hello\n")
    assert str(caught.value) == "`nix --version` answered 'hello'. Check that `nix` on PATH is the Nix package manager."


def program(folder: Path, name: str, script: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("manager", "is_root", "hint"),
    [
        ("apt-get", True, "Run `apt-get install nix-bin`."),
        ("apt-get", False, "Run `sudo apt-get install nix-bin`."),
        ("pacman", False, "Run `sudo pacman -S nix`."),
        ("other", False, "Install it as https://nixos.org/download says."),
    ],
)
def test_no_nix(tmp_path: Path, manager: str, is_root: bool, hint: str) -> None:
    program(tmp_path, manager)
    with pytest.raises(HostError) as caught:
        find_nix({"PATH": str(tmp_path)}, is_root=is_root)
    assert str(caught.value) == f"nix is not installed. {hint}"


def test_nix_is_found_with_its_tools(tmp_path: Path) -> None:
    nix = program(tmp_path, "nix", "echo 'nix (Nix) 2.8.1'")
    store = program(tmp_path, "nix-store")
    found = find_nix({"PATH": str(tmp_path)})
    assert found == Nix(program=str(nix), version=(2, 8, 1))
    assert found.tool("nix-store") == str(store)
    assert found.tool("nix-env") == "nix-env"


def test_nix_is_too_old(tmp_path: Path) -> None:
    nix = program(tmp_path, "nix", "echo 'nix (Nix) 2.3.16'")
    with pytest.raises(HostError) as caught:
        find_nix({"PATH": str(tmp_path)})
    assert str(caught.value) == f"{nix}: Nix 2.3.16 is too old: 2.8 or newer is needed. Install a newer Nix."


def test_a_command_is_run(tmp_path: Path) -> None:
    path = program(tmp_path, "x", 'cat; echo "$A $PWD" >&2')
    output = run([str(path)], environ={"A": "é", "PATH": os.defpath}, cwd=tmp_path, stdin="in")
    assert (output.stdout, output.stderr) == ("in", f"é {tmp_path}\n")


def test_a_command_that_fails(tmp_path: Path) -> None:
    path = program(tmp_path, "nix-x", "echo error: no >&2; exit 1")
    with pytest.raises(NivisError) as caught:
        run([str(path), "--do", "it"], environ={"PATH": os.defpath})
    assert (
        str(caught.value) == "nix failed while running `nix-x --do it`: no. Run `nivis doctor` to check this machine."
    )


def test_a_store_that_is_mounted_read_only() -> None:
    error = translate("error: remounting /nix/store writable: Invalid argument", doing="building")
    assert str(error) == (
        "/nix: the Nix store is mounted read-only. Run `sudo mount -o remount,rw /nix`, then try again."
    )


def test_a_missing_command(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="nix is not installed"):
        run([str(tmp_path / "nix")], environ={"PATH": str(tmp_path)})


def test_lines_are_streamed(tmp_path: Path) -> None:
    path = program(tmp_path, "x", "echo one >&2; echo two >&2; echo out; exit 3")
    with stream([str(path)], environ={"PATH": os.defpath}) as running:
        assert list(running.lines()) == ["one", "two"]
        assert running.finish() == (3, "out\n")


def test_leaving_early_interrupts(tmp_path: Path) -> None:
    path = program(
        tmp_path, "x", f"trap 'echo bye > {tmp_path}/bye; exit 1' TERM; echo ready >&2; while :; do sleep 0.01; done"
    )

    def interrupted() -> None:
        with stream([str(path)], environ={"PATH": os.defpath}) as running:
            next(running.lines())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "bye").read_text() == "bye\n"
