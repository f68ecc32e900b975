"""The files of a step, and what is said about those that are not there."""

from pathlib import Path, PurePosixPath

import pytest

from nivis.manifest.model import Experiment, Project
from nivis.plan.files import Files
from nivis.plan.sources import Sources

X = "experiments/x"
TREE = {
    f"{X}/experiment.toml": "",
    f"{X}/hashes.txt": "",
    f"{X}/report.md": "",
    f"{X}/train.py": "import helper",
    f"{X}/other.py": "",
    f"{X}/fit.R": 'source("util.R")\n',
    f"{X}/util.R": "source('fit.R')",
    f"{X}/all.sh": "python other.py; . ./inc.sh",
    f"{X}/inc.sh": "Rscript fit.R",
    f"{X}/run": "#!/usr/bin/env python3\nimport helper\n",
    f"{X}/conf/a.yaml": "",
    f"{X}/conf/b.yaml": "",
    f"{X}/my file.csv": "",
    "src/helper.py": "",
    "src/tool.py": "import helper",
    "src/pkg/__main__.py": "",
    "shared/c.yaml": "",
    "generated/x/y.csv": "",
}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    root = tmp_path / "project"
    for name, text in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "outside.csv").write_text("")
    (root / X / "c.yaml").symlink_to("../../shared/c.yaml")
    experiment = Experiment(name="x", folder=PurePosixPath(X))
    return Sources(Files(root), Project(root=root, name="p"), experiment)


@pytest.mark.parametrize(
    ("script", "files"),
    [
        ("python train.py", [f"{X}/train.py", "src/helper.py"]),
        ("# python train.py\nls", []),
        ("time python -u ./other.py --config=conf/a.yaml", [f"{X}/conf/a.yaml", f"{X}/other.py"]),
        ("cat conf", [f"{X}/conf/a.yaml", f"{X}/conf/b.yaml"]),
        ("cat conf/b*", [f"{X}/conf/b.yaml"]),
        ("cat 'conf/b*'", []),
        ("cat 'my file.csv'", [f"{X}/my file.csv"]),
        ("cat \0/other.py \0other.py $X/other.py", []),
        ("Rscript fit.R", [f"{X}/fit.R", f"{X}/util.R"]),
        ("bash all.sh", [f"{X}/all.sh", f"{X}/fit.R", f"{X}/inc.sh", f"{X}/other.py", f"{X}/util.R"]),
        ("./run", [f"{X}/run", "src/helper.py"]),
        ("python -m pkg", ["src/pkg/__main__.py"]),
        ("python -m pytest", []),
        ("python -c 'import tool'", ["src/helper.py", "src/tool.py"]),
        ("python - <<E\nimport tool\nE\n", ["src/helper.py", "src/tool.py"]),
        ("python ../../src/tool.py", ["src/helper.py", "src/tool.py"]),
        ("x src/tool.py", ["src/helper.py", "src/tool.py"]),
        ("cat c.yaml", [f"{X}/c.yaml", "shared/c.yaml"]),
        ("cd conf && cat a.yaml", [f"{X}/conf/a.yaml", f"{X}/conf/b.yaml"]),
        ("cat experiment.toml hashes.txt report.md ../../generated/x/y.csv", []),
        ("cp a . ; ls .. ../..", []),
        ("cat > new.py <<E\nE\npython new.py", []),
        ("case $x in *) ls;; esac", []),
    ],
)
def test_script(sources: Sources, script: str, files: list[str]) -> None:
    found = sources.of_script(script)
    assert found.problems == []
    assert sources.close(found) == files


def test_argv(sources: Sources) -> None:
    assert sources.close(sources.of_argv(["python", "train.py", "\0/x"])) == [f"{X}/train.py", "src/helper.py"]


def test_globs(sources: Sources) -> None:
    found = sources.of_globs(["conf/*.yaml", "/shared/**", "*"])
    own = {name for name in TREE if name.startswith(X)}
    never = {f"{X}/experiment.toml", f"{X}/hashes.txt", f"{X}/report.md"}
    assert sources.close(found) == sorted((own - never) | {f"{X}/c.yaml", "shared/c.yaml", "src/helper.py"})


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("python trian.py", "no file 'trian.py' in experiments/x. Did you mean 'train.py'?"),
        ("Rscript model.R", "no file 'model.R' in experiments/x. There are: fit.R, util.R."),
        ("bash ./al.sh", "no file './al.sh' in experiments/x. Did you mean 'all.sh'?"),
        ("node a.js", "no file 'a.js' in experiments/x. Write it, or correct the name."),
        (
            "python src/tool.py",
            (
                "no file 'src/tool.py' in experiments/x. "
                "A step runs in its experiment's folder: write '../../src/tool.py'."
            ),
        ),
        (
            "cat ../../../outside.csv",
            (
                "'../../../outside.csv' is outside the project. "
                "A step sees only the project: move it there, or declare it under [data]."
            ),
        ),
    ],
)
def test_error(sources: Sources, script: str, message: str) -> None:
    assert [str(error) for _, error in sources.of_script(script).problems] == [message]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (
            "*.json",
            "'*.json' matches no file in experiments/x. Correct or remove it; a leading '/' means the project's root.",
        ),
        ("shared/*", "'shared/*' matches no file in experiments/x. Did you mean '/shared/*', from the project's root?"),
        (
            "../../../*",
            (
                "'../../../*' is outside the project. "
                "A step sees only the project: move it there, or declare it under [data]."
            ),
        ),
    ],
)
def test_glob_error(sources: Sources, pattern: str, message: str) -> None:
    assert [str(error) for _, error in sources.of_globs([pattern]).problems] == [message]


def test_data_in_a_folder(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nivis.plan.sources.MOST_FILES", 1)
    assert [str(error) for _, error in sources.of_script("cat conf").problems] == [
        (
            "'conf' names more than 1 files. "
            'Declare them as data: [data.NAME] path = "experiments/x/conf", and write ${data.NAME} here.'
        )
    ]
