"""Python environments of real wheels, on both suites: in the sandbox, in the shell, and nothing of the host's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.project import Project, locked
from support.uv import install_uv, run_uv

pytestmark = [pytest.mark.nix, pytest.mark.network]

# Compiled code of every build system, data files, namespace packages (zope), console scripts (black).
PACKAGES = [
    "black==25.11.0",
    "lightgbm==4.6.0",
    "matplotlib==3.10.7",
    "numpy==2.2.6",
    "opencv-python-headless==4.12.0.88",
    "pandas==2.3.3",
    "polars==1.35.2",
    "pyarrow==22.0.0",
    "scikit-learn==1.7.2",
    "zope.event==6.0",
    "zope.interface==8.1",
]

# Uses each package for more than its import, since much is loaded late; then says which files of the host are mapped.
CHECK = """
import io, json, pathlib, subprocess, sys

import cv2, lightgbm, matplotlib.pyplot, numpy, pandas, polars, pyarrow.parquet, sklearn.linear_model
import zope.event, zope.interface, ssl, sqlite3, ctypes, bz2, lzma, decimal, zoneinfo, locale

rng = numpy.random.default_rng(0)
table = pandas.DataFrame({"x": rng.normal(size=50), "y": rng.normal(size=50)})
buffer = io.BytesIO()
pyarrow.parquet.write_table(pyarrow.Table.from_pandas(table), buffer, compression="zstd")
buffer.seek(0)
assert polars.read_parquet(buffer).lazy().select(polars.col("x").sum()).collect().shape == (1, 1)
sklearn.linear_model.LogisticRegression().fit(table[["x"]], table["y"] > 0)
lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(table[["x"]], table["y"]), 1)
assert cv2.resize(numpy.zeros((4, 4), "uint8"), (2, 2)).shape == (2, 2)
figure, axes = matplotlib.pyplot.subplots()
axes.set_title("title")
figure.savefig(io.BytesIO(), format="png")
figure.savefig(io.BytesIO(), format="pdf")
assert numpy.linalg.norm(numpy.linalg.inv(numpy.eye(3))) > 1
assert zoneinfo.ZoneInfo("Europe/Berlin").key
assert ssl.create_default_context().get_ca_certs()
subprocess.run(["black", "--version"], check=True, stdout=subprocess.DEVNULL)

mapped = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if len(line.split(None, 5)) > 5}
files = {path for path in mapped if path.startswith("/") and not path.startswith(("/dev/", "/memfd:", "/SYSV"))}
programs = [sys.executable, zope.event.__file__, zope.interface.__file__]
pathlib.Path(sys.argv[1]).write_text(json.dumps({
    "host": sorted(path for path in files if not path.startswith("/nix/store/")),
    "programs": [path for path in programs if not path.startswith("/nix/store/")],
    "libraries": sum(".so" in path for path in files),
    "python": ".".join(map(str, sys.version_info[:2])),
}))
"""


@pytest.fixture(scope="session")
def uv(shared: Path) -> Path:
    with locked(shared / "uv.lock"):
        program = shared / "uv/bin/uv"
        return program if program.exists() else install_uv(shared / "uv")


def depend(project: Project, packages: list[str]) -> None:
    project.edit("pyproject.toml", "dependencies = []", f"dependencies = {json.dumps(packages)}")


@pytest.fixture(
    params=[pytest.param(suite, marks=pytest.mark.xdist_group(f"big-{suite}")) for suite in ("bookworm", "trixie")]
)
def big(request: pytest.FixtureRequest, bare: Callable[[str], Path], uv: Path, shared: Path) -> tuple[Project, str]:
    """Return a built project with all of PACKAGES (made once), and the version of its Python."""
    suite = str(request.param)
    root = shared / f"big-{suite}"
    with locked(shared / f"big-{suite}.lock"):
        if not root.exists():
            build_big(bare(suite), root.with_suffix(".new"), uv)
            root.with_suffix(".new").rename(root)
            Project(root).nivis("build", "lab")
    return Project(root), {"bookworm": "3.11", "trixie": "3.13"}[suite]


def build_big(bare: Path, root: Path, uv: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(bare, root, symlinks=True)
    project = Project(root)
    depend(project, PACKAGES)
    run_uv(uv, root, "lock")
    project.write("experiments/lab/check.py", CHECK)
    project.write(
        "experiments/lab/experiment.toml",
        """
[steps.check]
run = "python check.py ${out}/found.json"
outputs = ["found.json"]

[steps.script]
run = "black --version > ${out}/version; head -1 $(command -v black) > ${out}/head"
outputs = ["version"]
""",
    )
    project.nivis("build", "lab")


def no_host(found: dict[str, object], python: str) -> None:
    libraries = found.pop("libraries")
    assert found == {"host": [], "programs": [], "python": python}
    assert isinstance(libraries, int)
    assert libraries > 100


def test_every_package_works_in_a_step(big: tuple[Project, str]) -> None:
    project, python = big
    no_host(json.loads((project.root / "generated/lab/steps/check/found.json").read_text()), python)


def test_every_package_works_in_the_shell_and_nothing_of_the_host_is_loaded(
    big: tuple[Project, str], tmp_path: Path
) -> None:
    project, python = big
    project.nivis("shell", "--", "python", "experiments/lab/check.py", tmp_path / "found.json")
    no_host(json.loads((tmp_path / "found.json").read_text()), python)


def test_every_package_works_in_nix_develop(big: tuple[Project, str], tmp_path: Path) -> None:
    project, python = big
    project.nix("develop", "-c", "python", "experiments/lab/check.py", tmp_path / "found.json")
    no_host(json.loads((tmp_path / "found.json").read_text()), python)


def test_every_package_works_in_the_shell_of_a_step(big: tuple[Project, str], tmp_path: Path) -> None:
    project, python = big
    project.nivis("shell", "lab.check", "--", "python", "check.py", tmp_path / "found.json")
    no_host(json.loads((tmp_path / "found.json").read_text()), python)


def test_console_scripts_run_with_the_environments_python(big: tuple[Project, str]) -> None:
    project, _ = big
    script = project.root / "generated/lab/steps/script"
    assert (script / "version").read_text().startswith("black, 25.11.0")
    assert (script / "head").read_text().startswith("#!/nix/store/")
    assert project.nivis("shell", "--", "black", "--version").out.startswith("black, 25.11.0")


def test_plain_nix_builds_the_same(big: tuple[Project, str]) -> None:
    project, _ = big
    assert project.nix_built("experiment-lab") == str((project.root / "generated/lab").readlink())


def test_bytecode_is_compiled(big: tuple[Project, str]) -> None:
    project, _ = big
    code = (
        "import sys, importlib.util as u, os\n"
        "for name in ('numpy', 'pandas', 'sklearn', 'click', 'zope.event', 'json', 'encodings'):\n"
        "    assert os.path.exists(u.cache_from_source(u.find_spec(name).origin)), name\n"
    )
    project.nivis("shell", "--", "python", "-c", code)


def test_a_pylock_is_read(project: Project, uv: Path, tmp_path: Path) -> None:
    depend(project, ["zope.event==6.0", "zope.interface==8.1", "colorama; sys_platform == 'win32'"])
    shutil.copy(project.root / "pyproject.toml", tmp_path)
    run_uv(uv, tmp_path, "export", "-q", "--format", "pylock.toml", "--no-emit-project", "-o", "pylock.toml")
    shutil.copy(tmp_path / "pylock.toml", project.root)
    project.nivis("lock")
    wheels = json.loads((project.root / "nivis.lock").read_text())["python"]["wheels"]
    names = {wheel["name"] for wheel in wheels}
    assert names >= {"zope-event", "zope-interface"}
    assert "colorama" not in names
    project.nivis("shell", "--", "python", "-c", "import zope.event, zope.interface")


def test_a_package_without_a_wheel_is_named(project: Project, uv: Path) -> None:
    depend(project, ["zope.event==6.0", "docopt==0.6.2"])
    run_uv(uv, project.root, "lock")
    before = (project.root / "nivis.lock").read_bytes()
    said = project.nivis("lock", code=2).err
    assert "docopt" in said
    assert "zope" not in said
    assert (project.root / "nivis.lock").read_bytes() == before


def test_two_environments_share_their_wheels(project: Project, uv: Path) -> None:
    depend(project, ["zope.event==6.0"])
    run_uv(uv, project.root, "lock")
    event = "import os, zope.event as e; print(os.path.realpath(e.__file__))"
    project.nivis("lock")
    first = project.nivis("shell", "--", "python", "-c", event).out
    project.edit("pyproject.toml", '"zope.event==6.0"', '"zope.event==6.0", "zope.interface==8.1"')
    run_uv(uv, project.root, "lock")
    second = project.nivis("shell", "--", "python", "-c", event + "; import zope.interface").out
    assert first == second
