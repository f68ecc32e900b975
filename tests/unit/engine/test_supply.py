"""What has to be brought: only what the wanted outputs still need."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from nivis.engine.bring import fetch_files
from nivis.engine.debs import deb_download, gone
from nivis.engine.inventory import DataItem, ExperimentItem, Inventory, Item, RootItem, StepItem, WheelItem
from nivis.engine.need import Need, given, needed
from nivis.engine.workspace import Workspace
from nivis.fetch.cache import Cache
from nivis.fetch.download import Download, NotFoundError
from nivis.fetch.transfer import Stop
from nivis.lock.model import Archive, DebianPackage, Lock, LockedData, PythonEnvironment, Root, Toolchain, Tree, Wheel
from nivis.manifest.model import Project
from nivis.progress import Silent

SIX, ATTRS = (
    Wheel(name=n, version="1", file=f"{n}.whl", sha256=n, url=f"https://x.example/{n}") for n in ("six", "attrs")
)
TABLE = LockedData(name="table.csv", origin={"path": "data/table.csv"}, sha256="t")
BIRDS = LockedData(
    name="birds.csv",
    origin={"pypi": "birds==1", "file": "birds.csv"},
    sha256="b",
    archive=Archive(registry="pypi", file="birds.whl", sha256="w"),
)
LOCK = Lock(
    system="x86_64-linux",
    source=(),
    files={},
    toolchain=Toolchain(
        kind="debian", suite="trixie", date="", request="", python="3.13.5", libc="2.41", packages=(),
        tree=Tree(name="debian", hash="sha256-x", size=9),
    ),
    python=PythonEnvironment(request="", wheels=(ATTRS, SIX)),
    data={"lab/birds": BIRDS, "lab/table": TABLE},
)  # fmt: skip


def item(name: str) -> Item:
    return Item(drv=f"{name}.drv", out=name)


INVENTORY = Inventory(
    base="base",
    toolchain=item("toolchain"),
    environment=item("environment"),
    shell=item("shell"),
    wheels=(
        WheelItem(file="attrs.whl", archive="attrs.whl", out="attrs"),
        WheelItem(file="six.whl", archive="six.whl", out="six"),
    ),
    experiments={
        "lab": ExperimentItem(
            result=item("lab"),
            steps={name: StepItem(drv=f"{name}.drv", out=name) for name in ("clean", "train")},
            data={"table": DataItem(out="table"), "birds": DataItem(out="birds", archive="birds.whl")},
        )
    },
)
PLANS = {
    "lab": {
        "name": "lab",
        "steps": {"clean": {"data": ["table"], "files": []}, "train": {"data": ["birds"], "files": []}},
    }
}
ALL = set(INVENTORY.paths())


BOTH = ("clean", "train")


@pytest.mark.parametrize(
    ("absent", "steps", "need"),
    [
        (ALL, BOTH, Need(base=True, wheels=(ATTRS, SIX), data={"lab/birds": BIRDS, "lab/table": TABLE})),
        (set(), BOTH, Need()),
        # no step is to run: only the toolchain puts the result together
        (ALL, (), Need(base=True)),
        # what another step was given may be gone
        (ALL, ("train",), Need(base=True, wheels=(ATTRS, SIX), data={"lab/birds": BIRDS})),
        (ALL - {"environment", "toolchain"}, BOTH, Need(data={"lab/birds": BIRDS, "lab/table": TABLE})),
        # unpacked, or fetched and not yet unpacked
        (ALL - {"six", "attrs.whl", "toolchain"}, BOTH, Need(data={"lab/birds": BIRDS, "lab/table": TABLE})),
        (ALL - {"base", "six.whl", "table"}, BOTH, Need(wheels=(ATTRS,), data={"lab/birds": BIRDS})),
        # the package is there: the file is taken out of it
        (ALL - {"birds.whl", "base"}, BOTH, Need(wheels=(ATTRS, SIX), data={"lab/table": TABLE})),
    ],
)
def test_needed(absent: set[str], steps: tuple[str, ...], need: Need) -> None:
    assert needed(INVENTORY, LOCK, PLANS, absent, {"lab": steps}) == need
    assert bool(need) == (need != Need())


POLARS = Wheel(name="polars", version="1", file="polars.whl", sha256="p")
CHECKED = replace(
    INVENTORY,
    tables=item("tables"),
    wheels=(*INVENTORY.wheels, WheelItem(file="polars.whl", archive="polars.whl", out="polars")),
)
CHECKS = {
    "rules": {"table": {"data": "birds"}, "data": ["birds"], "steps": []},
    "floor": {"metric": {"step": "train"}, "data": [], "steps": ["train"]},
    "command": {"run": ["x"], "files": [], "data": ["table"], "steps": []},
}


@pytest.mark.parametrize(
    ("step", "need"),
    [
        ("checks.rules (test)", Need(wheels=(POLARS,), data={"lab/birds": BIRDS})),
        ("checks.floor (test)", Need()),
        ("checks.command (test)", Need(wheels=(ATTRS, SIX), data={"lab/table": TABLE})),
        ("checks.rules", Need()),
    ],
)
def test_what_checks_need(step: str, need: Need) -> None:
    lock = replace(LOCK, tables=PythonEnvironment(request="", wheels=(POLARS,)))
    plan = {**PLANS["lab"], "checks": CHECKS}
    assert needed(CHECKED, lock, {"lab": plan}, set(CHECKED.paths()) - {"toolchain"}, {"lab": [step]}) == need


def test_a_shell_needs_the_environment_though_nothing_is_to_run() -> None:
    assert needed(INVENTORY, LOCK, PLANS, ALL, {}) == Need()
    assert needed(INVENTORY, LOCK, PLANS, ALL, {}, shell=True) == Need(base=True, wheels=(ATTRS, SIX))


BWA, LIBZ = (
    DebianPackage(name=n, version="1", architecture="amd64", archive="debian", path=f"pool/{n}_1.deb", sha256=n, size=1)
    for n in ("bwa", "libz")
)
TOOLS = replace(INVENTORY, roots={"bwa": RootItem(drv="root.drv", out="root", debs=("bwa.deb", "libz.deb"))})
TOOLS_LOCK = replace(
    LOCK,
    debs={"bwa=1": BWA, "libz=1": replace(LIBZ, url="https://x.example/libz.deb")},
    roots={"bwa": Root(request="", date="2026-11-20", packages=("bwa=1", "libz=1"))},
)
CLEAN: dict[str, object] = {"data": [], "files": []}
TOOLS_PLANS = {"lab": {"name": "lab", "steps": {"clean": CLEAN, "train": {**CLEAN, "tools": ["bwa"]}}}}


@pytest.mark.parametrize(
    ("present", "steps", "debs"),
    [
        (set(), ["clean", "train"], ["bwa=1", "libz=1"]),
        ({"bwa.deb"}, ["train"], ["libz=1"]),
        ({"root"}, ["train"], []),  # made: its packages may be gone
        (set(), ["clean", "train (items)"], []),  # nothing that is to run asks for them
    ],
)
def test_the_packages_of_tools(present: set[str], steps: list[str], debs: list[str]) -> None:
    need = needed(TOOLS, TOOLS_LOCK, TOOLS_PLANS, set(TOOLS.paths()) - present, {"lab": steps})
    assert list(need.debs) == debs
    assert list(given(need).debs) == [name for name in debs if name == "bwa=1"]


def test_where_a_package_is_looked_for(tmp_path: Path) -> None:
    def urls(deb: DebianPackage, **environ: str) -> tuple[str, ...]:
        project = Project(root=tmp_path, name="lab")
        workspace = Workspace(project=project, environ=environ, cache=Cache(tmp_path), listener=Silent())
        return deb_download(workspace, deb).urls

    here = {"NIVIS_DEBIAN_MIRROR": "https://mirror.example/debian"}
    assert urls(BWA, **here) == ("https://mirror.example/debian/pool/bwa_1.deb",)
    locked = replace(BWA, url="https://other.example/bwa.deb")
    assert urls(locked, **here) == ("https://mirror.example/debian/pool/bwa_1.deb", "https://other.example/bwa.deb")


def test_packages_that_are_gone_are_one_problem() -> None:
    missing = [NotFoundError("not there", where=f"{name}_1.deb") for name in ("bwa", "libz")]
    other = NotFoundError("not there", where="six.whl")
    found = gone([*missing, other], TOOLS_LOCK.debs, TOOLS_LOCK)
    assert list(map(str, found)) == [
        "tools: the mirror no longer has 2 packages of the tools: bwa_1.deb, libz_1.deb (not there). "
        "Set NIVIS_DEBIAN_MIRROR (and NIVIS_DEBIAN_SECURITY_MIRROR) to a snapshot mirror of 2026-11-20, "
        "or run 'nivis lock --update toolchain' for today's packages.",
        "six.whl: not there.",
    ]
    assert gone([other], TOOLS_LOCK.debs, TOOLS_LOCK) == [other]


def test_what_plain_nix_cannot_fetch() -> None:
    bare = Wheel(name="bare", version="1", file="bare.whl", sha256="x")
    url = LockedData(name="u.csv", origin={"url": "https://x.example/u.csv"}, sha256="u")
    need = Need(base=True, wheels=(ATTRS, bare), data={"lab/birds": BIRDS, "lab/table": TABLE, "lab/url": url})
    assert given(need) == Need(base=True, wheels=(bare,), data={"lab/birds": BIRDS, "lab/table": TABLE})


def test_a_package_is_found_here_where_the_lock_knows_no_url_or_a_mirror_out_of_reach(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    files = [f"{name}-1-py3-none-any.whl" for name in ("six", "attrs", "birds")]
    hashes = []
    for file in files:
        (folder / file).write_text(file)
        hashes.append(hashlib.sha256(file.encode()).hexdigest())
    six = Wheel(name="six", version="1", file=files[0], sha256=hashes[0])
    attrs = Wheel(name="attrs", version="1", file=files[1], sha256=hashes[1], url=f"file://{tmp_path}/gone")
    archive = Archive(registry="pypi", file=files[2], sha256=hashes[2], url=f"file://{tmp_path}/gone")
    need = Need(wheels=(attrs, six), data={"lab/birds": replace(BIRDS, archive=archive)})
    downloads = [
        Download(name=attrs.file, urls=(f"file://{tmp_path}/gone",), sha256=attrs.sha256),
        Download(name=six.file, urls=(), sha256=six.sha256),
        Download(name=archive.file, urls=(f"file://{tmp_path}/gone",), sha256=archive.sha256),
    ]
    workspace = Workspace(
        project=Project(root=tmp_path, name="lab"),
        environ={"PIP_FIND_LINKS": str(folder), "PIP_NO_INDEX": "1", "HOME": str(tmp_path)},
        cache=Cache(tmp_path / "cache"),
        listener=Silent(),
    )
    assert [file.path.name for file in fetch_files(workspace, downloads, need, Stop())] == [
        files[1],
        files[0],
        files[2],
    ]
    (folder / files[1]).unlink()
    with pytest.raises(NotFoundError, match=r"^attrs-1-py3-none-any\.whl: cannot read .*/gone"):
        fetch_files(workspace, downloads, need, Stop())
