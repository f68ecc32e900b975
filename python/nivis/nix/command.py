"""Find Nix, run it, and say in the user's terms what its failures mean.

Nix's messages are matched only to explain failures of the machine; results are read from stdout, exit status
and ``--log-format internal-json``.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nivis.errors import HostError, LockError, ManifestError, NivisError
from nivis.nix.text import plain

OLDEST = (2, 8)
_INSTALL = (  # package manager, command
    ("apt-get", "apt-get install nix-bin"),
    ("dnf", "dnf install nix"),
    ("pacman", "pacman -S nix"),
    ("apk", "apk add nix"),
    ("zypper", "zypper install nix"),
)
_PATIENCE = 10.0  # seconds that Nix gets to end by itself after an interrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Nix:
    """The Nix of this machine."""

    program: str
    version: tuple[int, ...]

    def tool(self, name: str) -> str:
        """Return the path of a program that came with Nix (``nix-store``)."""
        beside = Path(self.program).with_name(name)
        return str(beside) if beside.exists() else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a finished command wrote."""

    stdout: str
    stderr: str


def install_command(environ: Mapping[str, str], *, is_root: bool = False) -> str:
    """Return the next move that brings Nix to this machine."""
    sudo = "" if is_root else "sudo "
    for manager, command in _INSTALL:
        if shutil.which(manager, path=environ.get("PATH", "")):
            return f"Run `{sudo}{command}`."
    return "Install it as https://nixos.org/download says."


def missing_program(environ: Mapping[str, str], *, is_root: bool = False) -> HostError:
    """Return the error for a machine without Nix."""
    return HostError("nix is not installed", hint=install_command(environ, is_root=is_root))


def parse_version(text: str) -> tuple[int, ...]:
    """Return the version in what ``nix --version`` prints: ``nix (Nix) 2.8.0`` is ``(2, 8, 0)``."""
    found = re.findall(r"(?<![\w.])(\d+(?:\.\d+)+)", text)
    if not found:
        raise HostError(
            f"`nix --version` answered {text.strip()!r}", hint="Check that `nix` on PATH is the Nix package manager."
        )
    return tuple(int(part) for part in found[-1].split("."))


def find_nix(environ: Mapping[str, str], *, is_root: bool = False) -> Nix:
    """Return the Nix on PATH; raise HostError if there is none or it is older than 2.8."""
    program = shutil.which("nix", path=environ.get("PATH", ""))
    if program is None:
        raise missing_program(environ, is_root=is_root)
    answer = subprocess.run([program, "--version"], env=dict(environ), capture_output=True, text=True, check=False)
    version = parse_version(answer.stdout)
    if version[:2] < OLDEST:
        found, needed = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
        raise HostError(
            f"Nix {found} is too old: {needed} or newer is needed", where=program, hint="Install a newer Nix."
        )
    return Nix(program=program, version=version)


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: Path | None = None,
    stdin: str | None = None,
    doing: str = "",
) -> Output:
    """Run a command of Nix to its end and return what it wrote; raise what its failure means.

    ``doing`` completes the sentence "nix failed while …".
    """
    with (
        _start(argv, environ, cwd, subprocess.PIPE if stdin is not None else subprocess.DEVNULL) as process,
        _ending(process),
    ):
        # Bytes: text mode would turn the carriage returns of a progress bar into lines.
        stdout, stderr = map(_decoded, process.communicate(stdin.encode() if stdin is not None else None))
    # --check-validity --print-invalid and others answer by their output: only an error message makes a failure
    if process.returncode:
        raise translate(stderr, doing=doing or f"running `{' '.join(Path(argv[0]).name.split() + list(argv[1:3]))}`")
    return Output(stdout=stdout, stderr=stderr)


@contextlib.contextmanager
def stream(argv: Sequence[str], *, environ: Mapping[str, str], cwd: Path | None = None) -> Iterator[Stream]:
    """Run a command of Nix whose stderr is read line by line while it runs; leaving early interrupts it.

    Its stdout (store paths, JSON) must fit into a pipe's buffer or be small: it is read at the end.
    """
    with _start(argv, environ, cwd, subprocess.DEVNULL) as process, _ending(process):
        yield Stream(process)


class Stream:
    """A running command: ``lines()`` first, then ``finish()``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def lines(self) -> Iterator[str]:
        """Yield the lines of stderr as they come, without line ends."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            yield _decoded(line).rstrip("\n")

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def stop(self) -> None:
        """Have the process end; may be called from another thread."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def finish(self) -> tuple[int, str]:
        """Return the exit status and stdout."""
        assert self._process.stdout is not None
        stdout = _decoded(self._process.stdout.read())
        return self._process.wait(), stdout


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _start(argv: Sequence[str], environ: Mapping[str, str], cwd: Path | None, stdin: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            env=dict(environ),
            cwd=cwd,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise missing_program(environ) from None


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process if the block is left before it has ended: politely, then by force."""
    try:
        yield
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


Explain = Callable[[re.Match[str]], NivisError]


def _disabled(match: re.Match[str]) -> NivisError:
    feature = match[1]
    return HostError(
        f"Nix refuses its feature '{feature}'",
        hint=f"Add `extra-experimental-features = nix-command flakes` to ~/.config/nix/nix.conf, and take '{feature}' "
        "out of what forbids it in NIX_CONFIG.",
    )


def _unwritable(match: re.Match[str]) -> NivisError:
    if "daemon-socket" in match[0]:
        return HostError(
            "the Nix daemon does not let you in",
            where="/nix/var/nix/daemon-socket",
            hint="Run `sudo usermod -aG nix-users $USER` and log in again.",
        )
    return HostError(
        "the Nix store is not writable for you and no Nix daemon is running",
        where="/nix",
        hint="Start the daemon (`sudo apt-get install nix-setup-systemd`, or `sudo systemctl start nix-daemon`), "
        "or `sudo chown -R $USER /nix` for a single user.",
    )


def _read_only(_: re.Match[str]) -> NivisError:
    return HostError(
        "the Nix store is mounted read-only", where="/nix", hint="Run `sudo mount -o remount,rw /nix`, then try again."
    )


def _disk_full(_: re.Match[str]) -> NivisError:
    return HostError(
        "no space left on the disk that holds the Nix store",
        where="/nix",
        hint="Run `nix-store --gc` to delete what no project links to; the next run goes on where this one stopped.",
    )


def _no_sandbox(_: re.Match[str]) -> NivisError:
    return HostError(
        "Nix cannot make a sandbox here: the system does not allow the kernel namespaces it needs",
        hint="Run `sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000`, "
        "or give the container the capability SYS_ADMIN.",
    )


def _no_group(match: re.Match[str]) -> NivisError:
    return HostError(
        f"the group '{match[1]}' that Nix builds under does not exist",
        hint="Write `build-users-group =` to /etc/nix/nix.conf, or run `sudo apt-get install nix-setup-systemd`.",
    )


def _untracked(match: re.Match[str]) -> NivisError:
    file = match[1]
    return ManifestError(
        "git does not track the file, so Nix does not see it", where=file, hint=f"Run `git add {file}`."
    )


def _no_flake(_: re.Match[str]) -> NivisError:
    return LockError("is missing", where="flake.nix", hint="Run `nivis lock` to write it.")


def _no_attribute(match: re.Match[str]) -> NivisError:
    return LockError(f"has no output '{match[1]}'", where="flake.nix", hint="Run `nivis lock`, then try again.")


def _no_daemon(_: re.Match[str]) -> NivisError:
    return HostError("the Nix daemon does not answer", hint="Run `sudo systemctl start nix-daemon`.")


_MEANINGS: tuple[tuple[re.Pattern[str], Explain], ...] = tuple(
    (re.compile(pattern), explain)
    for pattern, explain in (
        (r"No space left on device|database or disk is full", _disk_full),
        (r"experimental Nix feature '([^']+)' is disabled", _disabled),
        (
            r"kernel namespaces that are required|setgroups failed|cloning builder|unable to start build process",
            _no_sandbox,
        ),
        (r"error: the group '([^']+)' specified in 'build-users-group'", _no_group),
        (r"remounting /nix/store writable", _read_only),
        (r"[^\n]*/nix/var/nix/[^\n]*: (?:Permission denied|Read-only file system)", _unwritable),
        (
            r"(?:opening|creating|path)[^\n]*['\" ]/nix/store[^\n]*: (?:Permission denied|Read-only file system)",
            _unwritable,
        ),
        (r"cannot connect to (?:daemon|socket)[^\n]*", _no_daemon),
        (r"Path '([^']+)' (?:in the repository|does not exist in Git|[^\n]*is not tracked)", _untracked),
        (r"error: getting status of '/nix/store/[a-z0-9]{32}-source/([^']+)': No such file", _untracked),
        (r"error: path '/nix/store/[a-z0-9]{32}-source/([^']+)' does not exist", _untracked),
        (r"could not find a flake.nix file", _no_flake),
        (r"does not provide attribute .*?'([^'.]+)'\n?$", _no_attribute),
    )
)


def translate(stderr: str, *, doing: str) -> NivisError:
    """Return the error that Nix's messages stand for. ``doing`` completes "nix failed while …"."""
    text = plain(stderr).strip()
    known = explained(text)
    return known or HostError(
        f"nix failed while {doing}: {message(text)}", hint="Run `nivis doctor` to check this machine."
    )


def explained(text: str) -> NivisError | None:
    """Return the error of the machine that a text tells of, None if it tells of none that is known."""
    for pattern, explain in _MEANINGS:
        if match := pattern.search(text):
            return explain(match)
    return None


def message(stderr: str) -> str:
    """Return what Nix's last error says, in one line."""
    text = plain(stderr)
    said = text.rpartition("error:")[2] if "error:" in text else text
    return " ".join(said.split()).rstrip(".") or "it gave no reason"
