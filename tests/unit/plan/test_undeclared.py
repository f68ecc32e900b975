"""Why steps fail: what real programs say (fixtures/messages/record.sh), beside projects that have what was missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from nivis.plan.distributions import distribution_of
from nivis.plan.files import Files
from nivis.plan.sight import Sight
from nivis.plan.undeclared import explain

MESSAGES = Path(__file__).parent / "fixtures/messages"
FOLDER = "experiments/e"
MANIFEST = f"{FOLDER}/experiment.toml"
SIGHT = Sight(
    step="train",
    experiment="birds",
    folder=FOLDER,
    manifest=MANIFEST,
    files=frozenset(),
    script="python train.py",
    root="/home/me/project",
    data={},
    outputs={"train": ["model.json"], "clean": ["clean.csv"]},
    sources=["src"],
    wheels=frozenset({"numpy"}),
)


def unseen(path: str) -> str:
    return f"'{path}' is in the project, but the step does not see it: no command or import names it. "


def as_source(path: str, pattern: str) -> str:
    return unseen(path) + f'Add to [steps.train] in {MANIFEST}: sources = ["{pattern}"].'


def as_data(path: str, name: str) -> str:
    return (
        unseen(path)
        + f'Declare it in {MANIFEST}: [data.{name}] path = "{path}", and write ${{data.{name}}} in its run.'
    )


CONFIG = (f"{FOLDER}/config/x.json", as_source(f"{FOLDER}/config/x.json", "config/x.json"))
CSV = ("data/x.csv", as_data("data/x.csv", "x"))
ABSENT = f"{FOLDER}/lib/absent.sh"
EXPECTED = {
    "python-open": CONFIG,
    "cat": CONFIG,
    "cp": CONFIG,
    "sed": CONFIG,
    "grep": CONFIG,
    "sort": CONFIG,
    "awk": CONFIG,
    "jq": CONFIG,
    "perl": CONFIG,
    "bash-input": CONFIG,
    "node-read": CONFIG,
    "python-read-csv": CSV,
    "python-polars": CSV,
    "python-duckdb": CSV,
    "python-absolute": CSV,
    "python-pyarrow": ("data/x.parquet", as_data("data/x.parquet", "x")),
    "python-h5py": (f"{FOLDER}/data/x.h5", as_data(f"{FOLDER}/data/x.h5", "x")),
    "python-cv2": (f"{FOLDER}/img/x.png", as_data(f"{FOLDER}/img/x.png", "x")),
    "tar": (f"{FOLDER}/data/x.tar", as_data(f"{FOLDER}/data/x.tar", "x")),
    "R-read": (f"{FOLDER}/x.csv", as_data(f"{FOLDER}/x.csv", "x")),
    "R-source": (f"{FOLDER}/helpers.R", as_source(f"{FOLDER}/helpers.R", "helpers.R")),
    "R-script": (f"{FOLDER}/absent.R", as_source(f"{FOLDER}/absent.R", "absent.R")),
    "python-script": (f"{FOLDER}/absent.py", as_source(f"{FOLDER}/absent.py", "absent.py")),
    "perl-script": (f"{FOLDER}/absent.pl", as_source(f"{FOLDER}/absent.pl", "absent.pl")),
    "bash-script": (f"{FOLDER}/absent.sh", as_source(f"{FOLDER}/absent.sh", "absent.sh")),
    "bash-run": (f"{FOLDER}/absent.sh", as_source(f"{FOLDER}/absent.sh", "absent.sh")),
    "bash-source": (ABSENT, as_source(ABSENT, "lib/absent.sh")),
    "sh-source": (ABSENT, as_source(ABSENT, "lib/absent.sh")),
    "node-require": (f"{FOLDER}/lib/x.js", as_source(f"{FOLDER}/lib/x.js", "lib/x.js")),
    "node-import": (f"{FOLDER}/lib/x.mjs", as_source(f"{FOLDER}/lib/x.mjs", "lib/x.mjs")),
    "gcc": ("src/include/foo.h", as_source("src/include/foo.h", "/src/include/foo.h")),
    "make": (f"{FOLDER}/x.txt", as_source(f"{FOLDER}/x.txt", "x.txt")),
    "python-import-dynamic": (
        "src/helpers/foo.py",
        "'src/helpers' is in the project, but the step does not see it: "
        "the code imports it by a name that it makes up. "
        f'Add to [steps.train] in {MANIFEST}: sources = ["/src/helpers"].',
    ),
    "python-m": (
        f"{FOLDER}/helpers/foo.py",
        f"'{FOLDER}/helpers/foo.py' is in the project, but the step does not see it: "
        "the code imports it by a name that it makes up. "
        f'Add to [steps.train] in {MANIFEST}: sources = ["helpers/foo.py"].',
    ),
    "python-import": (
        "",
        "the Python package 'pyyaml' is not in the project's environment. Run `poetry add pyyaml`, then build again.",
    ),
    "python-excel": (
        "",
        "the Python package 'openpyxl' is not in the project's environment. "
        "Run `poetry add openpyxl`, then build again.",
    ),
    "python-submodule": ("", ""),
    "R-library": (
        "",
        "the R package 'notthere' is not among the step's tools. "
        f'Add it to [steps.train] in {MANIFEST}: tools = ["r-cran-notthere"].',
    ),
    "python-write": (
        f"{FOLDER}/results/x.csv",
        "'results/x.csv' is to be written where the step has no folder. Write to ${out}, which is what is kept.",
    ),
}


def message(name: str) -> list[str]:
    return (MESSAGES / f"{name}.log").read_text(encoding="utf-8").splitlines()


def project(root: Path, *paths: str) -> Files:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("text")
    return Files(root)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_programs_say(name: str, tmp_path: Path) -> None:
    path, expected = EXPECTED[name]
    files = project(tmp_path, *([path] if path else []), f"{FOLDER}/train.py")
    assert explain(message(name), SIGHT, files) == expected


def test_every_message_is_tried() -> None:
    assert {path.stem for path in MESSAGES.glob("*.log")} == {*EXPECTED, "bash-output"}


@pytest.mark.parametrize("name", sorted({*EXPECTED, "bash-output"} - {"python-import", "python-excel", "R-library"}))
def test_nothing_is_said_where_the_project_has_no_such_file(name: str, tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/train.py", "src/other.py")
    said = explain(message(name), replace(SIGHT, wheels=frozenset({"numpy", "helpers"})), files)
    assert said == ""


def test_a_file_that_bash_was_to_write(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/results/x.csv")
    said = explain(message("bash-output"), replace(SIGHT, script="echo a > results/x.csv"), files)
    assert said == (
        "'results/x.csv' is to be written where the step has no folder. Write to ${out}, which is what is kept."
    )


def test_several_files_of_a_kind_are_a_glob(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/config/x.json", f"{FOLDER}/config/y.json")
    assert explain(message("cat"), SIGHT, files) == as_source(f"{FOLDER}/config/x.json", "config/*.json")


def test_a_file_outside_the_experiment(tmp_path: Path) -> None:
    assert explain(message("cat"), SIGHT, project(tmp_path, "config/x.json")) == as_source(
        "config/x.json", "/config/x.json"
    )


def test_a_check_has_its_own_table(tmp_path: Path) -> None:
    said = explain(message("cat"), replace(SIGHT, step="checks.bills (test)"), project(tmp_path, CONFIG[0]))
    assert said == CONFIG[1].replace("[steps.train]", "[checks.bills]")


def test_a_large_file_is_data(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/config/x.json")
    (tmp_path / FOLDER / "config/x.json").write_bytes(bytes(2 << 20))
    sight = replace(SIGHT, data={"x": "data/other"})
    assert explain(message("cat"), sight, files) == as_data(f"{FOLDER}/config/x.json", "x-2")


@pytest.mark.parametrize(
    ("data", "reference"), [({"all": "data"}, "${data.all}/x.csv"), ({"birds": "data/x.csv"}, "${data.birds}")]
)
def test_data_that_is_declared(tmp_path: Path, data: Mapping[str, str], reference: str) -> None:
    assert explain(message("python-read-csv"), replace(SIGHT, data=data), project(tmp_path, "data/x.csv")) == (
        "'data/x.csv' is declared as data, and a step gets data under another path. "
        f"Write {reference} in its run, instead of 'data/x.csv'."
    )


def test_a_path_from_the_root(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/config.json")
    sight = replace(SIGHT, files=frozenset({f"{FOLDER}/config.json"}))
    line = f"FileNotFoundError: [Errno 2] No such file or directory: '{FOLDER}/config.json'"
    assert explain([line], sight, files) == (
        f"'{FOLDER}/config.json' is there, but the step runs in {FOLDER}. Write 'config.json'."
    )


def test_a_file_that_is_there_is_not_the_reason(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/tool.jl")
    sight = replace(SIGHT, files=frozenset({f"{FOLDER}/tool.jl"}))
    for line in (
        "/build/run: ./tool.jl: /usr/bin/julia: bad interpreter: No such file or directory",
        "/build/run: line 1: ./tool.jl: cannot execute: required file not found",
    ):
        assert explain([line], sight, files) == ""


def test_outputs_and_results_of_other_steps(tmp_path: Path) -> None:
    result = "generated/birds/steps/clean/deep/clean.csv"
    files = project(tmp_path, result, "generated/owls/steps/a/x")
    said = explain(["cat: clean.csv: No such file or directory"], SIGHT, files)
    assert said == "'clean.csv' is an output of step 'clean'. Write ${steps.clean}/clean.csv in the step's run."
    said = explain([f"cat: ../../{result}: No such file or directory"], SIGHT, files)
    assert said == (
        f"'../../{result}' is a result, and generated/ is no part of what a step sees. "
        "Write ${steps.clean}/deep/clean.csv in the step's run."
    )
    said = explain(["cat: ../../generated/owls/steps/a/x: No such file or directory"], SIGHT, files)
    assert said == (
        "'../../generated/owls/steps/a/x' is a result, and generated/ is no part of what a step sees. "
        "Refer to the step of this experiment that makes it: ${steps.NAME}/…."
    )


def test_a_file_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "far.csv").write_text("x")
    monkeypatch.setattr("nivis.plan.undeclared._SYSTEM", ("/nix/",))  # where tests may write is one of the system's
    said = explain([f"cat: {tmp_path}/far.csv: No such file or directory"], SIGHT, project(tmp_path / "p"))
    assert said == (
        f"'{tmp_path}/far.csv' is a file of this machine, and a step sees nothing of it. Declare it in {MANIFEST}: "
        f'[data.far] path = "{tmp_path}/far.csv", and write ${{data.far}} in its run.'
    )


def test_a_module_elsewhere_in_the_project(tmp_path: Path) -> None:
    files = project(tmp_path, "tools/helpers/__init__.py", "generated/x/helpers.py")
    assert explain(["ModuleNotFoundError: No module named 'helpers.foo'"], SIGHT, files) == (
        f"'tools/helpers/__init__.py' is in the project, but not where a step imports from ({FOLDER} and src). "
        'Write source = ["src", "tools"] under [tool.nivis] in pyproject.toml, or move it.'
    )


def test_a_link_that_leads_out_of_the_project(tmp_path: Path) -> None:
    files = project(tmp_path, f"{FOLDER}/config/y.json")
    (tmp_path / FOLDER / "config/x.json").symlink_to("/mnt/x.json")
    assert explain(message("cat"), SIGHT, files) == (
        f"{FOLDER}/config/x.json: is a link to '/mnt/x.json', which is outside the project. "
        "A step sees only the project: copy the file, or declare it under [data]."
    )


def test_how_a_package_is_added(tmp_path: Path) -> None:
    line = "ModuleNotFoundError: No module named 'sklearn.svm'"
    sight = replace(SIGHT, add="")
    assert explain([line], sight, project(tmp_path)) == (
        "the Python package 'scikit-learn' is not in the project's environment. "
        "Add 'scikit-learn' to pyproject.toml and lock it, then build again."
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("Foo_Bar.baz", "foo-bar"),
        ("google.protobuf", "protobuf"),
        ("tkinter", None),
        ("_lzma", None),
        ("PIL", "pillow"),
    ],
)
def test_where_modules_are_published(module: str, name: str | None) -> None:
    assert distribution_of(module) == name
