"""The minimal template through Nix's own `nix flake init`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import REPOSITORY, Project

pytestmark = [pytest.mark.nix, pytest.mark.network]


def test_flake_init_then_lock_then_nix_build(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.git("init", "-q")
    project.nix("flake", "init", "-t", f"git+file://{REPOSITORY}#minimal")
    project.git("add", "-A")
    said = project.nix("build", ".#experiment-squares", code=1).err
    assert "this project is not locked yet: run 'nivis lock', then 'git add' what it wrote" in said
    project.nivis("lock")
    result = Path(project.nix_built("experiment-squares"))
    assert json.loads((result / "metrics.json").read_text()) == {"sum": {"count": 10, "sum-of-squares": 385}}
    built = project.nivis("--json", "build", "squares").json["results"][0]["output"]
    assert (Path(built) / "metrics.json").read_bytes() == (result / "metrics.json").read_bytes()
    # Steps that are recorded hand on their content: the same with and without nivis from then on.
    assert project.nix_built("experiment-squares") == built
