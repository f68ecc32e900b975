"""The environment of a scientific project: nivis beside uv, from nothing and with a toolchain in place.

Both get the same uv.lock and an empty cache, and both end with an environment whose modules are compiled. uv finds its
Python installed; nivis from nothing also fetches, unpacks, patches and compiles Debian's Python, bash and coreutils.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import venv
from pathlib import Path

from common import NIVIS, Run, caches, commit, git_project, machine, ratio, run, scratch, spread, table

PYPROJECT = """\
[project]
name = "bench"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = [{}]

[tool.nivis.toolchain]
suite = "bookworm"
packages = []

[tool.uv]
package = false
"""
PINS = ["numpy==2.2.6", "pandas==2.2.3", "scikit-learn==1.6.1", "matplotlib==3.10.3", "pyarrow==20.0.0"]
IMPORT = "import numpy, pandas, sklearn, matplotlib.pyplot"


def find_uv(folder: Path) -> Path:
    """Return uv: the one on PATH, else one installed into a folder."""
    if found := shutil.which("uv"):
        return Path(found)
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "uv"], check=True)
    return folder / "bin/uv"


def project(folder: Path, pins: list[str], uv: Path, environ: dict[str, str]) -> Path:
    """Make a project and lock it with uv and with nivis."""
    text = PYPROJECT.format(", ".join(f'"{pin}"' for pin in pins))
    git_project(folder, {"pyproject.toml": text, ".gitignore": "/.venv/\n"})
    run([uv, "lock", "--quiet", "--python", "python3.11"], cwd=folder)
    commit(folder)
    run([NIVIS, "lock"], cwd=folder, environ=environ, store=folder.with_suffix(".lock-store"))
    commit(folder)
    return folder


def sync(uv: Path, project: Path, place: Path) -> Run:
    """Have uv make the environment from an empty cache."""
    environ = {"UV_CACHE_DIR": str(place / "cache"), "UV_PROJECT_ENVIRONMENT": str(place / "venv")}
    argv: list[str | Path] = [uv, "sync", "--quiet", "--frozen", "--compile-bytecode", "--python", "python3.11"]
    return run(argv, cwd=project, environ=environ)


def shell(project: Path, cache: Path, store: Path, *command: str) -> Run:
    """Have nivis make the environment, and run a command in it."""
    argv: list[str | Path] = [NIVIS, "shell", "--", *(command or ("true",))]
    return run(argv, cwd=project, environ=caches(cache), store=store)


def imports(python: str | Path, cwd: Path, *, store: Path | None = None) -> float:
    """Return the seconds of a warm start of Python with the imports: the third of three."""
    return [run([python, "-c", IMPORT], cwd=cwd, store=store).seconds for _ in range(3)][-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print(f"## Environment\n\n{machine()}")
    with scratch() as place:
        uv = find_uv(place / "uv")
        first = project(place / "first", PINS, uv, caches(place / "lock-cache"))
        second = project(place / "second", [*PINS, "humanize==4.12.3"], uv, caches(place / "lock-cache"))
        bare = project(place / "bare", ["six==1.17.0"], uv, caches(place / "lock-cache"))
        times: dict[str, list[Run]] = {"uv": [], "nothing": [], "toolchain": [], "second": []}
        warm: dict[str, list[float]] = {"uv": [], "nivis": []}
        for n in range(runs):
            here = place / str(n)
            times["uv"].append(sync(uv, first, here / "uv"))
            times["nothing"].append(shell(first, here / "cache", here / "store"))
            shell(bare, here / "bare-cache", here / "bare-store")
            times["toolchain"].append(shell(first, here / "cache-2", here / "bare-store"))
            times["second"].append(shell(second, here / "cache", here / "store"))
            where = shell(first, here / "cache", here / "store", "python", "-c", "import sys; print(sys.executable)")
            for _ in range(5):
                warm["uv"].append(imports(here / "uv/venv/bin/python", place))
                warm["nivis"].append(imports(where.stdout.strip(), place, store=here / "store"))
    seconds = {name: [one.seconds for one in found] for name, found in times.items()}
    cpu = {name: [one.cpu for one in found] for name, found in times.items()}
    names = {
        "uv": "`uv sync --frozen --compile-bytecode`, empty cache",
        "nothing": "`nivis shell`, empty store and cache, toolchain included",
        "toolchain": "`nivis shell`, toolchain in the store, no wheels",
        "second": "`nivis shell`, second environment that shares all wheels but one",
    }
    rows = [
        [text, spread(seconds[name]), ratio(seconds[name], seconds["uv"]), spread(cpu[name])]
        for name, text in names.items()
    ]
    table(f"{', '.join(PINS)}", ["", "wall", "× uv", "processor time"], rows)
    rows = [[f"`{IMPORT}`, {name}", spread(values), ratio(values, warm["uv"])] for name, values in warm.items()]
    table("Start of Python, warm", ["", "wall", "× uv"], rows)


if __name__ == "__main__":
    main()
