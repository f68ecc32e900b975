"""Checks on real Nix: what holds, what stops and what goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.project import Project

pytestmark = [pytest.mark.nix, pytest.mark.network]

FOLDER = "experiments/2026-11-20-birds"
MANIFEST = f"{FOLDER}/experiment.toml"
TEXT = """
[params]
high = 60
most = 1

[profiles.strict]
high = 45

[data.birds]
path = "data/birds.csv"
[data.other]
path = "data/other.txt"

[steps.clean]
run = "grep -v NA ${data.birds} > ${out}/clean.csv"
[steps.train]
run = "wc -l < ${steps.clean}/clean.csv; echo '{\\"accuracy\\": 0.87, \\"salt\\": \\"SALT\\"}' > ${out}/m.json"
metrics = ["m.json"]
[steps.report]
run = "cp ${steps.train}/m.json ${out}"
[steps.apart]
run = "cp ${data.other} ${out}/x"

[checks.bills]
why = "Bills are in millimetres; another unit would pass unnoticed"
fix = "Ask the station for the original sheet"
data = "birds"
rows = { at-least = 3 }
columns.bill = { between = [20, "${params.high}"], missing = 0.25 }
columns.species = { one-of = ["Adelie", "Gentoo"] }

[checks.clean]
why = "Nothing is missing after cleaning"
fix = "Look at the grep."
table = "${steps.clean}/clean.csv"
columns.bill = { type = "number", missing = 0 }

[checks.few]
why = "SALT: few are from elsewhere"
fix = "Look at them."
severity = "warn"
run = "python few.py ${data.birds} ${params.most} ${out}/report.txt"

[checks.floor]
why = "A worse model is of no use"
fix = "Train longer."
metric = "train.accuracy"
at-least = 0.85
"""
CSV = """species,bill
Adelie,39.1
Gentoo,50
Adelie,NA
Gentoo,48.2
"""
FEW = """
import sys
count = open(sys.argv[1]).read().count("Gentoo")
open(sys.argv[3], "w").write("a report")
print("of Gentoo there are", count)
if count > int(sys.argv[2]):
    sys.exit(f"{count} are too many")
"""


@pytest.fixture
def birds(project: Project, salt: str) -> Project:
    """Return a project in which nothing has run yet."""
    project.write(MANIFEST, TEXT.replace("SALT", salt))
    project.write(f"{FOLDER}/few.py", f"# {salt}{FEW}")
    project.write("data/birds.csv", CSV + f"Adelie,4{int(salt[:4], 16) / 1e5}\n")
    project.write("data/other.txt", salt)
    return project


def states(project: Project) -> dict[str, str]:
    [found] = project.nivis("--json", "status", "birds").json["experiments"]
    checks = {f"checks.{check['name']}": check["state"] for check in found["checks"]}
    return {"birds": found["state"], **{step["name"]: step["state"] for step in found["steps"]}, **checks}


def test_checks_that_hold_and_one_that_warns(birds: Project) -> None:
    ran = birds.nivis("build", "birds")
    assert "  checks   3 held, 1 does not: few\n" in ran.err
    assert ran.err.endswith(
        "nivis: birds.checks.few: warning: the check does not hold:\n"
        f"    assumed: {json.loads((birds.root / 'generated/birds/checks.json').read_text())['few']['why']}\n"
        "    found: the command ended with status 1\n"
        "      of Gentoo there are 2\n"
        "      2 are too many\n"
        "  Look at them.\n"
    )
    result = birds.root / "generated/birds"
    checks = json.loads((result / "checks.json").read_text())
    assert {name: (check["held"], check.get("seen")) for name, check in checks.items()} == {
        "bills": (True, "5 rows, 2 columns"),
        "clean": (True, "4 rows, 2 columns"),
        "few": (False, None),
        "floor": (True, "train.accuracy = 0.87"),
    }
    assert (result / "checks/few/report.txt").read_text() == "a report"
    outputs = {name: str((result / "checks" / name).readlink()) for name in checks}
    provenance = json.loads((result / "provenance.json").read_text())["checks"]
    assert {name: check["output"][44:] for name, check in provenance.items()} == {
        name: f"birds-checks.{name}" for name in outputs
    }
    assert provenance["few"]["severity"] == "warn"
    assert states(birds) == {
        **dict.fromkeys(("birds", "clean", "train", "report", "apart"), "built"),
        **dict.fromkeys(("checks.bills", "checks.clean", "checks.floor"), "held"),
        "checks.few": "warned",
    }
    assert birds.nivis("build", "birds").err.startswith("birds: up to date\n")
    _addresses(birds, outputs)


def _addresses(birds: Project, outputs: dict[str, str]) -> None:
    """Plain Nix makes the same, and every check has an address."""
    assert birds.nix_built("experiment-birds") == str((birds.root / "generated/birds").readlink())
    for name, out in outputs.items():
        assert birds.nix_built(f"experiment-birds.checks.{name}") == out
    [found] = birds.nivis("--json", "build", "birds.checks.bills").json["results"]
    assert found["output"] == outputs["bills"]
    assert found["checks"] == {"bills": {"state": "held", "seen": "5 rows, 2 columns", "found": []}}
    assert birds.nivis("log", "birds.checks.few").out == "of Gentoo there are 2\n2 are too many\n"
    assert birds.nivis("log", "birds.checks.bills").out == "5 rows, 2 columns\n"
    ran = birds.nivis("shell", "birds.checks.few", "--", "bash", "-c", 'bash "$NIVIS_RUN" >&2; cat "$out/report.txt"')
    assert ran.out == "a report"
    assert birds.nivis("shell", "birds.checks.bills", code=2).err == (
        "nivis: birds.checks.bills: a check without a command has no environment to enter. "
        "Run `nivis build birds.checks.bills`, or enter the shell of a step that reads the same.\n"
    )
    assert birds.nivis("build", "birds.checks.bill", code=2).err == (
        "nivis: no check named 'bill' in 'birds'. Did you mean 'bills'?\n"
    )


BLOCKED = (
    "nivis: birds.checks.bills: the check does not hold:\n"
    "    assumed: Bills are in millimetres; another unit would pass unnoticed\n"
    "    found: bill: 2 of 5 values are not between 20 and 45\n"
    "      row 2: 50\n"
    "      row 4: 48.2\n"
    "  Ask the station for the original sheet.\n"
)


def test_a_check_that_does_not_hold_stops_what_it_guards_and_nothing_else(birds: Project) -> None:
    birds.edit(MANIFEST, "high = 60", "high = 45")
    assert birds.nivis("build", "--keep-going", "birds", code=1).err.endswith(BLOCKED)
    assert states(birds) == {
        **dict.fromkeys(("clean", "train", "report", "checks.clean", "checks.floor"), "missing"),
        "birds": "blocked",
        "apart": "built",
        "checks.bills": "blocked",
        "checks.few": "warned",
    }
    said = birds.nix("build", "--no-link", ".#experiment-birds.steps.clean", code=1).err
    assert "found: bill: 2 of 5 values are not between 20 and 45" in said
    birds.nix_built("experiment-birds.steps.apart")
    evidence = json.loads((Path(birds.nix_built("experiment-birds.checks.bills")) / "check.json").read_text())
    assert (evidence["held"], evidence["found"][0]["rows"]) == (False, [2, 4])
    assert birds.nivis("build", "birds.checks.bills", code=1).err.endswith(BLOCKED)
    birds.edit(MANIFEST, "high = 45", "high = 60")
    assert birds.built("birds") == ["birds.clean", "birds.report", "birds.train"]


def test_a_check_that_still_holds_makes_nothing_run_again(birds: Project) -> None:
    birds.nivis("build", "birds")
    before = birds.nix_built("experiment-birds.checks.bills")
    birds.edit(MANIFEST, "pass unnoticed", "spoil the model")
    assert birds.built("birds") == []
    checks = json.loads((birds.root / "generated/birds/checks.json").read_text())
    assert checks["bills"]["why"] == "Bills are in millimetres; another unit would spoil the model"
    birds.edit(MANIFEST, "high = 60", "high = 70")
    assert birds.built("birds") == []
    assert birds.nix_built("experiment-birds.checks.bills") == before  # the same was found
    assert birds.nix_built("experiment-birds") == str((birds.root / "generated/birds").readlink())
    birds.edit(MANIFEST, "high = 70", "high = 40")
    birds.nivis("build", "birds", code=1)


def test_a_floor_stops_what_follows_the_model(birds: Project) -> None:
    birds.edit(MANIFEST, "at-least = 0.85", "at-least = 0.9")
    said = birds.nivis("build", "-k", "birds", code=1).err
    assert said.endswith(
        "nivis: birds.checks.floor: the check does not hold:\n"
        "    assumed: A worse model is of no use\n"
        "    found: train.accuracy is 0.87, less than 0.9\n"
        "  Train longer.\n"
    )
    found = states(birds)
    assert (found["train"], found["report"], found["checks.floor"]) == ("built", "missing", "blocked")


def test_nothing_follows_but_the_result(birds: Project) -> None:
    birds.edit(MANIFEST, 'metric = "train.accuracy"\nat-least = 0.85', 'run = ": ${steps.report}; echo no; exit 3"')
    said = birds.nivis("build", "birds", code=1).err
    assert "    found: the command ended with status 3\n      no\n" in said
    assert states(birds)["report"] == "built"
    assert not (birds.root / "generated/birds").exists()
    birds.nix("build", "--no-link", ".#experiment-birds", code=1)


def test_a_profile_has_its_own_limits(birds: Project) -> None:
    said = birds.nivis("build", "birds", "--profile", "strict", code=1).err
    assert "nivis: birds-strict.checks.bills: the check does not hold:\n" in said
    assert birds.nivis("build", "birds", "-P", "high=45", code=1).err.endswith(re.sub("^[^:]*: [^:]*", "", BLOCKED))
    birds.nivis("build", "birds")


def test_sensitive_values_stay_where_they_are(birds: Project) -> None:
    birds.edit(MANIFEST, 'path = "data/birds.csv"', 'path = "data/birds.csv"\nsensitive = true')
    birds.edit(MANIFEST, "high = 60", "high = 45")
    said = birds.nivis("build", "birds", code=1).err
    assert "      row 2\n      row 4\n" in said
    assert "48.2" not in said


def test_every_instance_of_a_sweep(birds: Project) -> None:
    sweep = """
[steps.sweep]
matrix = { n = [1, 3] }
run = "head -n ${matrix.n} ${data.birds} > ${out}/t.csv; echo '{\\"n\\": ${matrix.n}}' > ${out}/m.json"
metrics = ["m.json"]
[steps.gather]
run = "for f in ${steps.sweep}; do cat $f/t.csv; done > ${out}/all"
[checks.each]
why = "w"
fix = "f"
severity = "warn"
table = "${steps.sweep}/t.csv"
rows = { at-least = 1 }
[checks.metrics]
why = "w"
fix = "f"
severity = "warn"
metric = "sweep.n"
at-least = 2
[checks.one]
why = "w"
fix = "f"
metric = "sweep@n=3.n"
at-least = 2
[checks.all]
why = "w"
fix = "f"
run = "ls ${steps.sweep}; [ $(echo ${steps.sweep} | wc -w) = 2 ]"
"""
    birds.write(MANIFEST, (birds.root / MANIFEST).read_text() + sweep)
    [found] = birds.nivis("--json", "build", "birds").json["results"]
    checks = {name: (check["state"], check["found"]) for name, check in found["checks"].items()}
    assert checks["each"] == ("warned", ["n=1: there are 0 rows, fewer than 1"])
    assert checks["metrics"] == ("warned", ["sweep@n=1.n is 1, less than 2"])
    assert (checks["one"], checks["all"]) == (("held", []), ("held", []))


def test_a_lock_without_urls(birds: Project) -> None:
    birds.edit("pyproject.toml", "[tool.nivis.toolchain]", "[tool.nivis]\nurls = false\n\n[tool.nivis.toolchain]")
    birds.nivis("build", "birds.checks.bills")
    lock = json.loads((birds.root / "nivis.lock").read_text())
    assert [(set(wheel), wheel["name"]) for wheel in lock["tables"]["wheels"]] == [
        ({"name", "version", "file", "sha256"}, name) for name in ("polars", "polars-runtime-32")
    ]
    birds.edit(MANIFEST, 'data = "birds"\n', 'run = "true"\n')
    text = (birds.root / MANIFEST).read_text()
    birds.write(
        MANIFEST,
        re.sub(r"(?m)^(rows|columns\.|table).*\n", "", text).replace(
            "[checks.clean]\n", "[checks.clean]\nrun = 'true'\n"
        ),
    )
    birds.nivis("lock")
    assert "tables" not in json.loads((birds.root / "nivis.lock").read_text())


FAN = """
[steps.split]
run = "mkdir ${out}/parts; for n in 1 2; do head -n $((n+1)) ${data.birds} > ${out}/parts/$n.csv; done"
[steps.each]
foreach = "${steps.split}/parts/*.csv"
run = "cp ${item} ${out}/t.csv"
[steps.gather]
run = "ls ${steps.each} > ${out}/all; echo SALT >> ${out}/all"
[checks.parts]
why = "Every part has birds"
fix = "Look at split."
table = "${steps.each}/t.csv"
rows = { at-least = LEAST }
"""


def test_every_instance_of_a_fan_out(birds: Project, salt: str) -> None:
    text = (birds.root / MANIFEST).read_text() + FAN.replace("SALT", salt)
    birds.write(MANIFEST, text.replace("LEAST", "2"))
    said = birds.nivis("build", "birds.gather", code=1).err
    assert "    found: 1.csv: there are 1 rows, fewer than 2\n  Look at split.\n" in said
    birds.write(MANIFEST, text.replace("LEAST", "1"))
    assert birds.built("birds.gather") == ["birds.gather"]
    birds.nivis("build", "birds")
    assert birds.nix_built("experiment-birds") == str((birds.root / "generated/birds").readlink())
