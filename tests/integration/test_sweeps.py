"""Sweeps and parameter sets on real Nix: what runs, what it is given, where it ends up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

MANIFEST = "experiments/2026-11-20-grid/experiment.toml"
TEXT = """
[experiment]
title = "Grid"

[params]
salt = "SALT"
grid = [0.5, 0.25]
model.c = 1

[profiles.smoke]
grid = [0.5]

[steps.base]
run = "echo ${params.salt} > ${out}/salt"

[steps.train]
matrix = { c = "${params.grid}", name = ["a b/ü", "x"], exclude = [{ c = 0.25, name = "x" }] }
run = '''
cat ${steps.base}/salt > ${out}/curve.svg
printf '{"c": %s, "name": "%s", "model": %s}' ${matrix.c} ${matrix.name} ${params.model.c} > ${out}/metrics.json
'''
metrics = ["metrics.json"]
plots = ["curve.svg"]

[steps.score]
matrix = "train"
run = "cat ${steps.train}/metrics.json ${steps.base}/salt > ${out}/score; cp $NIVIS_INPUTS ${out}/inputs.json"

[steps.gather]
run = '''
for folder in ${steps.train}; do cat "$folder/metrics.json"; echo; done > ${out}/all
cp "$NIVIS_INPUTS" ${out}/inputs.json
'''

[steps.words]
run = ["cp", "-t", "${out}", "-r", "${steps.score}"]
"""
ODD = "name=a-b~81e36dc9"
LABELS = [f"c=0.25,{ODD}", f"c=0.5,{ODD}", "c=0.5,name=x"]


@pytest.fixture
def grid(project: Project, salt: str) -> Project:
    project.write(MANIFEST, TEXT.replace("SALT", salt))
    return project


def test_a_sweep(grid: Project) -> None:
    ran = grid.built("grid")
    assert ran == sorted(
        ["grid.base", "grid.gather", "grid.words", *(f"grid.{step}@{n}" for step in ("score", "train") for n in LABELS)]
    )
    result = grid.root / "generated/grid"
    values = {LABELS[0]: (0.25, "a b/ü"), LABELS[1]: (0.5, "a b/ü"), LABELS[2]: (0.5, "x")}
    metrics = {label: {"c": c, "name": name, "model": 1} for label, (c, name) in values.items()}
    assert json.loads((result / "metrics.json").read_text()) == {"train": metrics}
    assert sorted(path.name for path in (result / "figures").iterdir()) == [f"train-{n}-curve.svg" for n in LABELS]
    assert sorted(path.name for path in (result / "steps/score").iterdir()) == LABELS
    grid.run(["sha256sum", "--quiet", "-c", "hashes.txt"], cwd=result)
    assert f"  steps/train/{LABELS[0]}/metrics.json\n" in (result / "hashes.txt").read_text()
    _gathered(result, values)
    provenance = json.loads((result / "provenance.json").read_text())
    instances = provenance["steps"]["train"]["instances"]
    assert {label: instances[label]["values"] for label in LABELS} == {
        label: {"c": c, "name": name} for label, (c, name) in values.items()
    }
    _addresses(grid, result)


def _gathered(result: Path, values: dict[str, tuple[float, str]]) -> None:
    lines = (result / "steps/gather/all").read_text().splitlines()
    assert [json.loads(line)["c"] for line in lines] == [0.25, 0.5, 0.5]
    inputs = json.loads((result / "steps/gather/inputs.json").read_text())
    paths = {label: str((result / "steps/train" / label).readlink()) for label in LABELS}
    every = [
        {"label": label, "path": paths[label], "values": {"c": c, "name": name}} for label, (c, name) in values.items()
    ]
    assert inputs == {"data": {}, "steps": {"train": {"instances": every}}}
    own = json.loads((result / "steps/score/c=0.5,name=x/inputs.json").read_text())
    assert own["matrix"] == {"c": 0.5, "name": "x"}
    assert own["steps"]["train"] == every[2]
    assert set(own["steps"]["base"]) == {"path"}
    assert len(list((result / "steps/words").iterdir())) == 3


def _addresses(grid: Project, result: Path) -> None:
    """Every instance has an address, in nivis and in the flake."""
    instance = "train@c=0.5,name=x"
    out = str((result / "steps/train/c=0.5,name=x").readlink())
    assert grid.nix_built(f'experiment-grid.steps."{instance}"') == out
    assert grid.nix_built("experiment-grid") == str(result.readlink())
    every = Path(grid.nix_built("experiment-grid.steps.train"))
    assert sorted(path.name for path in every.iterdir()) == LABELS
    grid.nivis("build", "grid.train")
    assert (grid.root / "generated/grid.train").readlink() == every
    assert grid.nivis("--json", "build", f"grid.{instance}").json["results"][0]["output"] == out
    assert "took" in grid.nivis("log", f"grid.{instance}").err
    ran = grid.nivis("shell", f"grid.{instance}", "--", "bash", "-c", 'bash "$NIVIS_RUN" && cat "$out/metrics.json"')
    assert json.loads(ran.out) == {"c": 0.5, "name": "x", "model": 1}
    folded = grid.nivis("status", "grid").err.splitlines()
    assert [line.split() for line in folded if "train" in line] == [["train", "3/3", "built"]]
    assert f"    {LABELS[0]}" in grid.nivis("status", "-v", "grid").err
    [step] = grid.nivis("--json", "status", f"grid.{instance}").json["experiments"][0]["steps"]
    assert [(one["name"], one["state"]) for one in step["instances"]] == [("c=0.5,name=x", "built")]
    assert grid.nivis("log", "grid.train", code=2).err == (
        f"nivis: step 'train' of 'grid' has 3 instances. Name one: grid.train@{LABELS[0]}.\n"
    )


def test_only_what_is_new_runs(grid: Project) -> None:
    grid.built("grid")
    grid.edit(MANIFEST, "grid = [0.5, 0.25]", "grid = [7, 0.25, 0.5]")
    grid.edit(MANIFEST, '["a b/ü", "x"]', '["x", "a b/ü"]')
    new = [f"c=7,{ODD}", "c=7,name=x"]
    assert grid.built("grid") == sorted(
        ["grid.gather", "grid.words", *(f"grid.{step}@{label}" for step in ("score", "train") for label in new)]
    )
    grid.edit(MANIFEST, "grid = [7, 0.25, 0.5]", "grid = [0.25, 0.5]")
    assert grid.built("grid") == []


def test_a_profile(grid: Project) -> None:
    grid.nivis("build", "grid.train")
    assert grid.built("grid", "--profile", "smoke") == sorted(
        ["grid-smoke.gather", "grid-smoke.words", *(f"grid-smoke.score@{label}" for label in LABELS[1:])]
    )
    result = grid.root / "generated/grid-smoke"
    assert grid.nix_built("experiment-grid-smoke") == str(result.readlink())
    provenance = json.loads((result / "provenance.json").read_text())
    assert provenance["params"]["grid"] == [0.5]
    assert (provenance["profile"], provenance["overrides"]) == ("smoke", {"grid": [0.5]})
    assert grid.built("grid-smoke") == []
    names = {entry["name"]: entry["state"] for entry in grid.nivis("--json", "status").json["experiments"]}
    assert names == {"grid": "missing", "grid-smoke": "built"}
    assert grid.nivis("build", "grid", "--profile", "smok", code=2).err == (
        "nivis: --profile: 'grid' has no profile named 'smok'. Did you mean 'smoke'?\n"
    )


def test_a_profile_that_is_gone_takes_its_plan_along(grid: Project) -> None:
    grid.nivis("lock")
    assert (grid.root / "nix/plans/grid-smoke.json").exists()
    grid.edit(MANIFEST, "[profiles.smoke]\ngrid = [0.5]\n", "")
    grid.nivis("build", "grid.base")
    assert not (grid.root / "nix/plans/grid-smoke.json").exists()


def test_a_run_with_another_parameter(grid: Project) -> None:
    grid.nivis("build", "grid")
    grid.git("add", "-A")
    tree = grid.git("write-tree")
    [ran] = grid.nivis("--json", "build", "grid", "-P", "model.c=3").json["results"]
    assert ran["target"] == "grid-952cc662"
    assert ran["link"] == "generated/grid-952cc662"
    assert {step for step in ran["built"] if "train" not in step and "score" not in step} == {
        "grid-952cc662.gather", "grid-952cc662.words",
    }  # fmt: skip
    assert {own["model"] for own in ran["metrics"]["train"].values()} == {3}
    grid.git("add", "-A")
    assert grid.git("write-tree") == tree
    provenance = json.loads((grid.root / ran["link"] / "provenance.json").read_text())
    assert provenance["params"]["model"] == {"c": 3}
    assert provenance["overrides"] == {"model": {"c": 3}}
    assert "took" in grid.nivis("log", "grid-952cc662.gather").err
    assert grid.built("grid", "-P", "model.c=3") == []
    grid.nivis("shell", "grid-952cc662.gather", "--", "true")
    assert grid.nivis("build", "grid", "-P", "modl.c=3", code=2).err == (
        "nivis: -P: no parameter named 'modl.c'. Did you mean 'model.c'?\n"
    )


def test_an_instance_that_fails_is_named(grid: Project) -> None:
    grid.edit(
        MANIFEST, "cat ${steps.base}/salt > ${out}/curve.svg", "[ ${matrix.c} != 0.25 ] || exit 7; touch $out/curve.svg"
    )
    said = grid.nivis("build", "-k", "grid", code=1).err
    assert f"nivis: grid.train@{LABELS[0]}: the step failed" in said
    assert f"'nivis log grid.train@{LABELS[0]}' shows the whole log" in said
    lines = [line.split() for line in grid.nivis("status", "grid").err.splitlines()]
    assert ["train", "2/3", "built,", "1", "failed"] in lines


def test_a_large_sweep_keeps_its_floats(grid: Project) -> None:
    grid.edit(MANIFEST, "grid = [0.5, 0.25]", "grid = [0.1234567890123, 1e-7]")
    grid.nivis("build", "grid.gather")
    inputs = json.loads((grid.root / "generated/grid.gather/inputs.json").read_text())
    assert {entry["values"]["c"] for entry in inputs["steps"]["train"]["instances"]} == {0.1234567890123, 1e-7}
