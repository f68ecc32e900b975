"""What the benchmarks share: timed commands, a store of their own, Markdown tables.

Everything that is compared runs in turn, round after round, on the same machine: read the ratios, the seconds are the
machine's. Nothing is deleted between rounds, since ext4 looks past every inode deleted in the last half minute and the
next run would pay for it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import select
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NIVIS = Path(sys.executable).with_name("nivis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command that ended well."""

    seconds: float
    cpu: float  # seconds of processor time, with all its children's
    memory: float  # MB, the peak resident set of the largest process
    own: float  # MB, that of the command itself
    stdout: str
    stderr: str


def run(argv: Sequence[str | Path], *, cwd: Path, environ: Mapping[str, str] = {}, store: Path | None = None) -> Run:
    """Run a command, on a store of its own if one is given; exits with its messages if it fails."""
    command = [str(word) for word in argv]
    if store is not None:
        store.mkdir(parents=True, exist_ok=True)
        inner = f"mount --bind {shlex.quote(str(store))} /nix && exec {shlex.join(command)}"
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", *user, "--mount", "sh", "-c", inner]
    base = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env={**base, **environ}, stdout=out, stderr=err)
        own = _watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            sys.exit(f"{shlex.join(command)}\nended with {process.returncode}\n{out.read()}{err.read()}")
        return Run(
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            memory=usage.ru_maxrss / 1024,
            own=own,
            stdout=out.read(),
            stderr=err.read(),
        )


def _watch(pid: int) -> float:
    """Wait until a process ends; return its peak resident set in MB, as far as it was seen every 50 ms."""
    peak = 0.0
    status = Path(f"/proc/{pid}/status")
    handle = os.pidfd_open(pid)
    try:
        while not select.select([handle], [], [], 0.05)[0]:
            found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
            peak = max(peak, int(found[1]) / 1024 if found else 0.0)
    finally:
        os.close(handle)
    return peak


@contextlib.contextmanager
def scratch(default: str = "/var/tmp") -> Iterator[Path]:
    """Yield a folder that is removed at the end (below $TMPDIR, else ``default``)."""
    folder = Path(tempfile.mkdtemp(prefix="nivis-bench-", dir=os.environ.get("TMPDIR", default)))
    try:
        yield folder
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def git_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a project of these files, in a git repository."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit everything."""
    subprocess.run(["git", "-C", str(folder), "add", "--all"], check=True)
    name = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", "-C", str(folder), *name, "commit", "--quiet", "--message", "bench"], check=True)


def caches(folder: Path) -> dict[str, str]:
    """Return the environment that puts every cache of nivis and Nix below a folder."""
    return {"XDG_CACHE_HOME": str(folder), "NIVIS_CACHE": str(folder / "nivis")}


NIX = {
    "NIX_CONFIG": "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\nflake-registry =\n"
    "sandbox = true\nwarn-dirty = false\n"
}


def spread(values: Sequence[float], unit: str = "s") -> str:
    """Return median and range: ``8.2 s (8.1-9.1)``."""
    digits = 2 if statistics.median(values) < 10 else 1
    text = f"{statistics.median(values):.{digits}f} {unit}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratio(values: Sequence[float], base: Sequence[float]) -> str:
    """Return the median of the ratios round by round."""
    return f"{statistics.median(v / b for v, b in zip(values, base, strict=True)):.2f}"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |", flush=True)


def machine() -> str:
    """Return the machine in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    nix = subprocess.run(["nix", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, {nix}; load before: {load:.1f}"
