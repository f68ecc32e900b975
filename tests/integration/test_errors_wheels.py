"""Wheels with everything that a wheel may have: scripts, programs, data, headers, entry points, namespaces."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

PROBE = """
import importlib.metadata as metadata, json, os, subprocess, sys
import space.a, space.b
def output(*words): return subprocess.run(words, capture_output=True, text=True, check=True).stdout
files = {str(file): file.locate().exists() for file in metadata.files("first")}
json.dump({
    "script": output("hello", "x"),
    "console": output("first-run"),
    "program": subprocess.run(["program"]).returncode,
    "shell": output("tool.sh"),
    "namespace": [space.a.NAME, space.b.NAME],
    "data": open(os.path.join(sys.prefix, "share/both/first.txt")).read(),
    "shared folder": sorted(os.listdir(os.path.join(sys.prefix, "share/both"))),
    "library": os.path.exists(os.path.join(sys.prefix, "lib/libfirst.so.1")),
    "headers": sorted(name for _, _, names in os.walk(os.path.join(sys.prefix, "include")) for name in names),
    "missing": sorted(name for name, there in files.items() if not there),
    "installer": metadata.distribution("second").read_text("INSTALLER"),
    "point": [point.load()() for point in metadata.entry_points(group="first.plugins")],
}, open(sys.argv[1], "w"))
"""


def wheel(folder: Path, name: str, files: dict[str, str | bytes]) -> Path:
    """Write a wheel (PEP 427); scripts and programs are executable."""
    info = f"{name}-1.0.dist-info"
    content: dict[str, str | bytes] = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **files,
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in content.items():
            entry = zipfile.ZipInfo(place, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if "/scripts/" in place else 0o644) << 16
            archive.writestr(entry, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{place},,\n" for place in [*content, f"{info}/RECORD"]))
    return path


def lock_wheels(project: Project, wheels: list[Path]) -> None:
    packages = "".join(
        f'[[packages]]\nname = "{path.name.partition("-")[0]}"\nversion = "1.0"\n'
        f'wheels = [{{ name = "{path.name}", url = "{path.as_uri()}", '
        f'hashes = {{ sha256 = "{hashlib.sha256(path.read_bytes()).hexdigest()}" }} }}]\n'
        for path in wheels
    )
    project.write("pylock.toml", f'lock-version = "1.0"\ncreated-by = "test"\n{packages}')


def test_everything_that_a_wheel_may_have(project: Project, tmp_path: Path, salt: str) -> None:
    program = shutil.which("true")
    assert program is not None
    first = wheel(
        tmp_path,
        "first",
        {
            "first.py": f"def main(): print('ran')\ndef plugin(): return 'plugged'\n# {salt}\n",
            "space/a.py": "NAME = 'a'\n",
            "first-1.0.data/scripts/hello": "#!python\nimport sys; print('hello', sys.argv[1], sys.executable[-6:])\n",
            "first-1.0.data/scripts/tool.sh": "#!/bin/sh\necho $0 | grep -o tool\n",
            "first-1.0.data/scripts/program": Path(program).read_bytes(),
            "first-1.0.data/data/share/both/first.txt": "1",
            "first-1.0.data/data/lib/libfirst.so.1": "not really",
            "first-1.0.data/headers/first.h": "",
            "first-1.0.dist-info/entry_points.txt": (
                "[console_scripts]\nfirst-run = first:main [extra]\nhello = first:main\n"
                "[first.plugins]\none = first:plugin\n"
            ),
        },
    )
    second = wheel(
        tmp_path, "second", {"space/b.py": "NAME = 'b'\n", "second-1.0.data/data/share/both/second.txt": "2"}
    )
    lock_wheels(project, [first, second])
    project.write("experiments/lab/experiment.toml", '[steps.probe]\nrun = "python probe.py ${out}/x.json"\n')
    project.write("experiments/lab/probe.py", PROBE)
    project.nivis("build", "lab")
    assert json.loads((project.root / "generated/lab/steps/probe/x.json").read_text()) == {
        "script": "ran\n",  # of two programs of one name the console script stays
        "console": "ran\n",
        "program": 0,
        "shell": "tool\n",
        "namespace": ["a", "b"],
        "data": "1",
        "shared folder": ["first.txt", "second.txt"],
        "library": True,
        "headers": ["first.h"],
        "missing": [],
        "installer": "nivis\n",
        "point": ["plugged"],
    }
