"""Folders of steps that failed: which are removed, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from nivis.engine.kept import drop, drop_outdated, usable
from nivis.engine.state import State, StepRun


@pytest.mark.parametrize(
    ("folder", "gone"),
    [
        ("nix-build-lab-a.drv-0", "nix-build-lab-a.drv-0"),
        ("nix-build-lab-a.drv-12/build", "nix-build-lab-a.drv-12"),
        ("builds/nix-12675-4048647805/build", "builds/nix-12675-4048647805"),
        ("builds/nix-12675-4048647805", "builds/nix-12675-4048647805"),
        ("home/me", None),
        ("nix-build-lab-a.drv-0/project", None),
        ("builds", None),
    ],
)
def test_only_what_nix_kept_is_removed(tmp_path: Path, folder: str, gone: str | None) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "file").write_text("x")
    drop([str(tmp_path / folder)])
    assert not (tmp_path / gone).exists() if gone else (tmp_path / folder / "file").exists()
    drop([str(tmp_path / folder), ""])  # twice, and nothing at all


def test_what_is_usable(tmp_path: Path) -> None:
    assert usable(str(tmp_path))
    assert not usable(str(tmp_path / "gone"))
    assert not usable("")


def test_a_step_that_ran_since_keeps_no_old_folder(tmp_path: Path) -> None:
    folders = [str(tmp_path / f"nix-build-{name}.drv-0") for name in ("succeeded", "failed", "same")]
    for folder in folders:
        Path(folder).mkdir()
    runs = {f"x.{number}": StepRun(out="o", failed=True, folder=folder) for number, folder in enumerate(folders)}
    before = State(steps=runs)
    after = before.with_steps({"x.0": StepRun(out="p"), "x.1": StepRun(out="p", failed=True, folder="/elsewhere")})
    drop_outdated(before, after)
    assert [Path(folder).exists() for folder in folders] == [False, False, True]
