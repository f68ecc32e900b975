"""Sets of tools: what they resolve to, and what they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nivis.errors import LockError, NivisError
from nivis.lock.debian.index import Index, Stanzas
from nivis.lock.debian.roots import lock_roots
from nivis.lock.debian.tools import current, root_key, root_request, used

ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4] / "python")}
BASE = {"dpkg": {"Essential": "yes"}, "fakeroot": {}, "libfaketime": {}}


def index(**packages: dict[str, str]) -> Index:
    stanzas = []
    for name, fields in {**BASE, **packages}.items():
        known = name.replace("_", "-")
        about = {
            "Package": known,
            "Version": "1",
            "Architecture": "amd64",
            "Filename": f"pool/{known}.deb",
            "Size": "1",
        }
        stanzas.append("".join(f"{k}: {v}\n" for k, v in {**about, "SHA256": "0" * 64, **fields}.items()))
    parts = (Stanzas("\n".join(stanzas).encode(), "debian"),)
    return Index(suite="trixie", date=datetime(2026, 1, 1, tzinfo=UTC), architecture="amd64", parts=parts)


def lock(found: Index, *keys: str) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    roots, debs = lock_roots(keys, found, system="x86_64-linux", where=lambda name: f"here: {name}")
    return {key: root.packages for key, root in roots.items()}, sorted(debs)


def test_each_set_by_itself_with_what_debian_takes_for_granted() -> None:
    found = index(bwa={"Depends": "libz"}, samtools={"Depends": "libz"}, libz={}, other={})
    base = ("dpkg=1", "fakeroot=1", "libfaketime=1")
    roots, debs = lock(found, "bwa samtools", "bwa")
    assert roots == {
        "bwa": ("bwa=1", *base, "libz=1"),
        "bwa samtools": ("bwa=1", *base, "libz=1", "samtools=1"),
    }
    assert debs == sorted({*base, "bwa=1", "libz=1", "samtools=1"})


def test_recommends_are_not_followed() -> None:
    assert lock(index(gcc={"Recommends": "libc6-dev"}), "gcc")[1] == [
        "dpkg=1", "fakeroot=1", "gcc=1", "libfaketime=1",
    ]  # fmt: skip


def test_what_a_root_says_of_itself() -> None:
    roots, debs = lock_roots(["bwa"], index(bwa={}), system="x86_64-linux", where=str)
    assert (roots["bwa"].date, roots["bwa"].request) == (
        "2026-01-01T00:00:00Z",
        root_request("trixie", "x86_64-linux", "bwa"),
    )
    assert (debs["bwa=1"].path, debs["bwa=1"].url) == ("pool/bwa.deb", None)


def test_everything_that_is_wrong_with_its_place() -> None:
    found = index(bwa={"Depends": "gone"}, samtools={})
    with pytest.raises(NivisError) as caught:
        lock(found, "bwa", "samtool zzz")
    assert [str(part) for part in caught.value.parts()] == [
        "here: bwa: 'bwa' needs 'gone', but trixie does not have it (wanted by bwa). "
        "Leave the package out, or choose another suite in [tool.nivis.toolchain].",
        "here: samtool: no package named 'samtool' in Debian trixie. Did you mean 'samtools'?",
        "here: zzz: no package named 'zzz' in Debian trixie. Search with 'apt-cache search'.",
    ]
    assert isinstance(caught.value.parts()[0], LockError)


def test_names() -> None:
    assert root_key(["samtools", "bwa", "bwa"]) == "bwa samtools"
    assert root_key([]) == ""


def test_what_is_current_and_used() -> None:
    roots, debs = lock_roots(["bwa", "jq"], index(bwa={}, jq={}), system="x86_64-linux", where=str)
    assert current(roots, "trixie", "x86_64-linux") == roots
    assert current(roots, "bookworm", "x86_64-linux") == {}
    assert "jq=1" in used(debs, roots)
    assert "jq=1" not in used(debs, {"bwa": roots["bwa"]})


def test_an_unchanged_project_does_not_load_the_resolver() -> None:
    program = "import sys, nivis.engine.locking, nivis.engine.supply; print('debian' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=ENVIRON)
    assert said.stdout == "False\n"
