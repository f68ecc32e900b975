"""What commits hold, on real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nivis.errors import UsageError
from nivis.flake.history import Entry, blobs, commit_of, fork_of, past_of, tree_of


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project that lies below the top of its work tree, with two commits."""
    project = tmp_path / "project"
    (project / "sub").mkdir(parents=True)
    git(tmp_path, "init", "-q")
    (tmp_path / "outside.txt").write_text("outside")
    (project / "a ü.py").write_text("one\n")
    (project / "sub/tool.sh").write_text("#!/bin/sh\n")
    (project / "sub/tool.sh").chmod(0o755)
    (project / "link").symlink_to("sub/tool.sh")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    (project / "a ü.py").write_text("two\n")
    git(tmp_path, "commit", "-qam", "two")
    return project


def test_the_files_of_a_commit(root: Path) -> None:
    tree = tree_of(root, commit_of(root, "HEAD~1"))
    assert {path: entry.mode for path, entry in tree.items()} == {
        "a ü.py": "100644",
        "link": "120000",
        "sub/tool.sh": "100755",
    }
    wanted = [tree["a ü.py"].blob, tree["sub/tool.sh"].blob, "0" * 40]
    assert blobs(root, wanted) == {wanted[0]: b"one\n", wanted[1]: b"#!/bin/sh\n"}
    assert blobs(root, []) == {}


def test_what_a_file_was(root: Path) -> None:
    contents = [blobs(root, [entry.blob])[entry.blob] for entry in past_of(root, "a ü.py")]
    assert contents == [b"two\n", b"one\n"]
    assert past_of(root, "nothing") == []
    (root / "a ü.py").chmod(0o755)
    git(root, "commit", "-qam", "three")
    assert [entry.mode for entry in past_of(root, "a ü.py")] == ["100755", "100644", "100644"]
    assert isinstance(past_of(root, "a ü.py")[0], Entry)


def test_commits(root: Path) -> None:
    first, second = commit_of(root, "HEAD~1"), commit_of(root, "HEAD")
    assert fork_of(root, first, second) == first
    with pytest.raises(UsageError) as error:
        commit_of(root, "--help")
    assert str(error.value) == "there is no commit '--help'. `git log --oneline` lists commits."
