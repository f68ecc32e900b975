"""The NAR serialisation against Nix's own."""

import os
import subprocess
from pathlib import Path

import pytest

from nivis.lock.nar import nar_hash

pytestmark = pytest.mark.nix


def nix_hash(path: Path) -> str:
    command = ["nix", "--extra-experimental-features", "nix-command", "hash", "path", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_tree_with_everything(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True)
    (root / "a").mkdir()
    for name in ("a.b", "a-", "B", "ü", "with space", "new\nline"):
        (root / name).write_text(name)
    (root / "a" / "program").write_bytes(b"x" * 3_000_001)
    (root / "a" / "program").chmod(0o755)
    (root / "a" / "group").write_bytes(b"")
    (root / "a" / "group").chmod(0o654)
    (root / "link").symlink_to("/no/where")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe")).write_bytes(b"12345678")
    assert nar_hash(root)[0] == nix_hash(root)


def test_file_and_link(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"123")
    (tmp_path / "l").symlink_to("f")
    assert nar_hash(tmp_path / "f")[0] == nix_hash(tmp_path / "f")
    assert nar_hash(tmp_path / "l")[0] == nix_hash(tmp_path / "l")
