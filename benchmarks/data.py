"""Data: locked and brought to the store, beside `cp` and `sha256sum`; recognised without reading when unchanged."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

from common import NIVIS, Run, caches, git_project, machine, ratio, run, scratch, spread, table

PYPROJECT = """\
[project]
name = "bench"
version = "0.1.0"
requires-python = ">=3.11"
"""
EXPERIMENT = """\
[experiment]
title = "size"

[data.all]
path = "data/all"

[steps.size]
run = "du -sbL ${data.all} > ${out}/size"
outputs = ["size"]
"""


def project(folder: Path) -> Path:
    """Make a project whose only step says how large its data is."""
    return git_project(
        folder,
        {
            "pyproject.toml": PYPROJECT,
            ".gitignore": "/data/\n/generated/\n/.nivis/\n",
            "experiments/size/experiment.toml": EXPERIMENT,
        },
    )


def write(path: Path, size: int) -> None:
    """Write so many random bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, size, 1 << 24):
            file.write(os.urandom(min(1 << 24, size - start)))
        file.flush()
        os.fsync(file.fileno())


def read_bytes(argv: list[str | Path], cwd: Path, environ: dict[str, str]) -> int:
    """Return how many bytes of files below data/ a command and its children read, by strace; -1 without strace."""
    trace = cwd.with_suffix(".trace")
    tracer = ["strace", "-f", "-qq", "-y", "-e", "trace=read,pread64,readv,sendfile,copy_file_range", "-o", str(trace)]
    try:
        subprocess.run([*tracer, *argv], cwd=cwd, env={**os.environ, **environ}, check=True, capture_output=True)
    except FileNotFoundError:
        return -1
    lines = [line for line in trace.read_text(errors="replace").splitlines() if f"{cwd}/data/" in line]
    return sum(int(line.rpartition("= ")[2].split()[0]) for line in lines if line.rpartition("= ")[2][:1].isdigit())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000)
    options = parser.parse_args()
    print(f"## Data\n\n{machine()}")
    with scratch() as place:
        big, many = place / "big", place / "many"
        write(big, options.megabytes * 1_000_000)
        for n in range(10_000):
            write_small(many / f"{n // 100:02}" / f"{n:05}.bin")
        store, environ = place / "store", caches(place / "cache")
        base = project(place / "base")
        write(base / "data/all", 1000)
        run([NIVIS, "build"], cwd=base, environ=environ, store=store)  # the toolchain
        found: dict[str, list[Run]] = {name: [] for name in ("copy", "tiny", "file", "folder", "again", "again-many")}
        for n in range(options.runs):
            script = f"cp {big} {place}/copy-{n} && sha256sum {place}/copy-{n}"
            found["copy"].append(run(["sh", "-c", script], cwd=place))
            (place / f"copy-{n}").unlink()
            for name, source in (("tiny", None), ("file", big), ("folder", many)):
                here = project(place / f"{name}-{n}")
                shutil.copy(base / "nivis.lock", here)  # the toolchain is locked already
                if source is None:
                    write(here / "data/all", 1000 + n)
                elif source.is_dir():
                    subprocess.run(["cp", "-r", source, prepared(here)], check=True)
                    (here / "data/all/new").write_text(str(n))
                else:
                    os.link(source, prepared(here))
                    with source.open("r+b") as file:  # other content, so that nothing of it is known
                        file.write(os.urandom(64))
                subprocess.run("sleep 3; sync", shell=True, check=True)  # "racily clean" files are not remembered
                found[name].append(run([NIVIS, "build"], cwd=here, environ=environ, store=store))
            found["again"].append(run([NIVIS, "build"], cwd=place / f"file-{n}", environ=environ, store=store))
            found["again-many"].append(run([NIVIS, "build"], cwd=place / f"folder-{n}", environ=environ, store=store))
        trace = ["unshare", "--mount", "sh", "-c", f"mount --bind {store} /nix && exec {NIVIS} build"]
        last = [place / f"{name}-{options.runs - 1}" for name in ("file", "folder")]
        read = [read_bytes([*trace], folder, environ) for folder in last]
    seconds = {name: [one.seconds for one in runs] for name, runs in found.items()}
    own = [a - b for a, b in zip(seconds["file"], seconds["tiny"], strict=True)]
    memory = {name: max(one.memory for one in runs) for name, runs in found.items()}
    less = [a - b for a, b in zip(seconds["folder"], seconds["tiny"], strict=True)]
    rows = [
        ["`cp` and `sha256sum`", spread(seconds["copy"]), "1.00", f"{memory['copy']:.0f} MB"],
        [
            "`nivis build`, less the same with 1 kB",
            spread(own),
            ratio(own, seconds["copy"]),
            f"{memory['file']:.0f} MB",
        ],
        ["`nivis build` with 1 kB", spread(seconds["tiny"]), "", f"{memory['tiny']:.0f} MB"],
        ["10,000 files of 10 kB, less the same with 1 kB", spread(less), "", f"{memory['folder']:.0f} MB"],
    ]
    table(f"One file of {options.megabytes} MB, new to nivis", ["", "wall", "× cp + sha256sum", "peak memory"], rows)
    rows = [
        [f"{options.megabytes} MB in one file", spread(seconds["again"]), f"{read[0]}"],
        ["10,000 files of 10 kB", spread(seconds["again-many"]), f"{read[1]}"],
    ]
    table("`nivis build` again, nothing changed", ["", "wall", "bytes read of the data"], rows)


def write_small(path: Path) -> None:
    """Write 10 kB."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(10_000))


def prepared(folder: Path) -> Path:
    """Return where the data of a project goes."""
    (folder / "data").mkdir()
    return folder / "data/all"


if __name__ == "__main__":
    main()
