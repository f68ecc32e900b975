"""Git, as far as flakes need it: Nix sees only the files that git knows of.

The only module that runs git. Paths are relative to the project's root, which may lie below the top
of the work tree. Names are passed and read NUL-separated, so that any name works.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from nivis.errors import HostError, UsageError


def require_work_tree(root: Path) -> None:
    """Raise UsageError unless ``root`` is in a git work tree, HostError if there is no git."""
    result = _git(root, ["rev-parse", "--is-inside-work-tree"])
    if result.returncode == 0 and result.stdout.strip() == b"true":
        return
    problem = result.stderr.decode(errors="replace").strip()
    if "dubious ownership" in problem:
        raise HostError(
            "belongs to another user, so git refuses to read it",
            where=str(root),
            hint=f"Run 'git config --global --add safe.directory {root}'.",
        )
    raise UsageError(
        "the project is not in a git repository, and Nix sees only what git knows of",
        where=str(root),
        hint="Run 'git init' there, then the same command again.",
    )


def unknown_to_git(root: Path, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Return those of ``paths`` that exist and are not in git's index, sorted."""
    wanted = sorted({path for path in paths if (root / path).exists() or (root / path).is_symlink()})
    if not wanted:
        return ()
    known = _names(_run(root, ["ls-files", "-z", "--cached"]))
    return tuple(path for path in wanted if path not in known)


def untracked(root: Path, folders: Sequence[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Return the files below ``folders`` that git neither tracks nor ignores, sorted."""
    there = [str(folder) for folder in folders if (root / folder).exists()]
    if not there:
        return ()
    output = _run(root, ["ls-files", "-z", "--others", "--exclude-standard", "--", *there])
    return tuple(sorted(_names(output)))


def intend_to_add(root: Path, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Make git know of ``paths`` without staging their content; return those that were new to it, sorted.

    Ignored files among them are added as well: a build needs every one of them.
    """
    require_work_tree(root)
    new = unknown_to_git(root, paths)
    if new:
        arguments = ["add", "--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul"]
        _run(root, arguments, stdin=b"".join(os.fsencode(str(path)) + b"\0" for path in new))
    return new


def added_note(paths: Sequence[PurePosixPath]) -> str:
    """Return the line that tells the user what intend_to_add did."""
    shown = ", ".join(str(path) for path in paths[:3])
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"told git about {shown}{more} (git add --intent-to-add), so that Nix sees them"


def init_work_tree(root: Path) -> None:
    """Run ``git init`` in ``root``."""
    _run(root, ["init", "--quiet"])


def is_ignored(root: Path) -> bool:
    """Tell whether the work tree around ``root`` ignores the whole folder (a demo in a checkout, say)."""
    return _git(root, ["check-ignore", "--quiet", "."]).returncode == 0


def answer(root: Path, arguments: Sequence[str], *, stdin: bytes = b"") -> bytes | None:
    """Return what git says to a question about its history; None if it has no answer."""
    result = _git(root, arguments, stdin=stdin)
    return result.stdout if result.returncode == 0 else None


def _names(output: bytes) -> frozenset[PurePosixPath]:
    return frozenset(PurePosixPath(os.fsdecode(name)) for name in output.split(b"\0") if name)


def _run(root: Path, arguments: Sequence[str], *, stdin: bytes = b"") -> bytes:
    result = _git(root, arguments, stdin=stdin)
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip() or f"status {result.returncode}"
        raise HostError(
            f"'git {arguments[0]}' failed: {reason.rstrip('.')}",
            where=str(root),
            hint="Put that right, then run the same command again.",
        )
    return result.stdout


def _git(root: Path, arguments: Sequence[str], *, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C"}  # messages in English
    if arguments[0] in ("add", "ls-files"):  # others take names literally anyway, and refuse to be told so
        environment["GIT_LITERAL_PATHSPECS"] = "1"
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, input=stdin, capture_output=True, env=environment, check=False
        )
    except FileNotFoundError:
        raise HostError(
            "git is not installed, and Nix reads a project through it",
            hint="Install it, for example with 'sudo apt-get install git'.",
        ) from None
