"""The polyglot template: C, R and Python in one pipeline, each the same again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]


def test_the_template(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.nivis("init", "--template", "polyglot")
    project.nivis("build", "dice")
    result = project.root / "generated/dice"
    metrics = json.loads((result / "metrics.json").read_text())["fit"]
    assert metrics == {"distance": 0.00562549, "mean": 17.5056, "sd": 3.81466}
    assert "close to normal" in (result / "steps/conclude/conclusion.md").read_text()
    assert (result / "figures/fit-sums.svg").read_text().startswith("<?xml")
    project.rebuild("dice")
