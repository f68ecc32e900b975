"""The builder of roots on tiny packages, with a bubblewrap that does nothing or cannot do its work."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from support.debs import deb

LIB = Path(__file__).parents[3] / "lib"
NOTHING = "#!/bin/sh\nexit 0\n"
# As bubblewrap says it where the kernel's limit is 0.
LIMIT = "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)"
CANNOT = f"#!/bin/sh\necho '{LIMIT}' >&2\nexit 1\n"
BROKEN = '#!/bin/sh\ncase "$*" in */bin/true) exit 0 ;; esac\necho "postinst says no" >&2\nexit 1\n'


def run(folder: Path, bwrap: str, *debs: Path) -> subprocess.CompletedProcess[str]:
    programs = folder / "programs"
    programs.mkdir()
    (programs / "bwrap").write_text(bwrap)
    (programs / "bwrap").chmod(0o755)
    (folder / "list").write_text(" ".join(map(str, debs)))
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "out": str(folder / "out"), "debsPath": str(folder / "list")}
    argv = [sys.executable, "-I", str(LIB / "root.py")]
    return subprocess.run(
        argv, env={**environ, "refused": "Allow it."}, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    return deb(
        tmp_path / f"{'0' * 32}-tool.deb",
        ("./bin/tool*", "tool"),
        ("./lib64/ld.so", "-> /lib/ld.so"),
        ("./etc/hosts", "odd"),
        ("./etc/passwd-", "backup"),
        ("./usr/share/doc/tool/copyright", "licence"),
        ("./var/log/tool.log", "when"),
        ("./var/lib/tool/deep/x.log", "when"),
        ("./var/lib/tool/data", "data"),
        ("./opt/tool/x", "x"),
    )


def test_what_is_installed_and_what_goes(tmp_path: Path, tool: Path) -> None:
    done = run(tmp_path, NOTHING, tool)
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "out"
    files = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file() or p.is_symlink()}
    links = {"bin", "sbin", "lib", "lib64", "usr/lib64/ld.so"}
    assert files == {*links, "usr/bin/tool", "etc/hosts", "var/lib/tool/data", "opt/tool/x"}
    assert (out / "bin").readlink() == Path("usr/bin")
    assert (out / "etc/hosts").read_text() == "127.0.0.1 localhost\n::1 localhost\n"


def test_what_dpkg_is_given(tmp_path: Path, tool: Path) -> None:
    content = tool.read_bytes()
    assert run(tmp_path, NOTHING, tool).returncode == 0
    given = (tmp_path / "debs/tool.deb").read_bytes()
    names = re.findall(rb"(\S+) +0 +0 +0 +100644", given)
    assert names == [b"debian-binary", b"control.tar.xz", b"data.tar"]
    assert given.partition(b"data.tar")[0] == content.partition(b"data.tar")[0]


def test_files_are_roots_and_none_has_a_set_uid_bit(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("./usr/bin/su", f"./usr/share/{'long' * 60}"):
            info = tarfile.TarInfo(name)
            info.mode, info.uid, info.gid, info.gname, info.size = 0o4755, 7, 42, "shadow", 3
            archive.addfile(info, io.BytesIO(b"abc"))
    source = (LIB / "root.py").read_text(encoding="utf-8")
    space: dict[str, object] = {}
    function = re.search(r"^def owned_by_root.*?^(?=\S)", source, re.MULTILINE | re.DOTALL)
    assert function is not None
    exec(function[0], space)
    changed = space["owned_by_root"](buffer.getvalue())  # type: ignore[operator]
    with tarfile.open(fileobj=io.BytesIO(changed)) as archive:
        found = [(m.name, m.mode, m.uid, m.gid, m.gname, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]
    assert found == [(n, 0o755, 0, 0, "root", b"abc") for n in ("./usr/bin/su", f"./usr/share/{'long' * 60}")]


def test_namespaces_that_are_not_allowed(tmp_path: Path, tool: Path) -> None:
    done = run(tmp_path, CANNOT, tool)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [LIMIT, "Allow it."]


def test_a_package_that_cannot_be_installed(tmp_path: Path, tool: Path) -> None:
    done = run(tmp_path, BROKEN, tool)
    assert (done.returncode, done.stderr) == (1, "postinst says no\nthe packages cannot be installed\n")
