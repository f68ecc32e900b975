"""Git, as far as flakes need it; each test has a repository of its own."""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from nivis.errors import HostError, UsageError
from nivis.flake.git import (
    added_note,
    init_work_tree,
    intend_to_add,
    is_ignored,
    require_work_tree,
    unknown_to_git,
    untracked,
)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    root = tmp_path / "repository"
    root.mkdir()
    init_work_tree(root)
    return root


def put(root: Path, *names: str) -> tuple[PurePosixPath, ...]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return tuple(map(PurePosixPath, names))


def test_a_work_tree_is_fine(repository: Path) -> None:
    require_work_tree(repository)


def test_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError) as caught:
        intend_to_add(tmp_path, [PurePosixPath("x")])
    assert str(caught.value) == (
        f"{tmp_path}: the project is not in a git repository, and Nix sees only what git knows of. "
        "Run 'git init' there, then the same command again."
    )


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError) as caught:
        require_work_tree(tmp_path)
    assert str(caught.value) == (
        "git is not installed, and Nix reads a project through it. "
        "Install it, for example with 'sudo apt-get install git'."
    )


@pytest.mark.parametrize("name", ["plain.py", "with space.py", "new\nline", "*.py", "-n", ":(top)x", "ü", '"q"\\'])
def test_any_name_becomes_known(repository: Path, name: str) -> None:
    put(repository, "other.py")
    (path,) = put(repository, name)
    assert intend_to_add(repository, [path]) == (path,)
    assert git(repository, "ls-files", "-z") == name + "\0"
    assert git(repository, "diff", "--cached", "--name-only") == ""  # known, not staged
    assert intend_to_add(repository, [path]) == ()


def test_ignored_files_that_a_build_needs_are_added(repository: Path) -> None:
    (repository / ".gitignore").write_text("nix/\n")
    wanted = put(repository, "nix/plans/a.json")
    assert intend_to_add(repository, wanted) == wanted


def test_missing_and_known_files_are_passed_over(repository: Path) -> None:
    known = put(repository, "a")
    git(repository, "add", "a")
    assert unknown_to_git(repository, [*known, PurePosixPath("gone"), *put(repository, "c", "b")]) == (
        PurePosixPath("b"),
        PurePosixPath("c"),
    )


def test_a_project_below_the_top(repository: Path) -> None:
    project = repository / "deep/project"
    wanted = put(project, "flake.nix")
    assert intend_to_add(project, wanted) == wanted
    assert git(repository, "ls-files") == "deep/project/flake.nix\n"


def test_untracked_files_without_the_ignored(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.csv\n")
    put(repository, "experiments/a/b.py", "experiments/a/x y.py", "experiments/a/big.csv", "notes.txt")
    assert untracked(repository, [PurePosixPath("experiments"), PurePosixPath("src")]) == (
        PurePosixPath("experiments/a/b.py"),
        PurePosixPath("experiments/a/x y.py"),
    )
    assert untracked(repository, [PurePosixPath("src")]) == ()


def test_an_ignored_folder(repository: Path) -> None:
    (repository / ".gitignore").write_text("/demo/\n")
    put(repository, "demo/x", "project/x")
    assert (is_ignored(repository / "demo"), is_ignored(repository / "project")) == (True, False)


def test_a_failure_of_git_is_quoted(repository: Path) -> None:
    (path,) = put(repository, "a")
    (repository / ".git/index.lock").touch()
    with pytest.raises(HostError) as caught:
        intend_to_add(repository, [path])
    message = str(caught.value)
    assert message.startswith(f"{repository}: 'git add' failed: fatal: Unable to create '{repository}/.git/index.lock'")
    assert message.endswith(". Put that right, then run the same command again.")


def test_what_was_done_is_said() -> None:
    names = tuple(map(PurePosixPath, "abcde"))
    assert added_note(names[:1]) == "told git about a (git add --intent-to-add), so that Nix sees them"
    assert added_note(names) == "told git about a, b, c and 2 more (git add --intent-to-add), so that Nix sees them"
